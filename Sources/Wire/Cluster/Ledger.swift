/// What happened at one step, once and for all: appended and on disk before any owner applies the step.
public struct LedgerRecord: Hashable, Sendable {
    /// What every run of the same recipe, data and seed gives, bit for bit; a replayed step must match it.
    public var outcome: StepOutcome
    /// Who did it: differs between runs.
    public var generation: UInt64
    public var map: Int
    public var workers: Int
    /// From the first lease to the last chunk ready, in seconds.
    public var seconds: Double
    /// Blocks of the step that were leased more than once: their worker died, failed or was late. In order of time.
    public var reissues: [Reissue]
    /// What the workers agreed on that the recipe does not say, and that the outcome depends on: kernels, decoders. By
    /// name; empty where it is the same as in the record before.
    public var computedWith: [Fingerprint]

    public init(
        outcome: StepOutcome, generation: UInt64, map: Int, workers: Int, seconds: Double, reissues: [Reissue] = [],
        computedWith: [Fingerprint] = []
    ) {
        self.outcome = outcome
        self.generation = generation
        self.map = map
        self.workers = workers
        self.seconds = seconds
        self.reissues = reissues
        self.computedWith = computedWith
    }
}

extension Sequence<LedgerRecord> {
    /// What the last of these steps was computed with; empty where no record says it, as before this was written down.
    public var computedWith: [Fingerprint] {
        reduce([]) { $1.computedWith.isEmpty ? $0 : $1.computedWith }
    }
}

/// Units that somebody else had been asked for before.
public struct Reissue: Hashable, Sendable {
    public var block: UnitBlock
    /// Who was asked this time.
    public var worker: Incarnation

    public init(block: UnitBlock, worker: Incarnation) {
        self.block = block
        self.worker = worker
    }
}

/// The part of a step that is a pure function of recipe, data and seed.
public struct StepOutcome: Hashable, Sendable {
    public var step: Int
    /// The step drew the positions `firstPosition` ..< `firstPosition` + `clips` of the stream.
    public var firstPosition: UInt64
    public var clips: Int
    /// Mean over the units, in unit order.
    public var loss: Double
    public var correct: Int
    /// Of the mean gradient, all parameters; infinite or NaN when the step was skipped for it.
    public var gradientNorm: Double
    /// `combinedDigest` of the reduced chunks' checksums, in chunk order.
    public var gradientDigest: UInt64
    public var rate: Float
    /// What the gradient is multiplied by (clipping); 1 when it is not clipped.
    public var coefficient: Float
    /// The gradient was not finite: the step changed nothing.
    public var skipped: Bool
    /// Clips that stood in for others, in order of position.
    public var substitutes: [Substitute]

    public init(
        step: Int, firstPosition: UInt64, clips: Int, loss: Double, correct: Int, gradientNorm: Double,
        gradientDigest: UInt64, rate: Float, coefficient: Float, skipped: Bool, substitutes: [Substitute]
    ) {
        self.step = step
        self.firstPosition = firstPosition
        self.clips = clips
        self.loss = loss
        self.correct = correct
        self.gradientNorm = gradientNorm
        self.gradientDigest = gradientDigest
        self.rate = rate
        self.coefficient = coefficient
        self.skipped = skipped
        self.substitutes = substitutes
    }

    /// Equal to the bit, NaNs included: what a replayed step is held against.
    public func matches(_ other: StepOutcome) -> Bool {
        var (a, b) = (self, other)
        guard a.loss.bitPattern == b.loss.bitPattern, a.gradientNorm.bitPattern == b.gradientNorm.bitPattern,
            a.rate.bitPattern == b.rate.bitPattern, a.coefficient.bitPattern == b.coefficient.bitPattern
        else { return false }
        (a.loss, a.gradientNorm, a.rate, a.coefficient) = (0, 0, 0, 0)
        (b.loss, b.gradientNorm, b.rate, b.coefficient) = (0, 0, 0, 0)
        return a == b
    }
}

/// A clip that does not decode, and the one that stood in for it.
public struct Substitute: Hashable, Sendable {
    public var position: UInt64
    public var wanted: Int
    public var used: Int
    public var reason: String

    public init(position: UInt64, wanted: Int, used: Int, reason: String) {
        self.position = position
        self.wanted = wanted
        self.used = used
        self.reason = reason
    }
}

/// What a worker reports of one unit.
public struct UnitRecord: Hashable, Sendable {
    public var unit: Int
    /// Mean over the unit's clips.
    public var loss: Double
    public var correct: Int
    public var substitutes: [Substitute]

    public init(unit: Int, loss: Double, correct: Int, substitutes: [Substitute] = []) {
        self.unit = unit
        self.loss = loss
        self.correct = correct
        self.substitutes = substitutes
    }

    /// Whether the same came out, to the bit: also where the loss is no number.
    public func matches(_ other: UnitRecord) -> Bool {
        unit == other.unit && loss.bitPattern == other.loss.bitPattern && correct == other.correct
            && substitutes == other.substitutes
    }
}

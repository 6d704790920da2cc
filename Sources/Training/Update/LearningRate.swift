/// The learning rate as a function of the step alone: the same whatever the cluster, and after any restart.
///
/// With e = step / `stepsPerEpoch`, the epoch as a real number; PySlowFast's `lr_policy` and VMZ's rates are cases of it.
/// Where steps have clips of several numbers (multigrid), clips are counted in the place of steps.
public struct LearningRate: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case constant
        /// Multiplied by `gamma` every `every` epochs.
        case steps(every: Double, gamma: Double)
        /// Multiplied by `gamma` at each of the `milestones`, which ascend.
        case multiStep(milestones: [Double], gamma: Double)
        /// `factors[i]` times the highest from `milestones[i]` on; as many of both, ascending from 0.
        case relativeSteps(milestones: [Double], factors: [Double])
        /// Half a cosine from the highest to `end`, from step 0, or from the end of the warm-up, to the last step.
        case cosine(end: Double = 0, afterWarmup: Bool = false)
    }

    /// How the rate rises over the warm-up.
    public enum Warmup: String, Sendable, Hashable, CaseIterable {
        /// The schedule's own value times a factor that rises from `warmupFrom` to 1.
        case scaled
        /// A straight line from `warmupFrom` · highest to what the schedule says at the end of the warm-up.
        case linear
    }

    public var highest: Double
    public var kind: Kind
    public var steps: Int
    public var stepsPerEpoch: Double
    /// Epochs over which the rate rises.
    public var warmupEpochs: Double
    public var warmupFrom: Double
    public var warmup: Warmup

    public init(
        highest: Double, kind: Kind, steps: Int, stepsPerEpoch: Double, warmupEpochs: Double = 0,
        warmupFrom: Double = 1, warmup: Warmup = .scaled
    ) {
        self.highest = highest
        self.kind = kind
        self.steps = steps
        self.stepsPerEpoch = stepsPerEpoch
        self.warmupEpochs = warmupEpochs
        self.warmupFrom = warmupFrom
        self.warmup = warmup
    }

    /// The rate of `step`.
    public func callAsFunction(_ step: Int) -> Float { self(at: Double(step)) }

    /// The rate when so many steps were made.
    public func callAsFunction(at step: Double) -> Float {
        let epoch = step / stepsPerEpoch
        guard epoch < warmupEpochs else { return Float(scheduled(step, epoch)) }
        switch warmup {
        case .scaled:
            return Float(
                scheduled(step, epoch) * (warmupFrom + (1 - warmupFrom) * epoch / warmupEpochs))
        case .linear:
            let from = warmupFrom * highest
            let to = scheduled(warmupEpochs * stepsPerEpoch, warmupEpochs)
            return Float(from + epoch * (to - from) / warmupEpochs)
        }
    }

    /// Without the warm-up.
    private func scheduled(_ step: Double, _ epoch: Double) -> Double {
        switch kind {
        case .constant: return highest
        case .steps(let every, let gamma):
            // Products, not pow(): no libm, so the same bits everywhere.
            return (0..<min(10_000, Int((epoch / every).rounded(.down)))).reduce(highest) { rate, _ in rate * gamma }
        case .multiStep(let milestones, let gamma):
            return milestones.prefix { $0 <= epoch }.reduce(highest) { rate, _ in rate * gamma }
        case .relativeSteps(let milestones, let factors):
            let passed = zip(milestones, factors).prefix { $0.0 <= epoch }
            return highest * (passed.last?.1 ?? 1)
        case .cosine(let end, let afterWarmup):
            let first = afterWarmup ? warmupEpochs * stepsPerEpoch : 0
            let progress = (step - first) / max(1, Double(steps) - first)
            return end + (highest - end) * (0.5 * (1 + cosineOfHalfTurns(min(1, max(0, progress)))))
        }
    }
}

/// cos(π x) for x in [0, 1], to about 1e-16, by a Taylor series of + and × only: no libm.
func cosineOfHalfTurns(_ x: Double) -> Double {
    // Fold to |angle| ≤ π/2 round the quarter turn: cos(πx) = −sin(π(x − ½)).
    let angle = Double.pi * (x - 0.5)
    let square = angle * angle
    var sum = 0.0
    var k = 27.0
    while k >= 3 {
        sum = (1 + sum) * (-square / (k * (k - 1)))
        k -= 2
    }
    return -(angle * (1 + sum))
}

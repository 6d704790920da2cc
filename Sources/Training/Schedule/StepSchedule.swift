/// Which clips each step of a run draws, of which shape, and at which learning rate: a pure function of the step, the same
/// for the coordinator, the workers and the audit.
///
/// A run is one phase after another; in a phase the steps take the batches of its cycle in turn. Without multigrid there is
/// one phase of one batch. Steps count on behind the last one: somebody may look a step ahead.
public struct StepSchedule: Sendable, Equatable {
    /// Steps from `firstStep` to the next phase, which take the batches of `cycle` in turn.
    public struct Phase: Sendable, Equatable {
        public let firstStep: Int
        /// Where the stream of draws stands when the phase begins.
        public let firstPosition: UInt64
        /// One or more.
        public let cycle: [StepBatch]
    }

    /// What the learning rate counts as time.
    public enum Time: Sendable, Equatable {
        /// Steps: where all are alike.
        case steps
        /// Clips drawn before a step.
        case clips
    }

    /// Gradient units of a step (U).
    public let units: Int
    /// Steps of the run.
    public let steps: Int
    /// In order; the first begins with step 0 and position 0, each has a step at least.
    public let phases: [Phase]
    private let learningRate: LearningRate
    private let time: Time

    /// Steps that are all alike.
    /// - Parameter clip: of no matter where nobody cuts clips.
    public init(
        units: Int, clipsPerUnit: Int, steps: Int, rate: LearningRate, clip: ClipShape = ClipShape(frames: 1, crop: 1)
    ) {
        self.units = units
        self.steps = steps
        phases = [
            Phase(firstStep: 0, firstPosition: 0, cycle: [StepBatch(clipsPerGroup: clipsPerUnit, clip: clip)])
        ]
        learningRate = rate
        time = .steps
    }

    /// One phase after another, each until the clips that were drawn since step 0 are `end` or more. A phase that is over
    /// before it begins has no step.
    /// - Parameters:
    ///   - phases: one or more, the ends ascending and above 0.
    ///   - rate: counts clips as time.
    public init(units: Int, phases: [(end: UInt64, cycle: [StepBatch])], rate: LearningRate) {
        self.units = units
        var made: [Phase] = []
        var (step, position) = (0, UInt64(0))
        for (end, cycle) in phases where end > position {
            let phase = Phase(firstStep: step, firstPosition: position, cycle: cycle)
            made.append(phase)
            let count = Self.steps(of: phase, units: units, until: end)
            step += count
            position += Self.clips(of: phase, units: units, steps: count)
        }
        precondition(!made.isEmpty, "a run without a step")
        self.phases = made
        steps = step
        learningRate = rate
        time = .clips
    }

    /// What the units of `step` are.
    public func batch(_ step: Int) -> StepBatch {
        let phase = phase(ofStep: step)
        return phase.cycle[(step - phase.firstStep) % phase.cycle.count]
    }

    /// Clips that `step` draws.
    public func clips(ofStep step: Int) -> Int { units * batch(step).clipsPerUnit }

    /// Clips that all steps before `step` draw: where its own begin in the stream.
    public func firstPosition(ofStep step: Int) -> UInt64 {
        let phase = phase(ofStep: step)
        return phase.firstPosition + Self.clips(of: phase, units: units, steps: step - phase.firstStep)
    }

    /// The positions of the stream that a unit of a step draws.
    public func positions(step: Int, unit: Int) -> Range<UInt64> {
        let n = UInt64(batch(step).clipsPerUnit)
        let first = firstPosition(ofStep: step) + UInt64(unit) * n
        return first..<first + n
    }

    /// The step that draws `position`.
    public func step(at position: UInt64) -> Int {
        let phase = phases.last { $0.firstPosition <= position } ?? phases[0]
        return phase.firstStep + Self.steps(of: phase, units: units, until: position + 1) - 1
    }

    /// The learning rate of `step`.
    public func rate(_ step: Int) -> Float {
        switch time {
        case .steps: learningRate(step)
        case .clips: learningRate(at: Double(firstPosition(ofStep: step)))
        }
    }

    /// Every batch of the run once, in the order in which they first come.
    public var batches: [StepBatch] {
        phases.flatMap(\.cycle).reduce(into: []) { known, batch in
            if !known.contains(batch) { known.append(batch) }
        }
    }

    /// The most clips that a unit has.
    public var mostClipsPerUnit: Int { batches.map(\.clipsPerUnit).max() ?? 1 }

    private func phase(ofStep step: Int) -> Phase { phases.last { $0.firstStep <= step } ?? phases[0] }

    /// Clips of the first `steps` steps of a phase.
    private static func clips(of phase: Phase, units: Int, steps: Int) -> UInt64 {
        let clips = phase.cycle.map { units * $0.clipsPerUnit }
        let (rounds, rest) = steps.quotientAndRemainder(dividingBy: clips.count)
        return UInt64(rounds) * UInt64(clips.reduce(0, +)) + UInt64(clips.prefix(rest).reduce(0, +))
    }

    /// The fewest steps of a phase behind which `position` clips or more were drawn since step 0.
    private static func steps(of phase: Phase, units: Int, until position: UInt64) -> Int {
        guard position > phase.firstPosition else { return 0 }
        let clips = phase.cycle.map { UInt64(units * $0.clipsPerUnit) }
        let (rounds, rest) = (position - phase.firstPosition).quotientAndRemainder(dividingBy: clips.reduce(0, +))
        var (steps, drawn) = (Int(rounds) * clips.count, UInt64(0))
        for count in clips where drawn < rest {
            drawn += count
            steps += 1
        }
        return steps
    }
}

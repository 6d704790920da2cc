public import Faults
import Randomness
public import Training
public import Wire

/// What a ledger proves: each clip of each pass over the data set was drawn exactly once, and by which steps.
///
/// A pure function of the records and of what the run is: every position of the stream is asked for its clip again, as
/// the workers did (the keyed permutation of the pass), and every clip is counted.
public struct LedgerAudit: Sendable {
    /// What the run is meant to do, from its recipe and its data set.
    public struct Expectation: Sendable {
        /// Clips in the data set (N).
        public var clips: Int
        /// How many of them each step draws.
        public var schedule: StepSchedule
        public var seed: UInt64
        /// How often in a row each clip is drawn (`augment.repeats`).
        public var repeats: Int

        public init(clips: Int, schedule: StepSchedule, seed: UInt64, repeats: Int = 1) {
            self.repeats = repeats
            self.clips = clips
            self.schedule = schedule
            self.seed = seed
        }
    }

    /// The steps that one coordinator after another wrote down.
    public struct Generation: Sendable, Equatable {
        public var number: UInt64
        public var steps: Range<Int>

        public init(number: UInt64, steps: Range<Int>) {
            self.number = number
            self.steps = steps
        }
    }

    public private(set) var steps = 0
    /// Positions of the stream that were drawn, from 0.
    public private(set) var positions: UInt64 = 0
    /// Passes over the data set of which every clip was drawn exactly once.
    public private(set) var completePasses: UInt64 = 0
    /// Clips drawn of the pass that is not complete, none twice.
    public private(set) var clipsOfLastPass = 0
    public private(set) var generations: [Generation] = []
    /// In order of position, with their step.
    public private(set) var substitutes: [(step: Int, substitute: Substitute)] = []
    public private(set) var reissues: [(step: Int, reissue: Reissue)] = []
    /// Their gradient was not finite: their clips were drawn, and changed nothing.
    public private(set) var skippedSteps: [Int] = []

    /// The steps from which on something else computed than before, and with what; none where no record says it.
    public private(set) var builds: [(step: Int, computedWith: [Fingerprint])] = []

    /// - Throws: `Fault.data` about `thing` with the first contradiction.
    public init(_ records: [LedgerRecord], _ expected: Expectation, of thing: String) throws(Fault) {
        guard expected.clips > 0, expected.repeats > 0 else {
            throw Fault(.data, thing, "a data set of \(expected.clips) clips proves nothing")
        }
        var pass = Pass(0, expected)
        for record in records {
            let outcome = record.outcome
            func contradiction(_ reason: String) -> Fault { Fault(.data, thing, "step \(outcome.step): \(reason)") }
            guard outcome.step == steps else { throw contradiction("stands where step \(steps) is due") }
            guard steps < expected.schedule.steps else {
                throw contradiction("the run has \(expected.schedule.steps) steps")
            }
            guard outcome.firstPosition == positions else {
                throw contradiction(
                    "begins at position \(outcome.firstPosition), and the one before ended at \(positions)")
            }
            let due = expected.schedule.clips(ofStep: outcome.step)
            guard outcome.clips == due else {
                throw contradiction("has \(outcome.clips) clips, and the recipe gives it \(due)")
            }
            guard record.generation >= generations.last?.number ?? 0 else {
                throw contradiction(
                    "is of generation \(record.generation), and the one before of \(generations.last?.number ?? 0)")
            }
            var standIns = outcome.substitutes[...]
            for position in positions..<positions + UInt64(outcome.clips) {
                let number = position / UInt64(expected.clips * expected.repeats)
                if number != pass.number {
                    if let reason = pass.lack { throw contradiction(reason) }
                    completePasses += 1
                    pass = Pass(number, expected)
                }
                let clip = pass.clip(at: position)
                guard pass.draw(clip) else {
                    throw contradiction("clip \(clip) is drawn a \(pass.ordinal) time in pass \(pass.number)")
                }
                guard let standIn = standIns.first, standIn.position == position else { continue }
                standIns.removeFirst()
                guard standIn.wanted == clip else {
                    throw contradiction(
                        "a substitute for clip \(standIn.wanted) at position \(position), which is clip \(clip)")
                }
                guard standIn.used != clip, (0..<expected.clips).contains(standIn.used) else {
                    throw contradiction("clip \(standIn.used) cannot stand in for clip \(clip)")
                }
                substitutes.append((outcome.step, standIn))
            }
            if let stray = standIns.first {
                throw contradiction(
                    "a substitute at position \(stray.position), which is not one of the step's, or twice")
            }
            if !record.computedWith.isEmpty { builds.append((outcome.step, record.computedWith)) }
            if outcome.skipped { skippedSteps.append(outcome.step) }
            reissues += record.reissues.map { (outcome.step, $0) }
            steps += 1
            positions += UInt64(outcome.clips)
            note(record.generation)
        }
        if pass.lack == nil { completePasses += 1 } else { clipsOfLastPass = pass.count }
    }

    /// The step just counted is of this generation.
    private mutating func note(_ generation: UInt64) {
        if let last = generations.last, last.number == generation {
            generations[generations.count - 1].steps = last.steps.lowerBound..<steps
        } else {
            generations.append(Generation(number: generation, steps: steps - 1..<steps))
        }
    }
}

/// One pass over the data set: which of its clips were drawn.
private struct Pass {
    let number: UInt64
    private(set) var count = 0
    private let permutation: KeyedPermutation
    private let repeats: Int
    /// How often each was.
    private var drawn: [Int]

    init(_ number: UInt64, _ expected: LedgerAudit.Expectation) {
        self.number = number
        permutation = KeyedPermutation(count: expected.clips, seed: expected.seed, epoch: number)
        repeats = expected.repeats
        drawn = Array(repeating: 0, count: expected.clips)
    }

    /// What `ClipLoader.rank(at:)` says of a position of this pass.
    func clip(at position: UInt64) -> Int { permutation(Int(position / UInt64(repeats) % UInt64(drawn.count))) }

    /// The first time too many.
    var ordinal: String { repeats == 1 ? "second" : "\(repeats + 1)th" }

    /// - Returns: `false` when it was drawn as often before as is due.
    mutating func draw(_ clip: Int) -> Bool {
        guard drawn[clip] < repeats else { return false }
        drawn[clip] += 1
        count += 1
        return true
    }

    /// Why the pass is not complete; `nil` when each clip was drawn.
    var lack: String? {
        drawn.firstIndex { $0 < repeats }.map {
            repeats == 1
                ? "clip \($0) was not drawn in pass \(number)"
                : "clip \($0) was drawn \(drawn[$0]) times of \(repeats) in pass \(number)"
        }
    }
}

extension LedgerAudit {
    /// Audits the ledger of the run in `path`, which may be in progress: reads only.
    ///
    /// - Throws: `Fault.data` with the first contradiction, or what is damaged.
    public init(run path: String, _ expected: Expectation) throws(Fault) {
        let ledger = StepLedger.path(run: path)
        try self.init(try StepLedger.read(run: path), expected, of: ledger)
        // Who wrote more than all coordinators that the run has had?
        if let last = generations.last?.number, let begun = try GenerationFile(reading: path)?.generation, last > begun
        {
            throw Fault(.data, ledger, "holds steps of generation \(last), and the run has had \(begun)")
        }
    }
}

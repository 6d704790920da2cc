import Coordinator
import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Training
import Wire

@Suite("Proofs from a run's folder")
struct ProofTests {
    /// 10 clips, 12 a step: passes end in the middle of steps.
    private let expected = LedgerAudit.Expectation(clips: 10, schedule: schedule(steps: 50), seed: 5)

    private static func schedule(steps: Int) -> StepSchedule {
        StepSchedule(
            units: 4, clipsPerUnit: 3, steps: steps,
            rate: LearningRate(highest: 0.1, kind: .constant, steps: steps, stepsPerEpoch: 1))
    }

    private func clip(at position: UInt64) -> Int {
        KeyedPermutation(count: 10, seed: 5, epoch: position / 10)(Int(position % 10))
    }

    @Test("A ledger without fault: passes, clips of the last one, generations, substitutes, re-issues, skipped steps")
    func audit() throws {
        var records = SmallRun.records(0..<8)
        for step in 5..<8 { records[step].generation = 3 }
        let wanted = clip(at: 40)
        records[3].outcome.substitutes = [
            Substitute(position: 40, wanted: wanted, used: (wanted + 1) % 10, reason: "is empty")
        ]
        records[6].outcome.skipped = true
        records[2].reissues = [Reissue(block: UnitBlock(first: 2, log2: 1), worker: 77)]
        let audit = try LedgerAudit(records, expected, of: "ledger")
        #expect(audit.steps == 8)
        #expect(audit.positions == 96)
        #expect(audit.completePasses == 9)
        #expect(audit.clipsOfLastPass == 6)
        #expect(audit.generations == [.init(number: 1, steps: 0..<5), .init(number: 3, steps: 5..<8)])
        #expect(audit.skippedSteps == [6])
        #expect(audit.substitutes.map(\.step) == [3])
        #expect(audit.reissues.map(\.reissue) == records[2].reissues)
        #expect(try LedgerAudit(Array(records[..<5]), expected, of: "ledger").completePasses == 6)
        #expect(try LedgerAudit([], expected, of: "ledger").completePasses == 0)
    }

    /// What can be wrong with a ledger, and what the audit says of it.
    enum Contradiction: String, CaseIterable {
        case gap = "step 4: begins at position 60, and the one before ended at 48"
        case twice = "step 4: begins at position 36, and the one before ended at 48"
        case missingStep = "step 5: stands where step 4 is due"
        case fewerClips = "step 4: has 11 clips, and the recipe gives it 12"
        case generationFalls = "step 4: is of generation 1, and the one before of 2"
        case tooLong = "step 8: the run has 8 steps"
        case otherClip = "which is clip"
        case standsInForItself = "cannot stand in for"
        case standInOutsideTheSet = "clip 10 cannot stand in for"
        case standInElsewhere = "a substitute at position 99"
        case standInTwice = "which is not one of the step's, or twice"
    }

    @Test("Each kind of contradiction is found and named", arguments: Contradiction.allCases)
    func contradictions(kind: Contradiction) throws {
        var records = SmallRun.records(0..<8)
        var expected = expected
        let wanted = clip(at: 50)
        func standIn(_ position: UInt64, for clip: Int, _ used: Int) -> Substitute {
            Substitute(position: position, wanted: clip, used: used, reason: "is empty")
        }
        let right = standIn(50, for: wanted, (wanted + 3) % 10)
        switch kind {
        case .gap: for step in 4..<8 { records[step].outcome.firstPosition += 12 }
        case .twice: for step in 4..<8 { records[step].outcome.firstPosition -= 12 }
        case .missingStep: records.remove(at: 4)
        case .fewerClips: records[4].outcome.clips = 11
        case .generationFalls: records[3].generation = 2
        case .tooLong:
            expected.schedule = Self.schedule(steps: 8)
            records.append(SmallRun.record(8))
        case .otherClip: records[4].outcome.substitutes = [standIn(50, for: (wanted + 1) % 10, wanted)]
        case .standsInForItself: records[4].outcome.substitutes = [standIn(50, for: wanted, wanted)]
        case .standInOutsideTheSet: records[4].outcome.substitutes = [standIn(50, for: wanted, 10)]
        case .standInElsewhere: records[4].outcome.substitutes = [standIn(99, for: wanted, 0)]
        case .standInTwice: records[4].outcome.substitutes = [right, right]
        }
        let fault = #expect(throws: Fault.self) { try LedgerAudit(records, expected, of: "RUN/ledger") }
        #expect(fault?.code == .data)
        #expect(fault?.thing == "RUN/ledger")
        #expect(fault?.reason.contains(kind.rawValue) == true, "\(String(describing: fault))")
    }

    @Test("Clips that are drawn several times in a row are counted so often")
    func repeats() throws {
        // Ten clips twice: 96 positions are four passes and sixteen draws of the fifth.
        var expected = expected
        expected.repeats = 2
        let audit = try LedgerAudit(SmallRun.records(0..<8), expected, of: "ledger")
        #expect(audit.completePasses == 4 && audit.clipsOfLastPass == 16)
    }

    @Test("Steps of several sizes are counted as the schedule says")
    func severalSizes() throws {
        func batch(_ clips: Int) -> StepBatch { StepBatch(clipsPerGroup: clips, clip: ClipShape(frames: 1, crop: 1)) }
        // 16, 8 and 4 clips in turn up to 40, then 4: ten clips a pass.
        let schedule = StepSchedule(
            units: 4, phases: [(40, [batch(4), batch(2), batch(1)]), (50, [batch(1)])],
            rate: LearningRate(highest: 0.1, kind: .constant, steps: 50, stepsPerEpoch: 10))
        let sizes = [16, 8, 4, 16, 4, 4]
        #expect(schedule.steps == sizes.count)
        var position = 0
        let records = sizes.enumerated().map { step, clips in
            var record = SmallRun.record(step)
            (record.outcome.firstPosition, record.outcome.clips) = (UInt64(position), clips)
            position += clips
            return record
        }
        let expected = LedgerAudit.Expectation(clips: 10, schedule: schedule, seed: 5)
        let audit = try LedgerAudit(records, expected, of: "ledger")
        #expect(audit.positions == 52 && audit.completePasses == 5 && audit.clipsOfLastPass == 2)
        var swapped = records
        (swapped[1].outcome.clips, swapped[2].outcome.clips) = (4, 8)
        swapped[2].outcome.firstPosition = 20
        let fault = #expect(throws: Fault.self) { try LedgerAudit(swapped, expected, of: "ledger") }
        #expect(fault?.reason == "step 1: has 4 clips, and the recipe gives it 8")
    }

    @Test("A substitute tells another seed and another data set from the run's own")
    func otherRun() throws {
        var records = SmallRun.records(0..<8)
        let wanted = clip(at: 50)
        records[4].outcome.substitutes = [Substitute(position: 50, wanted: wanted, used: (wanted + 1) % 10, reason: "")]
        _ = try LedgerAudit(records, expected, of: "ledger")
        // 1 of 10 seeds has the same clip there by chance; not all of twenty.
        let passing = (100..<120).filter { seed in
            var other = expected
            other.seed = UInt64(seed)
            return (try? LedgerAudit(records, other, of: "ledger")) != nil
        }
        #expect(passing.count < 10, "seeds \(passing)")
    }

    @Test("A ledger on disk is audited while its coordinator runs; steps of a generation that never was are found")
    func onDisk() throws {
        try withTemporaryFolder { run in
            let directory = try RunDirectory(run)
            let ledger = try StepLedger(directory)
            for step in 0..<3 {
                try ledger.append(SmallRun.record(step))
                #expect(try LedgerAudit(run: run, expected).steps == step + 1)
            }
            try ledger.append(SmallRun.record(3, generation: 9))
            let fault = #expect(throws: Fault.self) { try LedgerAudit(run: run, expected) }
            #expect(fault?.reason == "holds steps of generation 9, and the run has had 1")
        }
    }

    private func verify(_ run: String) throws -> RunVerification {
        try RunVerification(run: run, layout: try SmallRun.layout())
    }

    @Test("A whole run is whole, in progress too; what is staged meanwhile is nobody's business")
    func whole() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [0, 3, 6])
            let store = try SmallRun.store(try RunDirectory(run))
            try store.begin(version: 9)
            let found = try verify(run)
            #expect(found.problems.isEmpty)
            #expect(found.steps == 9)
            #expect(found.checkpoints.map(\.version) == [0, 3, 6])
            #expect(found.checkpoints.allSatisfy { $0.wholeChunks == SmallRun.plan.chunks.count })
        }
    }

    @Test("Any fifth byte of any file of any checkpoint turned around is found, and the checkpoint named")
    func everyByte() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 6, checkpoints: [3, 6])
            for version in [3, 6] {
                let path = CheckpointStore.path(run: run, version: version)
                for file in try files(below: path) {
                    for offset in stride(from: 2, to: try readWhole(file).count, by: 5) {
                        try flip(file, at: offset, bit: UInt8(offset % 8))
                        defer { try? flip(file, at: offset, bit: UInt8(offset % 8)) }
                        let found = try verify(run)
                        #expect(
                            found.problems.contains { $0.thing.hasPrefix(path) }, "\(file) byte \(offset) turned around"
                        )
                        #expect(found.checkpoints.filter { !$0.problems.isEmpty }.map(\.version) == [version])
                    }
                }
            }
            #expect(try verify(run).problems.isEmpty)
        }
    }

    @Test("Damage of several kinds at once is all named; the ledger's, too")
    func severalKinds() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [2, 4, 6, 8])
            try removeTree(run + "/checkpoints/step-2/manifest.json")
            let state = run + "/checkpoints/step-4/state.safetensors"
            try flip(state, at: try readWhole(state).count - 1)
            let model = run + "/checkpoints/step-6/model.safetensors"
            try writeWhole(Array(try readWhole(model).dropLast(8)), to: model)
            try flip(run + "/ledger/0000000000000000-00000001.log", at: 40)
            let found = try verify(run)
            #expect(found.ledgerProblem?.code == .data)
            #expect(found.steps == 0)
            #expect(found.checkpoints.map { !$0.problems.isEmpty } == [true, true, true, false])
            let things = found.problems.map { "\($0)" }
            #expect(things.contains { $0.contains("step-2/manifest.json") }, "\(things)")
            #expect(things.contains { $0.contains("step-4: chunk") && $0.contains("is damaged") }, "\(things)")
            #expect(things.contains { $0.contains("step-6/model.safetensors") }, "\(things)")
        }
    }

    @Test("A checkpoint that the ledger does not reach, contradicts, or that is another run's is found")
    func disagreement() throws {
        try withTemporaryFolder { folder in
            try SmallRun.make(folder + "/a", steps: 6, checkpoints: [4])
            try removeTree(folder + "/a/ledger")
            #expect(try verify(folder + "/a").ledgerProblem?.reason == "is not there")
            var other = SmallRun.record(0)
            other.outcome.gradientDigest = 99
            try AppendOnlyLog(directory: folder + "/a/ledger", generation: 1).append([other.encoded])
            let found = try verify(folder + "/a").problems.map(\.reason)
            #expect(found == ["has another step 0 than the run's ledger"])
            try removeTree(folder + "/a/ledger")
            try AppendOnlyLog(directory: folder + "/a/ledger", generation: 1).append([SmallRun.record(0).encoded])
            #expect(try verify(folder + "/a").problems.map(\.reason) == ["ends at step 1, before checkpoint 4"])

            try SmallRun.make(folder + "/b", steps: 6, checkpoints: [])
            try copy(folder + "/a/checkpoints/step-4", to: folder + "/b/checkpoints/step-4")
            #expect(try verify(folder + "/b").problems.map(\.reason) == ["belongs to another run"])
            #expect(throws: Fault.self) { try verify(folder) }
        }
    }
}

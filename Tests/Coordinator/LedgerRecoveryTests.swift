import Coordinator
import Faults
import Storage
import TestSupport
import Testing
import Wire

@Suite("A ledger after a crash, or after its disk")
struct LedgerRecoveryTests {
    private func segment(_ run: String, generation: Int, first: Int = 0) -> String {
        let names = (try? directoryNames(run + "/ledger")) ?? []
        let name = names.first { $0.hasPrefix("000000000000000\(first)-") && $0.hasSuffix("0\(generation).log") }
        return run + "/ledger/" + (name ?? "none")
    }

    @Test(
        "Cut at every byte of the last batch, the next generations go on from the whole records, whatever follows them")
    func tornAtEveryByte() throws {
        try withTemporaryFolder { folder in
            try SmallRun.make(folder + "/run", steps: 4, checkpoints: [])
            let path = segment(folder + "/run", generation: 1)
            let four = try readWhole(path).count
            try SmallRun.make(folder + "/five", steps: 5, checkpoints: [])
            let five = try readWhole(segment(folder + "/five", generation: 1))
            #expect(five.count > four)
            for size in four...five.count {
                let run = folder + "/cut-\(size)"
                try copy(folder + "/five", to: run)
                try writeWhole(Array(five[..<size]), to: segment(run, generation: 1))
                let kept = size == five.count ? 5 : 4
                var expected = SmallRun.records(0..<kept)
                for generation in 2...3 as ClosedRange<UInt64> {
                    let ledger = try StepLedger(try RunDirectory(run))
                    #expect(ledger.records == expected, "cut at byte \(size), generation \(generation)")
                    let next = SmallRun.record(expected.count, generation: generation)
                    try ledger.append(next)
                    expected.append(next)
                }
                #expect(try StepLedger.read(run: run) == expected, "cut at byte \(size)")
                // The torn end stays where it is: nobody writes into another generation's segment.
                #expect(try readWhole(segment(run, generation: 1)) == Array(five[..<size]))
            }
        }
    }

    @Test("A generation that died while it began its segment left nothing")
    func tornHeader() throws {
        try withTemporaryFolder { folder in
            try SmallRun.make(folder + "/run", steps: 3, checkpoints: [])
            _ = try StepLedger(try RunDirectory(folder + "/run"))
            let begun = try readWhole(segment(folder + "/run", generation: 2, first: 3))
            for size in 0...begun.count {
                let run = folder + "/cut-\(size)"
                try copy(folder + "/run", to: run)
                try writeWhole(Array(begun[..<size]), to: segment(run, generation: 2, first: 3))
                #expect(try StepLedger.read(run: run) == SmallRun.records(0..<3))
                let ledger = try StepLedger(try RunDirectory(run))
                try ledger.append(SmallRun.record(3, generation: 3))
                #expect(try StepLedger.read(run: run).count == 4, "cut at byte \(size)")
            }
        }
    }

    @Test("What a later generation proves to have been there is a fault when it is damaged, even in the last record")
    func damageBeforeTheNextSegment() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 3, checkpoints: [])
            let size = try readWhole(segment(run, generation: 1)).count
            _ = try StepLedger(try RunDirectory(run))
            try flip(segment(run, generation: 1), at: size - 1)
            let fault = #expect(throws: Fault.self) { try StepLedger.read(run: run) }
            #expect(fault?.code == .data)
            #expect(fault?.reason.contains("record 2 is damaged there") == true)
        }
    }

    @Test("A ledger of release 0.1.0, whose segments know no generation, is read and gone on with")
    func earlierRelease() throws {
        try withTemporaryFolder { run in
            let log = try AppendOnlyLog(directory: run + "/ledger")
            for step in 0..<3 { try log.append([SmallRun.record(step).encoded]) }
            #expect(try directoryNames(run + "/ledger") == ["0000000000000000.log"])
            for generation in 1...2 as ClosedRange<UInt64> {
                let ledger = try StepLedger(try RunDirectory(run))
                #expect(ledger.records.count == Int(generation) + 2)
                try ledger.append(SmallRun.record(ledger.records.count, generation: generation))
            }
            #expect(try StepLedger.read(run: run).map(\.generation) == [1, 1, 1, 1, 2])
        }
    }

    private func recover(_ run: String) throws -> (recovery: RunRecovery, notes: [String]) {
        var notes: [String] = []
        let directory = try RunDirectory(run)
        let recovery = try RunRecovery(directory, try SmallRun.store(directory)) { note in
            if case .storage(let text) = note { notes.append(text) }
        }
        return (recovery, notes)
    }

    @Test("A ledger that is as it should be is left alone")
    func nothingToDo() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [3, 6])
            let (recovery, notes) = try recover(run)
            #expect(recovery.newest == 6)
            #expect(recovery.ledger.records == SmallRun.records(0..<9))
            #expect(notes.isEmpty)
        }
    }

    @Test("A lost ledger comes back from the newest whole checkpoint, and it is said", arguments: [true, false])
    func lost(newestIsWhole: Bool) throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [3, 6])
            try removeTree(run + "/ledger")
            let state = run + "/checkpoints/step-6/state.safetensors"
            if !newestIsWhole { try flip(state, at: try readWhole(state).count - 1) }
            let (recovery, notes) = try recover(run)
            let version = newestIsWhole ? 6 : 3
            #expect(recovery.newest == version)
            #expect(recovery.ledger.records == SmallRun.records(0..<version))
            #expect(try StepLedger.read(run: run) == SmallRun.records(0..<version))
            #expect(notes.count == 1 && notes[0].contains("THE LEDGER WAS LOST"), "\(notes)")
            #expect(notes[0].contains("checkpoints/step-\(version)"))
            try recovery.ledger.append(SmallRun.record(version, generation: 2))
        }
    }

    @Test("A ledger that ends before the newest checkpoint is completed from it")
    func short() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [6])
            try removeTree(run + "/ledger")
            let log = try AppendOnlyLog(directory: run + "/ledger", generation: 1)
            try log.append(SmallRun.records(0..<2).map(\.encoded))
            let (recovery, notes) = try recover(run)
            #expect(recovery.ledger.records == SmallRun.records(0..<6))
            #expect(
                notes.count == 1 && notes[0].contains("IN PART") == false && notes[0].contains("in part"), "\(notes)")
        }
    }

    @Test("Damaged anywhere, the ledger keeps what is whole there or in the checkpoint; the damaged one is put aside")
    func damaged() throws {
        try withTemporaryFolder { folder in
            try SmallRun.make(folder + "/run", steps: 9, checkpoints: [3, 6])
            let whole = try readWhole(segment(folder + "/run", generation: 1))
            // Where each record begins.
            var starts: [Int] = [32]
            for step in 0..<9 { starts.append(starts[step] + 12 + SmallRun.record(step).encoded.count) }
            #expect(starts[9] == whole.count)
            for step in 0..<8 {
                let run = folder + "/\(step)"
                try copy(folder + "/run", to: run)
                try flip(segment(run, generation: 1), at: starts[step] + 15, bit: 3)
                let (recovery, notes) = try recover(run)
                let kept = max(6, step)
                #expect(recovery.ledger.records == SmallRun.records(0..<kept), "record \(step)")
                #expect(notes.count == 1 && notes[0].contains("THE LEDGER WAS DAMAGED"), "\(notes)")
                #expect(pathExists(run + "/ledger.damaged-2"))
                #expect(try StepLedger.read(run: run) == SmallRun.records(0..<kept))
            }
        }
    }

    @Test("Without a checkpoint a damaged ledger is a fault; one that contradicts the checkpoint is, too")
    func refused() throws {
        try withTemporaryFolder { folder in
            try SmallRun.make(folder + "/a", steps: 9, checkpoints: [])
            try flip(segment(folder + "/a", generation: 1), at: 60)
            let fault = #expect(throws: Fault.self) { try recover(folder + "/a") }
            #expect(fault?.code == .data)

            try SmallRun.make(folder + "/b", steps: 9, checkpoints: [6])
            try removeTree(folder + "/b/ledger")
            var other = SmallRun.record(0)
            other.outcome.gradientDigest ^= 1
            let log = try AppendOnlyLog(directory: folder + "/b/ledger", generation: 1)
            try log.append([other.encoded])
            let contradiction = #expect(throws: Fault.self) { try recover(folder + "/b") }
            #expect(contradiction?.reason == "has another step 0 than the copy that was kept of it")
        }
    }

    @Test("Records that others kept are appended where the ledger ends, known ones are compared, gaps are refused")
    func restore() throws {
        try withTemporaryFolder { run in
            let ledger = try StepLedger(try RunDirectory(run))
            #expect(try ledger.restore(SmallRun.records(0..<3)) == 3)
            #expect(try ledger.restore(SmallRun.records(1..<5)) == 2)
            #expect(try ledger.restore([]) == 0)
            #expect(throws: Fault.self) { try ledger.restore([SmallRun.record(6)]) }
            var other = SmallRun.record(2)
            other.outcome.loss.negate()
            #expect(throws: Fault.self) { try ledger.restore([other, SmallRun.record(5)]) }
            #expect(ledger.records == SmallRun.records(0..<5))
            #expect(try StepLedger.read(run: run) == SmallRun.records(0..<5))
        }
    }
}

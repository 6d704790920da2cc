import Coordinator
import Faults
import Glibc
import Storage
import Synchronization
import TestSupport
import Testing
import Training
import Wire

@Suite("One coordinator at a time, even when an old one wakes up")
struct FenceTests {
    @Test("A held directory is refused with advice, taken over when asked, and the old holder is told by whom")
    func takeOver() throws {
        try withTemporaryFolder { path in
            let old = try RunDirectory(path)
            let refused = #expect(throws: Fault.self) { try RunDirectory(path) }
            #expect(refused?.code == .usage)
            #expect(refused?.mend.contains("--take-over") == true)
            try old.fence.check()
            let new = try RunDirectory(path, takingOver: true)
            #expect(new.generation == old.generation + 1)
            #expect(new.run == old.run)
            try new.fence.check()
            let fenced = #expect(throws: Fault.self) { try old.fence.check() }
            #expect(fenced?.code == .internal)
            #expect(fenced?.reason == "generation 2 has taken over from generation 1")
            // The lock that counts is the new one's.
            #expect(throws: Fault.self) { try RunDirectory(path) }
            withExtendedLifetime((old, new)) {}
        }
    }

    @Test("A free directory may be asked for with the take-over, too; a third one fences the second")
    func takeOverOfNobody() throws {
        try withTemporaryFolder { path in
            let first = try RunDirectory(path, takingOver: true)
            let second = try RunDirectory(path, takingOver: true)
            let third = try RunDirectory(path, takingOver: true)
            #expect(third.generation == 3)
            for old in [first, second] { #expect(throws: Fault.self) { try old.fence.check() } }
            try third.fence.check()
        }
    }

    @Test("The lock alone tells, and so does the generation alone; each is read again each time", arguments: 0..<4)
    func eitherTells(kind: Int) throws {
        try withTemporaryFolder { path in
            let directory = try RunDirectory(path)
            let ledger = try StepLedger(directory)
            try ledger.append(SmallRun.record(0))
            let generation = try readWhole(path + "/generation")
            switch kind {
            case 0: try removeTree(path + "/lock")
            case 1: try writeWhole("somebody else", to: path + "/lock")
            case 2: try writeWhole("generation 7\nrun 1\n", to: path + "/generation")
            // Where locks do not work two may begin with the same number.
            default:
                var lines = String(decoding: generation, as: UTF8.self).split(separator: "\n")
                lines[2] = "holder 12345"
                try writeWhole(lines.joined(separator: "\n") + "\n", to: path + "/generation")
            }
            let fenced = #expect(throws: Fault.self) { try ledger.append(SmallRun.record(1)) }
            #expect(fenced?.code == .internal)
            #expect(try StepLedger.read(run: path) == [SmallRun.record(0)])
        }
    }

    /// Where an old coordinator is stopped while it appends a record.
    enum Moment: CaseIterable { case beforeWriting, beforeFlushing, afterFlushing }

    @Test(
        "Taken over in the middle of an append, the old one never announces its record and the new one's stands",
        arguments: Moment.allCases, [true, false])
    func inTheMiddle(moment: Moment, newOneCrashesAtOnce: Bool) throws {
        try withTemporaryFolder { path in
            let interrupt = Mutex<(@Sendable () -> Void)?>(nil)
            @Sendable func fire(_ at: Moment) {
                guard at == moment else { return }
                let body = interrupt.withLock { body in
                    defer { body = nil }
                    return body
                }
                body?()
            }
            let calls = FileCalls(
                write: { number, bytes, offset in
                    fire(.beforeWriting)
                    return pwrite(number, bytes.baseAddress, bytes.count, offset)
                },
                synchronize: { number in
                    fire(.beforeFlushing)
                    let result = fsync(number)
                    fire(.afterFlushing)
                    return result
                })
            let old = try StepLedger(try RunDirectory(path), calls: calls)
            for step in 0..<3 { try old.append(SmallRun.record(step)) }

            let began = Mutex<[LedgerRecord]>([])
            interrupt.withLock {
                $0 = {
                    guard let directory = try? RunDirectory(path, takingOver: true),
                        let ledger = try? StepLedger(directory)
                    else { return }
                    began.withLock { $0 = ledger.records }
                    guard !newOneCrashesAtOnce else { return }
                    for step in ledger.records.count..<6 { try? ledger.append(SmallRun.record(step, generation: 2)) }
                }
            }
            let fenced = #expect(throws: Fault.self) { try old.append(SmallRun.record(3)) }
            #expect(fenced?.reason == "generation 2 has taken over from generation 1")
            #expect(throws: Fault.self) { try old.append(SmallRun.record(3)) }

            // What the new one found at its start is what counts: with the record only if it was there by then.
            let found = began.withLock { $0 }
            #expect(found == SmallRun.records(0..<(moment == .beforeWriting ? 3 : 4)))
            let wanted =
                found + (newOneCrashesAtOnce ? [] : (found.count..<6).map { SmallRun.record($0, generation: 2) })
            #expect(try StepLedger.read(run: path) == wanted)
            // And a third one goes on from there.
            let third = try StepLedger(try RunDirectory(path, takingOver: true))
            #expect(third.records == wanted)
            try third.append(SmallRun.record(wanted.count, generation: 3))
            #expect(try StepLedger.read(run: path) == wanted + [SmallRun.record(wanted.count, generation: 3)])
        }
    }

    @Test("A checkpoint of a coordinator that was taken over does not get its name, and disturbs nobody's")
    func checkpoint() throws {
        try withTemporaryFolder { path in
            let old = try SmallRun.store(try RunDirectory(path))
            try SmallRun.write(old, version: 2)
            try old.begin(version: 4)
            for chunk in SmallRun.plan.chunks { try old.write(SmallRun.state(chunk, version: 4)) }

            let directory = try RunDirectory(path, takingOver: true)
            let new = try SmallRun.store(directory)
            try new.begin(version: 4)
            let fenced = #expect(throws: Fault.self) { try old.complete(version: 4, ledger: SmallRun.records(0..<4)) }
            #expect(fenced != nil)
            #expect(try CheckpointStore.versions(run: path) == [2])
            for chunk in SmallRun.plan.chunks { try new.write(SmallRun.state(chunk, version: 4)) }
            // The old one drops its own half, never the other's.
            try? old.begin(version: 6)
            try new.complete(version: 4, ledger: SmallRun.records(0..<4))
            #expect(try CheckpointStore.versions(run: path) == [2, 4])
            #expect(try new.newest { _, fault in Issue.record("\(fault)") } == 4)
        }
    }
}

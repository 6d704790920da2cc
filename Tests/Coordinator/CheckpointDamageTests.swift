import Coordinator
import Faults
import Storage
import TestSupport
import Testing

@Suite("Checkpoints after a crash, or after their disk")
struct CheckpointDamageTests {
    /// The newest that a coordinator would use, and what it says of the others.
    private func newest(_ run: String) throws -> (version: Int, skipped: [Int: Fault]) {
        var skipped: [Int: Fault] = [:]
        let store = try SmallRun.store(try RunDirectory(run))
        return (try store.newest { skipped[$0] = $1 }, skipped)
    }

    @Test("Any fifth byte of any file turned around: the older one serves, and the fault names the newer")
    func everyByte() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 6, checkpoints: [3, 6])
            let directory = try RunDirectory(run)
            let path = CheckpointStore.path(run: run, version: 6)
            for file in try files(below: path) {
                for offset in stride(from: 0, to: try readWhole(file).count, by: 5) {
                    try flip(file, at: offset, bit: UInt8(offset % 8))
                    defer { try? flip(file, at: offset, bit: UInt8(offset % 8)) }
                    var skipped: [Fault] = []
                    do {
                        let version = try SmallRun.store(directory).newest { skipped.append($1) }
                        #expect(version == 3, "\(file) byte \(offset)")
                        #expect(skipped.first?.thing.hasPrefix(path) == true, "\(file) byte \(offset): \(skipped)")
                    } catch {
                        Issue.record("\(file) byte \(offset): \(error)")
                    }
                }
            }
        }
    }

    @Test("Any file cut short or missing: the older one serves")
    func cutOrMissing() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 6, checkpoints: [3, 6])
            for file in try files(below: CheckpointStore.path(run: run, version: 6)) {
                let whole = try readWhole(file)
                for size in [0, 1, whole.count / 2, whole.count - 2] {
                    try writeWhole(Array(whole[..<size]), to: file)
                    let found = try newest(run)
                    #expect(found.version == 3, "\(file) cut to \(size)")
                    #expect(found.skipped.keys.sorted() == [6])
                }
                try removeTree(file)
                #expect(try newest(run).version == 3, "\(file) missing")
                try writeWhole(whole, to: file)
            }
            #expect(try newest(run).version == 6)
        }
    }

    @Test("What a crash left beside the checkpoints is no checkpoint, and goes when the next coordinator begins")
    func leftovers() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [3, 6])
            let checkpoints = run + "/checkpoints"
            // Everything flushed, the manifest too, and then the power went before the rename.
            try copy(checkpoints + "/step-6", to: checkpoints + "/step-9.tmp-g1")
            try makeDirectories(checkpoints + "/step-8.tmp")
            try makeDirectories(checkpoints + "/step-7.tmp-g4/ledger")
            #expect(try CheckpointStore.versions(run: run) == [3, 6])
            #expect(try newest(run).version == 6)
            #expect(try directoryNames(checkpoints) == ["step-3", "step-6"])
        }
    }

    @Test("One that was about to be replaced when the power went gets its name back")
    func halfReplaced() throws {
        try withTemporaryFolder { run in
            try SmallRun.make(run, steps: 9, checkpoints: [3, 6])
            let path = CheckpointStore.path(run: run, version: 6)
            try moveAside(path, to: path + ".old")
            #expect(try newest(run).version == 6)
            // Replaced already: the old one goes.
            try copy(path, to: path + ".old")
            #expect(try newest(run).version == 6)
            #expect(try directoryNames(run + "/checkpoints") == ["step-3", "step-6"])
        }
    }

    @Test(
        "A full disk in the middle of a checkpoint: nothing of it stays, the old one does, the next one works",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs"))
    func fullDisk() throws {
        try SmallDisk.with(kilobytes: 256) { disk in
            let store = try SmallRun.store(try RunDirectory(disk.path), CheckpointRetention(newest: 1))
            try SmallRun.write(store, version: 2)
            // From no room at all to nearly enough: each write of the checkpoint is the one that fails.
            for free in stride(from: 0, through: 12, by: 4) {
                try disk.fill(leaving: free)
                let fault = #expect(throws: Fault.self, "\(free) KiB free") { try SmallRun.write(store, version: 4) }
                #expect(fault?.code == .stoppedEarly, "\(free) KiB free: \(String(describing: fault))")
                store.abandon()
                #expect(try directoryNames(disk.path + "/checkpoints") == ["step-2"])
                #expect(try store.newest { _, fault in Issue.record("\(fault)") } == 2)
                try disk.free()
            }
            try SmallRun.write(store, version: 4)
            #expect(try store.newest { _, fault in Issue.record("\(fault)") } == 4)
        }
    }

    @Test(
        "A full disk under the ledger: nothing is half there, and the append works once there is room",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs"))
    func fullDiskUnderTheLedger() throws {
        try SmallDisk.with(kilobytes: 256) { disk in
            let ledger = try StepLedger(try RunDirectory(disk.path))
            try ledger.append(SmallRun.record(0))
            var step = 1
            for _ in 0..<3 {
                try disk.fill(leaving: 0)
                // The last page of the segment has room for some.
                while (try? ledger.append(SmallRun.record(step))) != nil { step += 1 }
                let fault = #expect(throws: Fault.self) { try ledger.append(SmallRun.record(step)) }
                #expect(fault?.code == .stoppedEarly)
                #expect(try StepLedger.read(run: disk.path) == SmallRun.records(0..<step))
                try disk.free()
                try ledger.append(SmallRun.record(step))
                step += 1
                #expect(try StepLedger.read(run: disk.path) == SmallRun.records(0..<step))
            }
        }
    }
}

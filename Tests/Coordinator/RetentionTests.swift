import Coordinator
import Faults
import Randomness
import Storage
import TestSupport
import Testing

@Suite("Which checkpoints stay")
struct RetentionTests {
    @Test("The newest k, and those of every m-th step; step 0 always", arguments: [1, 2, 3], [0, 4, 6])
    func kept(newest: Int, every: Int) throws {
        try withTemporaryFolder { path in
            let store = try SmallRun.store(
                try RunDirectory(path), CheckpointRetention(newest: newest, everySteps: every))
            for version in stride(from: 0, through: 14, by: 2) {
                try SmallRun.write(store, version: version)
                let written = Array(stride(from: 2, through: version, by: 2))
                let milestones = written.filter { every > 0 && $0.isMultiple(of: every) }
                let wanted = Set(written.suffix(newest)).union(milestones).union([0])
                #expect(try CheckpointStore.versions(run: path) == wanted.sorted())
            }
        }
    }

    @Test("One that cannot be removed costs room and not the new one")
    func unremovable() throws {
        try withTemporaryFolder { path in
            var isInUse = true
            let store = try CheckpointStore(
                try RunDirectory(path), layout: try SmallRun.layout(), retention: CheckpointRetention(newest: 1)
            ) { old throws(Fault) in
                guard !isInUse else { throw Fault(.data, old, "is in use") }
                try removeTree(old)
            }
            #expect(try SmallRun.write(store, version: 2).isEmpty)
            let left = try SmallRun.write(store, version: 4)
            #expect(left.map(\.thing) == [CheckpointStore.path(run: path, version: 2)])
            #expect(try CheckpointStore.versions(run: path) == [2, 4])
            isInUse = false
            #expect(try SmallRun.write(store, version: 6).isEmpty)
            #expect(try CheckpointStore.versions(run: path) == [6])
        }
    }

    @Test("One that is damaged takes nobody's place: the newest whole one is never removed")
    func damaged() throws {
        try withTemporaryFolder { path in
            try SmallRun.make(path, steps: 9, checkpoints: [5, 7, 9])
            for version in [7, 9] {
                try flip(CheckpointStore.path(run: path, version: version) + "/model.safetensors", at: 500)
            }
            let store = try SmallRun.store(try RunDirectory(path), CheckpointRetention(newest: 1))
            var skipped: [Int] = []
            #expect(try store.newest { version, _ in skipped.append(version) } == 5)
            #expect(skipped == [9, 7])
            // Stopped early: what is ahead stays, for whoever wants to know; the whole one of step 6 is the newest now.
            try SmallRun.write(store, version: 6)
            #expect(try CheckpointStore.versions(run: path).contains(6))
            #expect(try CheckpointStore.versions(run: path).suffix(2) == [7, 9])
            try SmallRun.write(store, version: 8)
            #expect(try CheckpointStore.versions(run: path).filter { $0 < 9 && $0 > 5 } == [8])
            try SmallRun.write(store, version: 9)
            #expect(try SmallRun.store(try RunDirectory(path, takingOver: true)).newest { _, _ in } == 9)
        }
    }
}

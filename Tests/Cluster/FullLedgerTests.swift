import Coordinator
import Faults
import Glibc
import Protocol
import TestSupport
import Testing
import Wire

/// A disk that is full under the ledger, in the middle of a run: a real ENOSPC under real threads and sockets.
@Suite(
    "A full disk under the ledger", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs"))
struct FullLedgerTests {
    /// More records than the page has room for that the ledger has when the disk becomes full.
    private static let steps = 120

    private static let undisturbed = Result { () throws -> String in
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: steps, workers: 1, checkpointEvery: 1000)
            let worker = try ToyWorker("alone", joining: coordinator.endpoint)
            try #require(worker.wait().code == 0)
            try #require(coordinator.wait().code == 0)
            return try CheckpointStore.weightsSHA256(run: run, version: steps)
        }
    }

    private func start(_ disk: SmallDisk) throws -> (ToyCoordinator, [ToyWorker]) {
        let coordinator = try ToyCoordinator(
            run: disk.path, steps: Self.steps, workers: 2, checkpointEvery: 1000,
            onCommit: { _, step in if step == 20 { try? disk.fill(leaving: 0) } })
        return (coordinator, try (0..<2).map { try ToyWorker("worker-\($0)", joining: coordinator.endpoint) })
    }

    /// Until the coordinator says so.
    private func wait(for text: String, from coordinator: ToyCoordinator) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        func isSaid() -> Bool {
            coordinator.notes.contains { if case .storage(let said) = $0 { said.contains(text) } else { false } }
        }
        while !isSaid() {
            try #require(ContinuousClock.now < deadline, "\(coordinator.notes)")
            sched_yield()
        }
    }

    @Test("Nothing is committed until there is room, the coordinator stays reachable, and the end is the same")
    func waitedFor() throws {
        let undisturbed = try Self.undisturbed.get()
        try SmallDisk.with(kilobytes: 1024) { disk in
            let (coordinator, workers) = try start(disk)
            try wait(for: "NOTHING IS COMMITTED", from: coordinator)
            let stuck = try StepLedger.read(run: disk.path).count
            #expect(stuck > 20 && stuck < Self.steps)
            for _ in 0..<20 {
                guard case .status(let status) = try ask(.status, of: coordinator.endpoint) else {
                    Issue.record("another answer")
                    return
                }
                #expect(status.step == stuck)
                #expect(status.members.count == 2)
            }
            #expect(try StepLedger.read(run: disk.path).count == stuck)
            try disk.free()
            for worker in workers { #expect(worker.wait().code == 0) }
            #expect(coordinator.wait().code == 0)
            try wait(for: "could be written again", from: coordinator)
            #expect(try StepLedger.read(run: disk.path).map(\.outcome.step) == Array(0..<Self.steps))
            #expect(try CheckpointStore.weightsSHA256(run: disk.path, version: Self.steps) == undisturbed)
        }
    }

    @Test("An operator who stops the run is not kept waiting, and the run goes on later to the same end")
    func stopped() throws {
        let undisturbed = try Self.undisturbed.get()
        try SmallDisk.with(kilobytes: 1024) { disk in
            let (coordinator, workers) = try start(disk)
            try wait(for: "NOTHING IS COMMITTED", from: coordinator)
            coordinator.stop()
            let ending = coordinator.wait()
            #expect(ending.code == 75)
            #expect(ending.reason.contains("No space left on device"), "\(ending.reason)")
            for worker in workers { #expect(worker.wait().code == 75) }
            try disk.free()
            let again = try ToyCoordinator(run: disk.path, steps: Self.steps, workers: 1, checkpointEvery: 1000)
            let worker = try ToyWorker("another", joining: again.endpoint)
            #expect(worker.wait().code == 0)
            #expect(again.wait().code == 0)
            #expect(try CheckpointStore.weightsSHA256(run: disk.path, version: Self.steps) == undisturbed)
        }
    }
}

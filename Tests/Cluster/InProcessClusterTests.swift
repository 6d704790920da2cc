import Coordinator
import Dispatch
import Faults
import Protocol
import Storage
import TestSupport
import Testing
import Wire
import Worker

/// Real sockets, real disks and real threads in one process, around a toy: does the machinery carry the machines?
@Suite("Clusters in one process", .serialized, .timeLimit(.minutes(3)))
struct InProcessClusterTests {
    static let steps = 12

    /// The hash of the weights after `steps` steps of one undisturbed worker.
    private static let undisturbed = Result { () throws -> String in
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: steps, workers: 1)
            let worker = try ToyWorker("alone", joining: coordinator.endpoint)
            try #require(worker.wait().code == 0)
            try #require(coordinator.wait().code == 0)
            return try CheckpointStore.weightsSHA256(run: run, version: steps)
        }
    }

    /// The run is done: the same weights, every step once in the ledger.
    private func expectUndisturbed(_ run: String) throws {
        let hash = try CheckpointStore.weightsSHA256(run: run, version: Self.steps)
        #expect(hash == (try Self.undisturbed.get()))
        #expect(try StepLedger.read(run: run).map(\.outcome.step) == Array(0..<Self.steps))
    }

    @Test("The same weights with one, two and three workers", arguments: 1...3)
    func workers(count: Int) throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: Self.steps, workers: count)
            let workers = try (0..<count).map { try ToyWorker("worker-\($0)", joining: coordinator.endpoint) }
            for worker in workers { #expect(worker.wait() == Ending(code: 0, reason: "done")) }
            #expect(coordinator.wait().code == 0)
            #expect(coordinator.steps == Array(0..<Self.steps))
            try expectUndisturbed(run)
            #expect(try RunDirectory.endpoint(of: run) == coordinator.endpoint)
        }
    }

    @Test("The same weights when a worker's sockets close in the middle of a unit", arguments: [0, 5, 11])
    func workerVanishes(step: Int) throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: Self.steps, workers: 3)
            let hit = Flag()
            let workers = try (0..<3).map { index in
                try ToyWorker("worker-\(index)", joining: coordinator.endpoint) { worker, at, _ in
                    if at == step, hit.set() { worker.vanish() }
                }
            }
            let codes = workers.map { $0.wait().code }
            #expect(codes.sorted() == [0, 0, 137])
            #expect(coordinator.wait().code == 0)
            try expectUndisturbed(run)
        }
    }

    @Test("The same weights when everybody vanishes at once and others come")
    func everybodyVanishes() throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: Self.steps, workers: 2)
            let first = try (0..<2).map { index in
                try ToyWorker("first-\(index)", joining: coordinator.endpoint) { worker, step, _ in
                    if step == 6 { worker.vanish() }
                }
            }
            for worker in first { #expect(worker.wait().code == 137) }
            let second = try (0..<3).map { try ToyWorker("second-\($0)", joining: coordinator.endpoint) }
            #expect(coordinator.wait().code == 0)
            // One is enough; the others may have come too late to be told that the run is done.
            for worker in second { worker.vanish() }
            let codes = second.map { $0.wait().code }
            #expect(codes.contains(0) && codes.allSatisfy([0, 137].contains), "\(codes)")
            try expectUndisturbed(run)
        }
    }

    @Test("The same weights when a worker is drained and another joins in mid-run")
    func drainAndJoin() throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: Self.steps, workers: 2)
            let asked = Flag()
            let leaving = try ToyWorker("leaving", joining: coordinator.endpoint) { worker, step, _ in
                if step >= 3, asked.set() { worker.drain() }
            }
            let staying = try ToyWorker("staying", joining: coordinator.endpoint)
            let ending = leaving.wait()
            #expect(ending == Ending(code: 0, reason: "drained") || ending.reason == "done")
            let joining = try ToyWorker("joining", joining: coordinator.endpoint)
            #expect(staying.wait().code == 0)
            #expect(coordinator.wait().code == 0)
            // It may have come too late to be told that the run is done.
            joining.vanish()
            _ = joining.wait()
            try expectUndisturbed(run)
        }
    }

    @Test("The same weights across a coordinator that is killed and started again", arguments: [1, 5, 9])
    func coordinatorRestarts(step: Int) throws {
        try withTemporaryFolder { run in
            let first = try ToyCoordinator(run: run, steps: Self.steps, workers: 2) { shell, at in
                if at == step { shell.vanish() }
            }
            let endpoint = first.endpoint
            let workers = try (0..<2).map { try ToyWorker("worker-\($0)", joining: endpoint) }
            #expect(first.wait().code == 137)
            let second = try ToyCoordinator(run: run, steps: Self.steps, workers: 2, listen: endpoint)
            for worker in workers { #expect(worker.wait().code == 0) }
            #expect(second.wait().code == 0)
            try expectUndisturbed(run)
        }
    }

    /// Both coordinators are the first of their run.
    @Test("The same weights with a worker of another run that was at this address before")
    func anotherRunTakesTheAddress() throws {
        try withTemporaryFolder { folder in
            let first = try ToyCoordinator(run: folder + "/first", steps: 100_000, workers: 1) { shell, at in
                if at == 3 { shell.vanish() }
            }
            let endpoint = first.endpoint
            let isSaid = DispatchSemaphore(value: 0)
            let worker = try ToyWorker(
                "worker", joining: endpoint,
                note: { if $0.hasPrefix("joining again: another run") { isSaid.signal() } })
            #expect(first.wait().code == 137)
            let run = folder + "/second"
            let second = try ToyCoordinator(run: run, steps: Self.steps, workers: 1, listen: endpoint)
            let joins = isSaid.wait(timeout: .now() + 60) == .success
            #expect(joins)
            // Else they would wait for each other.
            if !joins {
                worker.vanish()
                second.stop()
            }
            #expect(worker.wait() == Ending(code: 0, reason: "done"))
            #expect(second.wait().code == 0)
            #expect(isSaid.wait(timeout: .now()) == .timedOut, "once is enough")
            try expectUndisturbed(run)
        }
    }

    @Test("The same weights after everything was killed and begun again with another number of workers")
    func everythingRestarts() throws {
        try withTemporaryFolder { run in
            let first = try ToyCoordinator(run: run, steps: Self.steps, workers: 3) { shell, at in
                if at == 6 { shell.vanish() }
            }
            let workers = try (0..<3).map { try ToyWorker("first-\($0)", joining: first.endpoint) }
            #expect(first.wait().code == 137)
            for worker in workers { worker.vanish() }
            for worker in workers { #expect(worker.wait().code == 137) }
            // That of step 4, where the disk was not slower than the steps.
            let newest = try CheckpointStore.versions(run: run).last ?? 0
            let second = try ToyCoordinator(run: run, steps: Self.steps, workers: 1)
            let worker = try ToyWorker("second", joining: second.endpoint)
            #expect(worker.wait().code == 0)
            #expect(second.wait().code == 0)
            // From the checkpoint on the steps are played again; in the ledger each stands once.
            #expect(newest < 6 && second.steps.first == newest)
            try expectUndisturbed(run)
        }
    }

    @Test("Stopped early it ends with 75 and a checkpoint; run again it goes on; run again when done it says so")
    func stopAndContinue() throws {
        try withTemporaryFolder { run in
            let first = try ToyCoordinator(run: run, steps: Self.steps, workers: 1) { shell, at in
                if at == 5 { shell.stop(reason: "enough for today") }
            }
            let worker = try ToyWorker("first", joining: first.endpoint)
            #expect(worker.wait().code == 75)
            #expect(first.wait() == Ending(code: 75, reason: "enough for today"))
            let reached = try #require(try CheckpointStore.versions(run: run).last)
            #expect(reached == (try StepLedger.read(run: run).count))
            let second = try ToyCoordinator(run: run, steps: Self.steps, workers: 1)
            let again = try ToyWorker("second", joining: second.endpoint)
            #expect(again.wait().code == 0)
            #expect(second.wait().code == 0)
            #expect(second.steps.first == reached)
            try expectUndisturbed(run)
            let third = try ToyCoordinator(run: run, steps: Self.steps, workers: 1)
            #expect(third.wait().code == 0)
            #expect(third.steps.isEmpty)
        }
    }

    @Test("A second coordinator of the same run is refused, and so is a port in use")
    func secondCoordinator() throws {
        try withTemporaryFolder { run in
            let first = try ToyCoordinator(run: run + "/a", steps: 1, workers: 1)
            let held = #expect(throws: Fault.self) { try RunDirectory(run + "/a") }
            #expect(held?.reason.contains("is held by process") == true)
            let used = #expect(throws: Fault.self) {
                try ToyCoordinator(run: run + "/b", steps: 1, workers: 1, listen: first.endpoint)
            }
            #expect(used?.reason.contains("port is in use") == true)
            first.stop()
            #expect(first.wait().code == 75)
            _ = try RunDirectory(run + "/a")
        }
    }
}

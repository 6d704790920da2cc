import Coordinator
import Faults
import Protocol
import Storage
import TestSupport
import Testing
import Training

/// Runs that begin with values that no seed gives: the coordinator writes them down as step 0 and ships them from there.
@Suite("Runs that begin from a file", .serialized, .timeLimit(.minutes(3)))
struct InitialStateTests {
    private static let steps = 6

    /// As the seed's, but shifted.
    private static func state() -> InitialState {
        InitialState { chunk, out in
            Toy.initialWeights(chunk, out)
            for i in out.indices { out[i] += 0.25 }
        }
    }

    private func train(_ run: String, workers count: Int, _ initial: ToyCoordinator.Initial?) throws
        -> String
    {
        let coordinator = try ToyCoordinator(run: run, steps: Self.steps, workers: count, initial: initial)
        let workers = try (0..<count).map { try ToyWorker("worker-\($0)", joining: coordinator.endpoint) }
        for worker in workers { try #require(worker.wait().code == 0) }
        try #require(coordinator.wait().code == 0)
        return try CheckpointStore.weightsSHA256(run: run, version: Self.steps)
    }

    @Test("The same weights whatever the number of workers, and not the seed's") func sameBits() throws {
        try withTemporaryFolder { folder in
            let one = try train(folder + "/1", workers: 1, .state(Self.state()))
            let three = try train(folder + "/3", workers: 3, .state(Self.state()))
            let seeded = try train(folder + "/seeded", workers: 1, nil)
            #expect(one == three && one != seeded)
            #expect(try CheckpointStore.versions(run: folder + "/1").first == 0)
        }
    }

    @Test("The file is asked for once; a damaged step 0 is made again") func onceOnly() throws {
        try withTemporaryFolder { run in
            let undisturbed = try train(run + "/a", workers: 1, .state(Self.state()))
            let directory = run + "/b"
            // Stopped before the first step: only the initial state is there.
            let first = try ToyCoordinator(run: directory, steps: Self.steps, workers: 1, initial: .state(Self.state()))
            first.stop()
            #expect(first.wait().code == 75)
            #expect(try CheckpointStore.versions(run: directory) == [0])
            #expect(try train(directory, workers: 2, .gone) == undisturbed)

            let damaged = run + "/c"
            let begun = try ToyCoordinator(run: damaged, steps: Self.steps, workers: 1, initial: .state(Self.state()))
            begun.stop()
            _ = begun.wait()
            let model = CheckpointStore.path(run: damaged, version: 0) + "/model.safetensors"
            var bytes = try readWhole(model)
            bytes[bytes.count - 3] ^= 1
            try writeWhole(bytes, to: model)
            let refused = #expect(throws: Fault.self) {
                try ToyCoordinator(run: damaged, steps: Self.steps, workers: 1, initial: .gone)
            }
            #expect(refused == ToyCoordinator.Initial.fault)
            #expect(try train(damaged, workers: 1, .state(Self.state())) == undisturbed)
        }
    }
}

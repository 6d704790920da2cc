import Coordinator
import Faults
import Protocol
import TestSupport
import Testing
import Wire

/// Clusters with keys in one process: the same weights, and what each role may do.
@Suite("Clusters with keys", .serialized, .timeLimit(.minutes(3)))
struct KeyedClusterTests {
    private func security(_ folder: String, _ role: Role) throws -> Security {
        try Security(keys: folder + "/keys", insecure: false, role: role)
    }

    @Test("The same weights with and without keys, a worker's death in between")
    func sameBits() throws {
        try withTemporaryFolder { folder in
            try Keys.create(folder + "/keys")
            let open = try ToyCoordinator(run: folder + "/open", steps: 10, workers: 1)
            let alone = try ToyWorker("alone", joining: open.endpoint)
            #expect(alone.wait().code == 0)
            #expect(open.wait().code == 0)

            let coordinator = try ToyCoordinator(
                run: folder + "/keyed", steps: 10, workers: 3, security: security(folder, .coordinator))
            let hit = Flag()
            let workers = try (0..<3).map { index in
                try ToyWorker("worker-\(index)", joining: coordinator.endpoint, security: security(folder, .worker)) {
                    worker, step, _ in if step == 4, hit.set() { worker.vanish() }
                }
            }
            #expect(workers.map { $0.wait().code }.sorted() == [0, 0, 137])
            #expect(coordinator.wait().code == 0)
            let hashes = try ["/open", "/keyed"].map {
                try CheckpointStore.weightsSHA256(run: folder + $0, version: 10)
            }
            #expect(hashes[0] == hashes[1])
        }
    }

    @Test("A worker's key neither asks nor stops, an operator's key does not work, and without a key nothing is said")
    func roles() throws {
        try withTemporaryFolder { folder in
            try Keys.create(folder + "/keys")
            let coordinator = try ToyCoordinator(
                run: folder + "/run", steps: 100_000, workers: 1, checkpointEvery: 100_000,
                security: security(folder, .coordinator))
            let member = try ToyWorker("member", joining: coordinator.endpoint, security: security(folder, .worker))
            func status() throws -> ClusterStatus {
                let reply = try ask(.status, of: coordinator.endpoint, security: security(folder, .operator))
                guard case .status(let status) = reply else { throw Fault(.internal, "test", "no status") }
                return status
            }
            for request in [OperatorRequest.stop, .drain("member"), .status] {
                let silence = #expect(throws: Fault.self) {
                    try ask(request, of: coordinator.endpoint, security: security(folder, .worker), seconds: 5)
                }
                #expect(silence?.reason == "the coordinator does not answer")
            }
            let refused = #expect(throws: Fault.self) { try ask(.stop, of: coordinator.endpoint) }
            #expect(refused?.code == .usage)
            // A worker that has come by an operator's key: the coordinator lets it in and does not listen to it.
            let intruder = try ToyWorker(
                "intruder", joining: coordinator.endpoint, security: security(folder, .operator))
            let deadline = ContinuousClock.now + .seconds(60)
            while try status().refusedFrames < 4 || status().step < 3, ContinuousClock.now < deadline {}
            let found = try status()
            #expect(found.refusedFrames >= 4)
            #expect(found.turnedAway >= 1)
            #expect(found.members.map(\.name) == ["member"])
            #expect(found.step >= 3)
            intruder.vanish()
            #expect(intruder.wait().code == 137)
            guard case .done = try ask(.stop, of: coordinator.endpoint, security: security(folder, .operator)) else {
                Issue.record("the operator's stop is refused")
                return
            }
            #expect(member.wait().code == 75)
            #expect(coordinator.wait().code == 75)
        }
    }

    @Test("A worker without keys, or with those of another job, ends with 64 and says what to do")
    func strangers() throws {
        try withTemporaryFolder { folder in
            try Keys.create(folder + "/keys")
            try withTemporaryFolder { other in
                try Keys.create(other + "/keys")
                let coordinator = try ToyCoordinator(
                    run: folder + "/run", steps: 4, workers: 1, security: security(folder, .coordinator))
                let strangers = [
                    try ToyWorker("without", joining: coordinator.endpoint),
                    try ToyWorker("other", joining: coordinator.endpoint, security: security(other, .worker)),
                ]
                for stranger in strangers {
                    let ending = stranger.wait()
                    #expect(ending.code == 64)
                    #expect(ending.reason.contains("--keys"), "\(ending)")
                }
                let member = try ToyWorker("member", joining: coordinator.endpoint, security: security(folder, .worker))
                #expect(member.wait().code == 0)
                #expect(coordinator.wait().code == 0)
                #expect(coordinator.refusals >= 2)
            }
        }
    }
}

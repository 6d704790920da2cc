import Coordinator
import Faults
import Protocol
import Randomness
import TestSupport
import Testing
import Training
import Wire
import Worker

@Suite("What comes by a live cluster's ports", .serialized, .timeLimit(.minutes(3)))
struct LiveTrafficTests {
    /// Sends each message to the endpoint as soon as it is connected.
    private func send(_ messages: [(header: [UInt8], payloads: [Payload])], to endpoint: String) throws {
        let connection = try Connection(try Context(), endpoint: endpoint, limits: FrameLimits(largestPart: 1 << 30))
        let poller = Poller()
        poller.watch(connection)
        let deadline = ContinuousClock.now + .seconds(60)
        while !connection.isConnected, ContinuousClock.now < deadline {
            if connection.next() == nil { poller.wait(milliseconds: 20) }
        }
        try #require(connection.isConnected)
        for message in messages { _ = connection.send(header: message.header, payloads: message.payloads) }
        connection.setLinger(milliseconds: 1000)
    }

    /// Bytes that are none of ours, and messages of ours that nobody may send.
    private func nuisances(seed: UInt64) -> [(header: [UInt8], payloads: [Payload])] {
        let pool = PayloadPool()
        var messages: [(header: [UInt8], payloads: [Payload])] = []
        func add<Message>(
            _ message: Message?, _ encode: (Frame<Message>) -> EncodedFrame, sequence: UInt64 = 1,
            sender: UInt64 = 0xBAD, receiver: UInt64 = 0
        ) {
            let encoded = encode(
                Frame(sender: sender, receiver: receiver, sequence: sequence, received: 1 << 40, message: message))
            messages.append((encoded.header, encoded.payloads))
        }
        for round in 0..<50 {
            let draws = Draws(seed: seed, place: UInt64(round), purpose: .simulation)
            let bytes = (0..<draws.integer(0, below: 300)).map { UInt8(truncatingIfNeeded: draws.word($0 + 1)) }
            messages.append((bytes, [pool.payload(copying: bytes)]))
        }
        let block = UnitBlock(first: 1 << 30, log2: 3)
        let payload = pool.payload(copying: [Float](repeating: .nan, count: 256))
        let state = ChunkState(chunk: 1 << 40, version: 3, slots: [payload], digest: 1)
        let worker: [WorkerMessage] = [
            .blockComputed(lease: 1, records: [UnitRecord(unit: 1 << 40, loss: .nan, correct: 1 << 40)]),
            .blockDelivered(lease: 1, revision: 0), .blockFailed(lease: 1, reason: "boo"),
            .chunksReady(
                map: 1, step: 1, chunks: [ReadyChunk(chunk: 9999, sumOfSquares: .nan, finite: true, digest: 0)]),
            .mapInstalled(map: 1, chunks: [ChunkDigest(chunk: 1 << 40, digest: 0)]),
            .fetchCheckpoint(map: 1, chunk: 1 << 40), .checkpointChunk(state), .suspect(0xBAD),
            .ready(Ready(fingerprints: [], heldVersion: 1 << 40, heldChunks: [1 << 40])),
            .alarm(Alarm(map: 4, step: 1, block: block, chunk: 1 << 40, first: 1, second: 2)), .leaving,
        ]
        for (i, message) in worker.enumerated() { add(message, { EncodedFrame($0) }, sequence: UInt64(i + 1)) }
        let push = Push(map: 1, step: 1, block: block, chunk: 1 << 40, checksum: 0, gradient: payload)
        let requests: [ShardRequest] = [
            .push(push), .want(map: 1 << 33, revision: 0, version: 1 << 40, chunks: [1 << 40]),
            .fetchState(map: 1 << 33, revision: 0, chunks: [1 << 40]),
        ]
        for (i, message) in requests.enumerated() { add(message, { EncodedFrame($0) }, sequence: UInt64(i + 1)) }
        add(CoordinatorMessage.stop(code: 0, reason: "boo"), { EncodedFrame($0) })
        messages.append(([], []))
        messages.append(([1], [pool.payload(copying: [UInt8](repeating: 1, count: 65 << 20))]))
        return messages
    }

    @Test(
        "Nonsense to the ports of coordinator and workers neither stops nor changes a run",
        arguments: [1, 2] as [UInt64])
    func nonsense(seed: UInt64) throws {
        try withTemporaryFolder { run in
            let undisturbed = try ToyCoordinator(run: run + "/a", steps: 8, workers: 1)
            let alone = try ToyWorker("alone", joining: undisturbed.endpoint)
            #expect(alone.wait().code == 0)
            #expect(undisturbed.wait().code == 0)

            let coordinator = try ToyCoordinator(run: run + "/b", steps: 8, workers: 2)
            let sent = Flag()
            let workers = try (0..<2).map { index in
                try ToyWorker("worker-\(index)", joining: coordinator.endpoint) { worker, step, _ in
                    guard step == 3, sent.set() else { return }
                    do {
                        try send(nuisances(seed: seed), to: coordinator.endpoint)
                        try send(nuisances(seed: seed), to: worker.endpoint)
                    } catch { Issue.record(error, "seed \(seed)") }
                }
            }
            for worker in workers { #expect(worker.wait().code == 0, "seed \(seed)") }
            #expect(coordinator.wait().code == 0)
            #expect(sent.value)
            #expect(coordinator.refusals > 0)
            let hashes = try ["/a", "/b"].map { try CheckpointStore.weightsSHA256(run: run + $0, version: 8) }
            #expect(hashes[0] == hashes[1], "seed \(seed)")
        }
    }

    @Test("Operators hear who is here, and may drain and stop")
    func operators() throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: 100_000, workers: 2, checkpointEvery: 100_000)
            let workers = try ["first", "second"].map { try ToyWorker($0, joining: coordinator.endpoint) }
            func status() throws -> ClusterStatus {
                guard case .status(let status) = try ask(.status, of: coordinator.endpoint) else {
                    throw Fault(.internal, "test", "no status")
                }
                return status
            }
            let deadline = ContinuousClock.now + .seconds(60)
            while try status().step < 3, ContinuousClock.now < deadline {}
            let found = try status()
            #expect(found.steps == 100_000)
            #expect(Set(found.members.map(\.name)) == ["first", "second"])
            #expect(found.members.allSatisfy { $0.state == "active" && $0.process > 0 })
            #expect(found.members.map(\.chunks).reduce(0, +) == Toy.plan.chunks.count)
            let unknown = try ask(.drain("frist"), of: coordinator.endpoint)
            #expect(unknown == .refused("nobody is called 'frist': did you mean 'first'?"))
            guard case .done = try ask(.drain("first"), of: coordinator.endpoint) else {
                Issue.record("the drain is refused")
                return
            }
            #expect(workers[0].wait() == Ending(code: 0, reason: "drained"))
            guard case .done = try ask(.stop, of: coordinator.endpoint) else {
                Issue.record("the stop is refused")
                return
            }
            #expect(workers[1].wait().code == 75)
            #expect(coordinator.wait().code == 75)
            let gone = #expect(throws: Fault.self) { try ask(.status, of: coordinator.endpoint, seconds: 0.2) }
            #expect(gone?.reason == "no coordinator listens there" && gone?.mend.hasPrefix("the run is over") == true)
        }
    }

    @Test("A worker whose plan differs is refused with both values; a preparation that fails ends with its fault")
    func refusals() throws {
        try withTemporaryFolder { run in
            let coordinator = try ToyCoordinator(run: run, steps: 2, workers: 1)
            let other = try ToyWorker("other", joining: coordinator.endpoint, plan: "beef")
            let refused = other.wait()
            #expect(refused.code == 64)
            #expect(refused.reason.contains("beef"))
            #expect(refused.reason.contains(String(Toy.plan.digest, radix: 16)))
            let broken = try ToyWorker(
                "broken", joining: coordinator.endpoint, failure: Fault(.data, "/data/motion", "is no data set"))
            #expect(broken.wait() == Ending(code: 65, reason: "/data/motion: is no data set"))
            let good = try ToyWorker("good", joining: coordinator.endpoint)
            #expect(good.wait().code == 0)
            #expect(coordinator.wait().code == 0)
        }
    }
}

import Protocol
import Testing
import Training
import Wire
import Worker

/// What a worker does not keep: of the dead, of a coordinator that is gone, of bits that nobody believes.
@Suite struct ForgottenStateTests {
    private func checkpointChunks(_ directives: [WorkerDirective]) -> Int {
        directives.count {
            if case .sendToCoordinator(let frame) = $0, case .checkpointChunk? = frame.message { true } else { false }
        }
    }

    private func answers(_ directives: [WorkerDirective]) -> Bool {
        directives.contains { if case .reply(2, _) = $0 { true } else { false } }
    }

    /// The versions that worker 2 is asked for.
    private func wanted(_ directives: [WorkerDirective]) -> [Int] {
        directives.compactMap {
            if case .request(2, let frame) = $0, case .want(_, _, let version, _)? = frame.message {
                version
            } else {
                nil
            }
        }
    }

    /// It would keep all of a version in memory until the next checkpoint, which the new one asks for itself.
    @Test func nothingIsKeptForTheCheckpointOfADeadCoordinator() {
        let plan = ChunkPlan(parameters: Array(repeating: ChunkPlan.Parameter(count: 10), count: 6), statistics: [])
        var worker = WorkerByHand(plan: plan)
        _ = worker.hear(.map(WorkerByHand.map(1, owners: Array(repeating: 5, count: 6), members: [5])))
        let begun = worker.hear(.checkpoint(version: 0, chunks: Array(0..<6)))
        #expect(checkpointChunks(begun) == 4)
        let next = worker.hear(.chunkStored(version: 0, chunk: 0))
        #expect(checkpointChunks(next) == 1)
        _ = worker.meet(generation: 2)
        let late = worker.hear(.chunkStored(version: 0, chunk: 1))
        #expect(checkpointChunks(late) == 0)
        let again = worker.hear(.checkpoint(version: 0, chunks: Array(0..<6)))
        #expect(checkpointChunks(again) == 4)
    }

    /// It would be probed, and what it wanted kept for it, for as long as the run lasts.
    @Test func whoIsGoneGetsNoLinkForWhatComesLate() {
        var worker = WorkerByHand()
        let map = WorkerByHand.map(1, owners: [5], members: [2, 5])
        _ = worker.hear(.map(map))
        var peer = Link<ShardRequest, ShardReply>(local: 2, remote: 5, session: 1, resend: 1)
        let want = ShardRequest.want(map: map.number, revision: 0, version: 0, chunks: [0])
        let alive = worker.handle(.request(peer.send(want, now: 0)), now: 0)
        #expect(answers(alive))
        _ = worker.hear(.departed(2))
        let late = worker.handle(.request(peer.send(want, now: 1)), now: 1)
        #expect(!answers(late))
        // The next coordinator may find that it lives.
        _ = worker.meet(generation: 2)
        var again = Link<ShardRequest, ShardReply>(local: 2, remote: 5, session: 2, resend: 1)
        let later = worker.handle(.request(again.send(want, now: 2)), now: 2)
        #expect(answers(later))
    }

    /// All begin anew because bits differed: the wrong ones may be what this worker computes with. Who only finds another
    /// coordinator has nothing to doubt.
    @Test func weightsAreLoadedAnewUnderANewMapOfTheSameVersion() {
        var worker = WorkerByHand()
        var owner = Link<ShardReply, ShardRequest>(local: 2, remote: 5, session: 1, resend: 1)
        func arrive(under map: OwnershipMap) -> [WorkerDirective] {
            let payload = WorkerByHand.pool.payload(count: WorkerByHand.plan.chunks[0].slotBytes)
            let weights = Weights(map: map.number, version: 0, chunk: 0, weights: payload)
            return worker.handle(.reply(owner.send(.weights(weights), now: 0)), now: 0)
        }
        let first = WorkerByHand.map(1, owners: [2], members: [2, 5])
        let begun = worker.hear(.map(first))
        #expect(wanted(begun) == [0])
        let loaded = arrive(under: first)
        #expect(wanted(loaded) == [1])
        let second = WorkerByHand.map(2, owners: [2], members: [2, 5])
        let begunAgain = worker.hear(.map(second))
        #expect(wanted(begunAgain) == [0])
        let loadedAgain = arrive(under: second)
        #expect(wanted(loadedAgain) == [1])
        _ = worker.meet(generation: 2)
        let renewed = worker.hear(.map(WorkerByHand.map(1, generation: 2, owners: [2], members: [2, 5])))
        #expect(wanted(renewed) == [1])
    }

    /// As after a fault, when more messages waited than ever before or since.
    @Test func memoryThatNoStepNeedsAnyMoreGoesBack() {
        let pool = PayloadPool()
        var worker = WorkerByHand(pool: pool)
        let map = WorkerByHand.map(1, owners: [5], members: [5])
        _ = worker.hear(.map(map))
        _ = (0..<10).map { _ in pool.payload(count: 1 << 20) }
        #expect(pool.allocatedBytes > 10 << 20)
        for step in 0..<600 {
            let commit = Commit(map: map.number, step: step, rate: 0.1, coefficient: 1, skipped: true, last: false)
            _ = worker.hear(.commit(commit))
        }
        #expect(pool.allocatedBytes < 1 << 20)
    }
}

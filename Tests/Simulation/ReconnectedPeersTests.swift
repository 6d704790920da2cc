import Protocol
import Testing
import Training
import Wire
import Worker

/// A connection to another worker's shard that broke and stands again.
@Suite struct ReconnectedPeersTests {
    private func requests(_ directives: [WorkerDirective]) -> [Frame<ShardRequest>] {
        directives.compactMap { if case .request(2, let frame) = $0 { frame } else { nil } }
    }

    /// It has been asked, has said that it heard it, and answers by a connection that is gone. It has heard nothing by the new
    /// one, so it cannot say its answer again, and whoever waits for it has nothing more to ask.
    @Test func anAnswerThatTheOldConnectionTookAlongComesByTheNewOne() throws {
        var worker = WorkerByHand()
        var owner = Link<ShardReply, ShardRequest>(local: 2, remote: 5, session: 1, resend: 1)
        let map = WorkerByHand.map(1, owners: [2], members: [2, 5])
        let asked = requests(worker.hear(.map(map)))
        _ = owner.receive(try #require(asked.first), now: 0)
        let receipt = owner.flush()
        _ = worker.handle(.reply(try #require(receipt)), now: 0)
        let weights = Weights(
            map: map.number, version: 0, chunk: 0,
            weights: WorkerByHand.pool.payload(count: WorkerByHand.plan.chunks[0].slotBytes))
        _ = owner.send(.weights(weights), now: 0)  // lost

        let said = requests(worker.handle(.peerConnected(2), now: 1))
        _ = owner.receive(try #require(said.first, "it does not show itself"), now: 1)
        let probe = owner.tick(now: 2)
        let reports = requests(worker.handle(.reply(try #require(probe)), now: 2))
        let repetitions = owner.receive(try #require(reports.first), now: 2).repetitions
        let loaded = repetitions.flatMap { worker.handle(.reply($0), now: 2) }
        let isThere = loaded.contains { if case .load(chunk: 0, version: 0, _) = $0 { true } else { false } }
        #expect(isThere)
    }
}

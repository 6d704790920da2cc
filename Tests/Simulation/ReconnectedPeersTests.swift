import Protocol
import Testing
import Training
import Wire
import Worker

/// A connection to another worker's shard that broke and stands again.
@Suite struct ReconnectedPeersTests {
    private static let plan = ChunkPlan(parameters: [.init(count: 10)], statistics: [])
    private static let pool = PayloadPool()

    private static var preparation: WorkerPreparation {
        WorkerPreparation(
            plan: plan, units: 1,
            optimizer: OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: true, convention: .rateInMomentum))),
            fingerprints: [], initialWeights: { _, values in values.initialize(repeating: 0) })
    }

    private func requests(_ directives: [WorkerDirective]) -> [Frame<ShardRequest>] {
        directives.compactMap { if case .request(2, let frame) = $0 { frame } else { nil } }
    }

    /// It has been asked, has said that it heard it, and answers by a connection that is gone. It has heard nothing by the new
    /// one, so it cannot say its answer again, and whoever waits for it has nothing more to ask.
    @Test func anAnswerThatTheOldConnectionTookAlongComesByTheNewOne() throws {
        let hello = Hello(
            name: "w", host: "node", process: 1, threads: 1, endpoint: "tcp://10.0.0.1:41234", product: "test")
        var worker = Worker(incarnation: 5, hello: hello, timing: ClusterTiming(), pool: Self.pool)
        var coordinator = Link<CoordinatorMessage, WorkerMessage>(local: 1, remote: 5, session: 7, resend: 1)
        var owner = Link<ShardReply, ShardRequest>(local: 2, remote: 5, session: 1, resend: 1)
        _ = worker.handle(.tick, now: 0)
        let welcome = Welcome(generation: 1, run: 7, recipe: "r", data: "", instructionSet: "baseline")
        _ = worker.handle(.coordinator(coordinator.send(.welcome(welcome), now: 0)), now: 0)
        _ = worker.handle(.prepared(Self.preparation), now: 0)
        let map = OwnershipMap(
            number: OwnershipMap.numberBeforeFirst(ofGeneration: 1) + 1, version: 0, owners: [2], buddies: [[]],
            sources: [.initial],
            members: [2, 5].map { MemberAddress(incarnation: $0, endpoint: "tcp://10.0.0.\($0):41234") })
        let asked = requests(worker.handle(.coordinator(coordinator.send(.map(map), now: 0)), now: 0))
        _ = owner.receive(try #require(asked.first), now: 0)
        let receipt = owner.flush()
        _ = worker.handle(.reply(try #require(receipt)), now: 0)
        let weights = Weights(
            map: map.number, version: 0, chunk: 0, weights: Self.pool.payload(count: Self.plan.chunks[0].slotBytes))
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

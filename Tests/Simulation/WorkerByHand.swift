import Protocol
import Training
import Wire
import Worker

/// A worker, incarnation 5, that has joined the first coordinator of run 7 and hears what a test says. One unit, and one chunk
/// if a test wants no others.
struct WorkerByHand {
    static let plan = ChunkPlan(parameters: [.init(count: 10)], statistics: [])
    static let pool = PayloadPool()
    private static let incarnation: Incarnation = 5

    private var worker: Worker
    private var coordinator = Self.coordinator(1)

    init(plan: ChunkPlan = Self.plan, pool: PayloadPool = Self.pool) {
        let hello = Hello(
            name: "w", host: "node", process: 1, threads: 1, endpoint: "tcp://10.0.0.5:41234", product: "test")
        worker = Worker(incarnation: Self.incarnation, hello: hello, timing: ClusterTiming(), pool: pool)
        _ = worker.handle(.tick, now: 0)
        _ = hear(.welcome(Self.welcome(1)))
        let preparation = WorkerPreparation(
            plan: plan, units: 1,
            optimizer: OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: true, convention: .rateInMomentum))),
            fingerprints: [], initialWeights: { _, values in values.initialize(repeating: 0) })
        _ = worker.handle(.prepared(preparation), now: 0)
    }

    private static func coordinator(_ generation: UInt64) -> Link<CoordinatorMessage, WorkerMessage> {
        Link(local: generation, remote: incarnation, session: 7, resend: 1)
    }

    private static func welcome(_ generation: UInt64) -> Welcome {
        Welcome(generation: generation, run: 7, recipe: "r", data: "", instructionSet: "baseline")
    }

    /// What it says of itself.
    var progress: Progress { worker.progress }

    /// One of a coordinator's maps, without buddies.
    static func map(
        _ number: Int, generation: UInt64 = 1, version: Int = 0, owners: [Incarnation], source: StateSource = .initial,
        members: [Incarnation]
    ) -> OwnershipMap {
        OwnershipMap(
            number: OwnershipMap.numberBeforeFirst(ofGeneration: generation) + number, version: version, owners: owners,
            buddies: owners.map { _ in [] }, sources: owners.map { _ in source },
            members: members.map { MemberAddress(incarnation: $0, endpoint: "tcp://10.0.0.\($0):41234") })
    }

    mutating func handle(_ event: WorkerEvent, now: Double) -> [WorkerDirective] { worker.handle(event, now: now) }

    mutating func hear(_ message: CoordinatorMessage, now: Double = 0) -> [WorkerDirective] {
        worker.handle(.coordinator(coordinator.send(message, now: now)), now: now)
    }

    /// Another coordinator of the run welcomes it.
    mutating func meet(generation: UInt64) -> [WorkerDirective] {
        coordinator = Self.coordinator(generation)
        return hear(.welcome(Self.welcome(generation)))
    }
}

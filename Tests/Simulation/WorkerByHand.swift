import Protocol
import Training
import Wire
import Worker

/// A worker, incarnation 5, that has joined the first coordinator of run 7 and hears what a test says. One chunk, one unit.
struct WorkerByHand {
    static let plan = ChunkPlan(parameters: [.init(count: 10)], statistics: [])
    static let pool = PayloadPool()
    private static let incarnation: Incarnation = 5

    private var worker: Worker
    private var coordinator = Self.coordinator(1)

    init() {
        let hello = Hello(
            name: "w", host: "node", process: 1, threads: 1, endpoint: "tcp://10.0.0.5:41234", product: "test")
        worker = Worker(incarnation: Self.incarnation, hello: hello, timing: ClusterTiming(), pool: Self.pool)
        _ = worker.handle(.tick, now: 0)
        _ = hear(.welcome(Self.welcome(1)))
        let preparation = WorkerPreparation(
            plan: Self.plan, units: 1,
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

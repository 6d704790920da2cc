internal import Faults
internal import Protocol
package import Training
public import Wire

/// The worker's decisions, a pure machine: an event and the time go in, directives come out.
///
/// It computes leased blocks and pushes their roots; its `shard` owns chunks. The shell around it owns sockets, clocks and
/// threads. The machine sums and updates tensors itself, on the thread that calls `handle`: that thread must treat
/// denormals as the compute threads do, on every machine alike.
///
/// Messages travel on links, which lose and repeat nothing while both ends live: one to the coordinator, renewed when a
/// coordinator of a higher generation answers; one to every other shard; one from every other worker. A machine is of one
/// run: when another run's coordinator answers, the next machine joins that.
public struct Worker: Sendable {
    public let incarnation: Incarnation
    let hello: Hello
    let timing: ClusterTiming
    let pool: PayloadPool
    let bugs: Set<PlantedBug>
    var directives: [WorkerDirective] = []

    // The session with the coordinator.
    var coordinator: Link<WorkerMessage, CoordinatorMessage>
    var introduced = false
    var heard: Double?
    private var pauses: PauseDetector
    var lastHeartbeat = -Double.infinity
    var welcome: Welcome?
    var preparation: WorkerPreparation?
    /// How many times `.prepare` was not answered yet: the last answer is for the recipe of the moment.
    var preparing = 0
    var isLeaving = false
    var isStopped = false
    /// What it says of itself in heartbeats.
    public internal(set) var progress = Progress()
    var spending = Spending()

    // The others.
    var map: OwnershipMap?
    /// Links to the shards of others, on which we ask.
    var shards: [Incarnation: Link<ShardRequest, ShardReply>] = [:]
    /// Links from other workers, on which our shard answers.
    var clients: [Incarnation: Link<ShardReply, ShardRequest>] = [:]
    /// Whose shards we have no connection to, and since when.
    var unreached: [Incarnation: Double] = [:]
    /// Gone for good, says this coordinator: what still comes of them is late, and gets no link.
    var departed: Set<Incarnation> = []
    var shard: Shard?

    // Computing.
    var weights = LoadedWeights()
    var leases: [ActiveLease] = []
    /// Where the coordinator asked for one: it outlives the coordinator's disk.
    var ledgerTail = LedgerTail()
    /// The unit on the compute thread that we wait for.
    var computing: (lease: UInt64, unit: Int)?
    /// Of the planted fault only.
    var hasFlipped = false

    /// - Parameters:
    ///   - incarnation: Drawn at random by the shell, never zero.
    ///   - pool: Where the machine takes memory for sums and weights from.
    public init(incarnation: Incarnation, hello: Hello, timing: ClusterTiming, pool: PayloadPool) {
        self.init(incarnation: incarnation, hello: hello, timing: timing, pool: pool, bugs: [])
    }

    package init(
        incarnation: Incarnation, hello: Hello, timing: ClusterTiming, pool: PayloadPool, bugs: Set<PlantedBug>
    ) {
        precondition(incarnation != 0, "incarnation 0 is nobody's")
        self.incarnation = incarnation
        self.hello = hello
        self.timing = timing
        pauses = PauseDetector(ofHeartbeats: timing)
        self.pool = pool
        self.bugs = bugs
        coordinator = Link(local: incarnation, remote: 0, resend: timing.resend)
    }

    /// - Parameter now: Monotonic seconds.
    public mutating func handle(_ event: WorkerEvent, now: Double) -> [WorkerDirective] {
        guard !isStopped else { return [] }
        spend(until: now)
        directives.removeAll(keepingCapacity: true)
        switch event {
        case .coordinator(let frame): receive(frame, now: now)
        case .coordinatorConnected:
            emit(coordinator.reconnected(now: now))
            // It takes us for dead if it does not hear from us at once.
            if coordinator.remote != 0 { tell(.heartbeat(progress), now: now) }
        case .request(let frame): receive(frame, now: now)
        case .reply(let frame): receive(frame, now: now)
        case .peerConnected(let peer):
            unreached[peer] = nil
            // Also when all of ours is there: it can answer by a connection that something came by, and by no other.
            if let probe = shards[peer]?.ask(now: now) { directives.append(.request(peer, probe)) }
        case .peerDisconnected(let peer):
            guard shards[peer] != nil else { break }
            unreached[peer] = now
            if map != nil { tell(.suspect(peer), now: now) }
        case .prepared(let preparation): finishPreparing(.success(preparation), now: now)
        case .preparationFailed(let fault): finishPreparing(.failure(fault), now: now)
        case .gradient(let lease, let unit, let chunk, let payload):
            fold(payload, chunk: chunk, unit: unit, lease: lease, now: now)
        case .unitComputed(let lease, let record): finishUnit(lease: lease, record: record, now: now)
        case .unitFailed(let lease, let reason): failUnit(lease: lease, reason: reason, now: now)
        case .resources(let use): take(use)
        case .drainRequested: leave(now: now)
        case .tick: tick(now: now)
        }
        startComputing()
        flush(after: event)
        progress.activity = activity
        return directives
    }

    /// Sends the receipt that no other frame has carried; a stop comes last, when everything else has been said. Only whoever
    /// was heard can be owed one: of hundreds of links the others are not looked at.
    private mutating func flush(after event: WorkerEvent) {
        switch event {
        case .coordinator: emit(coordinator.flush())
        case .request(let frame):
            if let receipt = clients[frame.sender]?.flush() { directives.append(.reply(frame.sender, receipt)) }
        case .reply(let frame):
            if let receipt = shards[frame.sender]?.flush() { directives.append(.request(frame.sender, receipt)) }
        default: break
        }
        if let index = directives.firstIndex(where: \.ends) { directives.append(directives.remove(at: index)) }
    }

    mutating func emit(_ frame: Frame<WorkerMessage>?) {
        if let frame { directives.append(.sendToCoordinator(frame)) }
    }

    mutating func tell(_ message: WorkerMessage, now: Double) { emit(coordinator.send(message, now: now)) }

    mutating func stop(code: Int, reason: String) {
        guard !isStopped else { return }
        isStopped = true
        directives.append(.stop(code: code, reason: reason))
    }

    private mutating func tick(now: Double) {
        if !introduced {
            introduced = true
            heard = now
            tell(.hello(hello), now: now)
        }
        if let pause = pauses.tick(now: now) {
            heard = heard.map(pause.forgiven)
            unreached = unreached.mapValues(pause.forgiven)
        }
        progress.unreached = unreached.filter { now - $0.value >= timing.death }.keys.min() ?? 0
        if now - (heard ?? now) > timing.coordinatorPatience {
            return stop(code: 75, reason: "no coordinator for \(Int(timing.coordinatorPatience)) s")
        }
        if coordinator.remote != 0, coordinator.isIdle, now - lastHeartbeat >= timing.heartbeat {
            lastHeartbeat = now
            tell(.heartbeat(progress), now: now)
        }
        emit(coordinator.tick(now: now))
        for peer in shards.keys.sorted() {
            if let frame = shards[peer]?.tick(now: now) { directives.append(.request(peer, frame)) }
        }
        for peer in clients.keys.sorted() {
            if let frame = clients[peer]?.tick(now: now) { directives.append(.reply(peer, frame)) }
        }
    }
}

extension WorkerDirective {
    /// After it the machine is done.
    var ends: Bool {
        switch self {
        case .stop, .rejoin: true
        default: false
        }
    }
}

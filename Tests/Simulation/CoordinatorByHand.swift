import Coordinator
import Protocol
import Training
import Wire

/// A coordinator and its workers, said by hand, message by message: workers join and install maps by themselves, and do
/// else what a test lets them say. One chunk.
struct CoordinatorByHand {
    struct Member {
        var link: Link<WorkerMessage, CoordinatorMessage>
        var fingerprints: [Fingerprint] = []
        var leases: [Lease] = []
        var revoked: [UInt64] = []
        var departed: Set<Incarnation> = []
        var refusal: Refusal?
        /// Its copy of the ledger.
        var records: [LedgerRecord] = []
        var map = 0
        var revision = 0
        /// The code that it is told to end with.
        var stop: Int?
    }

    private(set) var members: [Incarnation: Member] = [:]
    /// What has gone to the disk, which is quick.
    private(set) var ledger: [LedgerRecord] = []
    private(set) var endings: [(code: Int, reason: String)] = []
    private var coordinator: Coordinator
    private(set) var now = 0.0
    /// Said by workers and not heard yet, so that nothing overtakes anything.
    private var events: [CoordinatorEvent] = []
    private var isTelling = false

    /// - Parameters:
    ///   - workers: That come at once.
    ///   - expectedWorkers: That it waits for, if others.
    ///   - fingerprints: Of the workers that come at once.
    init(
        units: Int, workers: Int, expectedWorkers: Int? = nil, fingerprints: [Fingerprint] = [],
        history: RunHistory = RunHistory(), acceptsOtherBuild: Bool = false
    ) throws {
        let timing = ClusterTiming()
        var settings = CoordinatorSettings.scripted(
            units: units, steps: 8, workers: expectedWorkers ?? workers,
            plan: ChunkPlan(parameters: [.init(count: 1000)], statistics: []), timing: timing)
        settings.acceptsOtherBuild = acceptsOtherBuild
        coordinator = Coordinator(settings: settings, history: history)
        for worker in 1...workers { join(Incarnation(worker), fingerprints) }
    }

    mutating func join(_ worker: Incarnation, _ fingerprints: [Fingerprint] = []) {
        connect(worker, fingerprints)
        let hello = Hello(
            name: "w\(worker)", host: "node\(worker)", process: 1, threads: 1,
            endpoint: "tcp://10.0.0.\(worker):41234", product: "test")
        say(.hello(hello), worker)
    }

    /// Its connection stands; it has said nothing yet.
    mutating func connect(_ worker: Incarnation, _ fingerprints: [Fingerprint] = []) {
        members[worker] = Member(
            link: Link(local: worker, remote: 1, resend: ClusterTiming().resend), fingerprints: fingerprints)
    }

    /// The names that an operator sees.
    var listed: [String] { coordinator.status(now: now).members.map(\.name) }

    /// Time goes on, and these say that they live.
    mutating func pass(_ seconds: Double, heard: [Incarnation]) {
        for _ in 0..<Int((seconds / 0.5).rounded()) {
            now += 0.5
            for worker in heard { say(.heartbeat(Progress(step: 0, units: 1)), worker) }
            tell(.tick)
        }
    }

    /// Time goes on, and the coordinator does not.
    mutating func stop(for seconds: Double) { now += seconds }

    /// The worker has computed a block, and the owners have its sums.
    mutating func finish(_ lease: Lease, _ worker: Incarnation) {
        let records = (lease.block.first..<lease.block.end).map { UnitRecord(unit: $0, loss: 1, correct: 1) }
        say(.blockComputed(lease: lease.id, records: records), worker)
        let revision = members[worker]?.revision ?? 0
        say(.blockDelivered(lease: lease.id, revision: revision), worker)
    }

    /// The owner has summed the chunk.
    mutating func reduce(step: Int, _ owner: Incarnation) {
        let chunk = ReadyChunk(chunk: 0, sumOfSquares: 1, finite: true, digest: UInt64(step))
        say(.chunksReady(map: members[owner]?.map ?? 0, step: step, chunks: [chunk]), owner)
    }

    mutating func say(_ message: WorkerMessage, _ worker: Incarnation) {
        guard let frame = members[worker]?.link.send(message, now: now) else { return }
        tell(.received(frame))
    }

    mutating func tell(_ event: CoordinatorEvent) {
        events.append(event)
        guard !isTelling else { return }
        isTelling = true
        defer { isTelling = false }
        while !events.isEmpty {
            for directive in coordinator.handle(events.removeFirst(), now: now) { obey(directive) }
        }
    }

    private mutating func obey(_ directive: CoordinatorDirective) {
        switch directive {
        case .send(let worker, let frame):
            // A refusal is outside the link's order.
            if case .refuse(let refusal)? = frame.message {
                members[worker]?.refusal = refusal
            } else if let message = members[worker]?.link.receive(frame, now: now).message {
                hear(message, worker)
            }
        case .appendLedger(let record):
            ledger.append(record)
            tell(.ledgerAppended(step: record.outcome.step))
        case .finished(let code, let reason): endings.append((code, reason))
        default: break
        }
    }

    private mutating func hear(_ message: CoordinatorMessage, _ worker: Incarnation) {
        switch message {
        case .welcome: say(.ready(Ready(fingerprints: members[worker]?.fingerprints ?? [])), worker)
        case .map(let map):
            members[worker]?.map = map.number
            members[worker]?.revision = map.revision
            let kept = map.owners.indices.filter { map.owners[$0] == worker || map.buddies[$0].contains(worker) }
            guard !kept.isEmpty else { return }
            let chunks = kept.map { ChunkDigest(chunk: $0, digest: 7) }
            say(.mapInstalled(map: map.number, chunks: chunks), worker)
        case .lease(let lease): members[worker]?.leases.append(lease)
        case .revoke(let lease): members[worker]?.revoked.append(lease)
        case .commit(let commit): members[worker]?.records += commit.record.map { [$0] } ?? []
        case .stop(let code, _): members[worker]?.stop = code
        case .departed(let other): members[worker]?.departed.insert(other)
        default: break
        }
    }
}

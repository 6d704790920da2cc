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
        /// Its copy of the ledger, and what it has of an earlier coordinator's.
        var records: [LedgerRecord] = []
        var tail: [LedgerRecord] = []
        var map = 0
        var revision = 0
        /// Of the state that the map begins with.
        var version = 0
        /// Versions that it was asked for its part of, for checkpoints.
        var snapshots: [Int] = []
        /// The map under which it was last asked what it has of such a version.
        var compared = 0
        /// The code that it is told to end with.
        var stop: Int?
    }

    private(set) var members: [Incarnation: Member] = [:]
    /// What has gone to the disk, which is quick.
    private(set) var ledger: [LedgerRecord] = []
    private(set) var endings: [(code: Int, reason: String)] = []
    /// Steps as metrics hear of them.
    private(set) var committed: [(step: Int, replayed: Bool)] = []
    /// Versions of the checkpoints that were made, and of those that were given up.
    private(set) var checkpoints: [Int] = []
    private(set) var abandoned: [Int] = []
    private(set) var notes: [ClusterNote] = []
    /// Of the chunk, as the newest map has it.
    private(set) var owner: Incarnation = 0
    /// What was written is not known before a test says so.
    var isDiskSlow = false
    private var unwritten: [CoordinatorEvent] = []
    /// What new maps ask of workers is not there before they get another map.
    var isStateLate = false
    private let plan = ChunkPlan(parameters: [.init(count: 1000)], statistics: [])
    private let pool = PayloadPool()
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
            units: units, steps: 8, workers: expectedWorkers ?? workers, plan: plan, timing: timing)
        settings.acceptsOtherBuild = acceptsOtherBuild
        coordinator = Coordinator(settings: settings, history: history)
        for worker in 1...workers { join(Incarnation(worker), fingerprints) }
    }

    mutating func join(_ worker: Incarnation, _ fingerprints: [Fingerprint] = [], tail: [LedgerRecord] = []) {
        connect(worker, fingerprints)
        members[worker]?.tail = tail
        let hello = Hello(
            name: "w\(worker)", host: "node\(worker)", process: 1, threads: 1,
            endpoint: "tcp://10.0.0.\(worker):41234", product: "test")
        say(.hello(hello), worker)
    }

    /// Its connection stands; it has said nothing yet.
    mutating func connect(_ worker: Incarnation, _ fingerprints: [Fingerprint] = []) {
        members[worker] = Member(
            link: Link(local: worker, remote: 1, session: 1, resend: ClusterTiming().resend),
            fingerprints: fingerprints)
    }

    /// The names that an operator sees.
    var listed: [String] { coordinator.status(now: now).members.map(\.name) }

    /// Why others may have to wait for it, as an operator sees it.
    func lateness(of worker: Incarnation) -> String? {
        coordinator.status(now: now).members.first { $0.incarnation == worker }?.late
    }

    /// Time goes on, and these say that they live.
    /// - Parameter tick: Seconds between two ticks.
    mutating func pass(_ seconds: Double, heard: [Incarnation], tick: Double = 0.5) {
        for _ in 0..<Int((seconds / tick).rounded()) {
            now += tick
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

    /// Everybody computes what it was given of the step, and the owner sums it.
    mutating func compute(step: Int) {
        for worker in members.keys.sorted() {
            for lease in members[worker]?.leases ?? [] where lease.step == step { finish(lease, worker) }
        }
        reduce(step: step, owner)
    }

    /// The owner's part of a checkpoint.
    /// - Parameters:
    ///   - value: What all its numbers are.
    ///   - isDamaged: They are others than the sender says.
    mutating func save(version: Int, value: Float = 1, isDamaged: Bool = false, _ owner: Incarnation) {
        var state = state(version: version, value)
        if isDamaged { state.digest ^= 1 }
        say(.checkpointChunk(state), owner)
    }

    /// The owner's part of a checkpoint, damaged, so many times: all are under way before it hears what the first leads to.
    mutating func saveDamaged(version: Int, times: Int, _ owner: Incarnation) {
        var state = state(version: version, 1)
        state.digest ^= 1
        var frames: [Frame<WorkerMessage>] = []
        for _ in 0..<times {
            if let frame = members[owner]?.link.send(.checkpointChunk(state), now: now) { frames.append(frame) }
        }
        for frame in frames { tell(.received(frame)) }
    }

    /// What a buddy has of a version.
    /// - Parameter map: Under which it was asked, if not the last time.
    mutating func compare(version: Int, value: Float = 1, map: Int? = nil, _ buddy: Incarnation) {
        let digest = ChunkDigest(chunk: 0, digest: state(version: version, value).digest)
        say(.chunkDigests(map: map ?? members[buddy]?.compared ?? 0, version: version, chunks: [digest]), buddy)
    }

    private func state(version: Int, _ value: Float) -> ChunkState {
        let chunk = plan.chunks[0]
        let slots = (0..<chunk.slots).map { _ in
            pool.payload(copying: [Float](repeating: value, count: chunk.elements))
        }
        return ChunkState(
            chunk: 0, version: version, slots: slots, digest: combinedDigest(slots.map { $0.checksum() }))
    }

    /// The slow disk has done the oldest thing that it was given.
    mutating func finishWriting() {
        guard !unwritten.isEmpty else { return }
        tell(unwritten.removeFirst())
    }

    private mutating func wrote(_ event: CoordinatorEvent) {
        if isDiskSlow { unwritten.append(event) } else { tell(event) }
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
            wrote(.ledgerAppended(step: record.outcome.step))
        case .writeChunk(let state): wrote(.chunkWritten(version: state.version, chunk: state.chunk))
        case .completeCheckpoint(let version): wrote(.checkpointCompleted(version: version))
        case .abandonCheckpoint(let version): abandoned.append(version)
        case .note(let note):
            notes.append(note)
            if case .checkpoint(let version) = note { checkpoints.append(version) }
        case .committed(let record, let replayed): committed.append((record.outcome.step, replayed))
        case .finished(let code, let reason): endings.append((code, reason))
        default: break
        }
    }

    private mutating func hear(_ message: CoordinatorMessage, _ worker: Incarnation) {
        switch message {
        case .welcome:
            let member = members[worker]
            say(.ready(Ready(fingerprints: member?.fingerprints ?? [], ledgerTail: member?.tail ?? [])), worker)
        case .map(let map):
            members[worker]?.map = map.number
            members[worker]?.revision = map.revision
            members[worker]?.version = map.version
            owner = map.owners[0]
            let kept = map.owners.indices.filter { map.owners[$0] == worker || map.buddies[$0].contains(worker) }
            guard !kept.isEmpty, !isStateLate else { return }
            let chunks = kept.map { ChunkDigest(chunk: $0, digest: 7) }
            say(.mapInstalled(map: map.number, chunks: chunks), worker)
        case .lease(let lease): members[worker]?.leases.append(lease)
        case .revoke(let lease): members[worker]?.revoked.append(lease)
        case .checkpoint(let version, _): members[worker]?.snapshots.append(version)
        case .compare:
            let map = members[worker]?.map ?? 0
            members[worker]?.compared = map
        case .commit(let commit): members[worker]?.records += commit.record.map { [$0] } ?? []
        case .stop(let code, _): members[worker]?.stop = code
        case .departed(let other): members[worker]?.departed.insert(other)
        default: break
        }
    }
}

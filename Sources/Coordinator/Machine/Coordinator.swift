internal import Faults
internal import Protocol
package import Training
internal import Wire

/// The coordinator's decisions, a pure machine: an event and the time go in, directives come out.
///
/// It knows members, leases, the map of owners, and which steps are in the ledger. The shell around it owns the socket,
/// the clock and the run directory.
///
/// The state of the run is at one version at a time, and the coordinator keeps count of who holds each chunk at it.
/// Between two steps chunks may move; when a chunk has no holder left, everybody goes back to the newest checkpoint
/// (step 0 is one) and the steps are played again. A replayed step must come out as the ledger has it.
public struct Coordinator: Sendable {
    let settings: CoordinatorSettings
    let bugs: Set<PlantedBug>
    var directives: [CoordinatorDirective] = []

    var members = Members()
    /// Taken for dead, let go or turned away: whatever they say, this is the answer.
    var departed: [Incarnation: Refusal] = [:]
    var arrivals = 0
    /// What workers must agree on, and who said so first.
    var agreed: [String: (value: String, by: String)]
    /// What the ledger says that its last step was computed with.
    var computedWith: [Fingerprint]
    var firstReady: Double?
    /// Training has begun in this generation.
    var hasStarted = false

    /// Steps in the ledger, and their outcomes from the newest checkpoint on.
    var ledgerCount: Int
    var outcomes: [Int: StepOutcome]
    /// A record on its way to the disk.
    var appending: LedgerRecord?
    /// The version of the newest whole checkpoint.
    var checkpoint: Int
    /// Whether version 0 is read from there instead of made from the seed.
    let hasInitialCheckpoint: Bool
    var saving: CheckpointInProgress?

    /// Steps that the state has seen.
    var version: Int
    /// Who holds each chunk at `version`.
    var holders: [Set<Incarnation>]
    var mapNumber: Int
    /// By chunk; empty before the first map.
    var owners: [Incarnation] = []
    /// Who else keeps each chunk, in the order in which they would take the owner's place.
    var buddies: [[Incarnation]] = []
    /// Of the map: how often somebody died since it was installed and the step went on.
    var revision = 0
    var sources: [StateSource] = []

    /// Whole gradients of the step that has not begun: not all owners have their state, or a checkpoint is waited for.
    var earlyReady: [ReadyChunk] = []
    /// Records that workers kept and the ledger has lost, on their way back to it.
    var lostRecords: [LedgerRecord] = []
    /// How often a worker's bits have differed from another's, and its name, which may be wanted when it is gone.
    var divergences: [Incarnation: (count: Int, name: String)] = [:]
    var phase = Phase.gathering
    var stopReason: String?
    /// For silence, and for that of whoever's connection broke.
    private var pauses: PauseDetector
    private var suspectsPauses: PauseDetector
    /// Why a block failed last.
    var lastFailure = ""
    /// Somebody asked for a checkpoint out of turn.
    var checkpointIsWanted = false
    var nextLease: UInt64
    var expectedFirstBlocks: [Incarnation: UnitBlock] = [:]

    /// What the cluster is doing.
    enum Phase: Sendable {
        /// Waiting for workers.
        case gathering
        /// A new map is out; these owners have not yet got everything.
        case installing(waiting: Set<Incarnation>)
        case stepping(StepInProgress)
        /// The step is complete; its record is on its way to the disk.
        case committing(LedgerRecord)
        /// Between two steps, until the checkpoint of `version` is on disk.
        case holding
        /// Everybody has been told to stop.
        case closing(code: Int, reason: String, deadline: Double)
        case finished
    }

    public init(settings: CoordinatorSettings, history: RunHistory) {
        self.init(settings: settings, history: history, bugs: [])
    }

    package init(settings: CoordinatorSettings, history: RunHistory, bugs: Set<PlantedBug>) {
        self.settings = settings
        self.bugs = bugs
        pauses = PauseDetector(ofHeartbeats: settings.timing)
        suspectsPauses = PauseDetector(ofBroken: settings.timing)
        agreed = Dictionary(
            settings.fingerprints.map { ($0.name, ($0.value, "the coordinator")) }, uniquingKeysWith: { a, _ in a })
        computedWith = history.computedWith
        if !settings.acceptsOtherBuild {
            for fingerprint in computedWith where agreed[fingerprint.name] == nil {
                agreed[fingerprint.name] = (fingerprint.value, Self.ledgersName)
            }
        }
        ledgerCount = history.ledgerCount
        outcomes = Dictionary(history.outcomes.map { ($0.step, $0) }, uniquingKeysWith: { a, _ in a })
        checkpoint = history.checkpoint
        hasInitialCheckpoint = history.hasInitialCheckpoint
        version = history.checkpoint
        holders = Array(repeating: [], count: settings.plan.chunks.count)
        mapNumber = OwnershipMap.numberBeforeFirst(ofGeneration: settings.welcome.generation)
        // Leases likewise: what comes late of an earlier generation must not look like one of ours.
        nextLease = bugs.contains(.leaseNumbersReused) ? 1 : min(settings.welcome.generation, 1 << 30) << 32 + 1
    }

    /// Who says what the steps so far were computed with.
    static let ledgersName = "the run's ledger"

    var generation: UInt64 { settings.welcome.generation }
    var run: UInt64 { settings.welcome.run }
    var timing: ClusterTiming { settings.timing }

    /// - Parameter now: Monotonic seconds.
    public mutating func handle(_ event: CoordinatorEvent, now: Double) -> [CoordinatorDirective] {
        directives.removeAll(keepingCapacity: true)
        switch event {
        case .received(let frame): receive(frame, now: now)
        case .unreadable(let worker, let reason): misunderstand(worker, reason, now: now)
        case .disconnected(let worker): suspect(worker, now: now)
        case .processEnded(let worker): lose(worker, because: "its process ended", now: now)
        case .ledgerAppended(let step): ledgerAppended(step, now: now)
        case .chunkWritten(let version, let chunk): chunkWritten(version: version, chunk: chunk, now: now)
        case .checkpointCompleted(let version): checkpointCompleted(version, now: now)
        case .checkpointFailed(let version, let fault): checkpointFailed(version, fault, now: now)
        case .chunkRead(let version, _, let state, let worker):
            if case .installing = phase, version == self.version {
                send(.stateChunk(map: mapNumber, state: state), to: worker, now: now)
            }
        case .chunkUnreadable(let version, let fault): chunkUnreadable(version, fault, now: now)
        case .storageFailed(let fault): close(code: Int(fault.code.rawValue), reason: fault.description, now: now)
        case .fenced(let reason):
            phase = .finished
            directives.append(.finished(code: 70, reason: reason))
            return directives
        case .drainRequested(let name): drain(name, now: now)
        case .checkpointRequested: checkpointIsWanted = true
        case .stopRequested(let reason): requestStop(reason, now: now)
        case .tick: tick(now: now)
        }
        switch event {
        // Only whoever was heard can be owed a receipt; of hundreds of members the others are not looked at.
        case .received(let frame): flush(frame.sender)
        case .tick: for worker in orderedMembers { flush(worker) }
        default: break
        }
        endWhenKnown(now: now)
        return directives
    }

    private mutating func tick(now: Double) {
        if case .finished = phase { return }
        forgivePause(now: now)
        for worker in orderedMembers {
            if let probe = members[worker]?.link.tick(now: now) { directives.append(.send(worker, probe)) }
        }
        watch(now: now)
        if case .gathering = phase { gather(now: now) }
        grantLeases(now: now)
        giveUpWhatNobodyCan(now: now)
    }

    /// Nobody is silent while we do not listen.
    private mutating func forgivePause(now: Double) {
        if let pause = pauses.tick(now: now) {
            members.update { $0.lastHeard = pause.forgiven($0.lastHeard) }
        }
        if let pause = suspectsPauses.tick(now: now) {
            members.update { $0.suspectSince = $0.suspectSince.map(pause.forgiven) }
        }
    }

    /// Sends the receipt that no other frame has carried.
    private mutating func flush(_ worker: Incarnation) {
        if let frame = members[worker]?.link.flush() { directives.append(.send(worker, frame)) }
        // Let go, and it knows.
        if let member = members[worker], member.state == .released, member.link.isIdle {
            members[worker] = nil
            departed[worker] = Refusal(reason: "drained", mayReturn: true)
        }
    }

    private mutating func endWhenKnown(now: Double) {
        if case .closing(let code, let reason, let deadline) = phase,
            now >= deadline || members.allSatisfy({ $0.link.isIdle })
        {
            phase = .finished
            directives.append(.finished(code: code, reason: reason))
        }
    }

    // MARK: - Ending

    private mutating func requestStop(_ reason: String, now: Double) {
        stopReason = reason
        if case .gathering = phase { close(code: 75, reason: reason, now: now) }
    }

    /// Tells everybody to stop, and ends when they know, or soon.
    mutating func close(code: Int, reason: String, now: Double) {
        switch phase {
        case .closing, .finished: return
        default: break
        }
        for worker in orderedMembers { send(.stop(code: code, reason: reason), to: worker, now: now) }
        phase = .closing(code: code, reason: reason, deadline: now + 3)
    }
}

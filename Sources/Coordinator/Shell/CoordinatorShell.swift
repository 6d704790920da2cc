public import Faults
public import Protocol
import Synchronization
public import Wire

/// A coordinator at work: sockets, clocks and disks around the pure machine.
///
/// `run()` is the socket thread. The ledger and the checkpoints have a thread each, so that a slow disk never keeps the
/// heartbeats from being heard, and a checkpoint never keeps a step from being committed.
public final class CoordinatorShell: Sendable {
    /// What people and metrics hear of, on the socket thread: whoever is told waits neither for a disk nor for a terminal, or
    /// the workers would take the coordinator for dead.
    public struct Observer: Sendable {
        /// A step is in the ledger; or it was replayed, and is there since long.
        public var committed: @Sendable (LedgerRecord, _ replayed: Bool) -> Void
        public var note: @Sendable (ClusterNote) -> Void
        /// Somebody was turned away, or a frame dropped because it is no message of ours; of many, a few are told.
        public var refused: @Sendable (Fault) -> Void
        /// The socket thread is alive: several times a second.
        public var ticked: @Sendable () -> Void = {}
        /// Who is here and what the step waits for, about once a second: to be kept, not worked on.
        public var status: (@Sendable (ClusterStatus) -> Void)?

        public init(
            committed: @escaping @Sendable (LedgerRecord, _ replayed: Bool) -> Void = { _, _ in },
            note: @escaping @Sendable (ClusterNote) -> Void = { _ in },
            refused: @escaping @Sendable (Fault) -> Void = { _ in },
            status: (@Sendable (ClusterStatus) -> Void)? = nil
        ) {
            self.status = status
            self.committed = committed
            self.note = note
            self.refused = refused
        }
    }

    enum Call: Sendable {
        case event(CoordinatorEvent)
        case processEnded(Int)
        case note(ClusterNote)
        /// An answer to somebody who needs clips.
        case content(Peer, ContentReply)
        /// Another coordinator has the run.
        case fenced(Fault)
        /// Close everything at once and say nothing, as if the process had been killed.
        case vanish
    }

    /// Where it listens, with the port that was chosen.
    public let endpoint: String
    private let mailbox: Mailbox<Call>
    private let state: ShellState<CoordinatorLoop>

    /// Listens, for a coordinator that comes: who joins waits until it runs.
    /// - Parameter endpoint: `tcp://HOST:PORT`; port 0 takes a free one.
    /// - Throws: `Fault` when the port is in use, or the security does not allow the address.
    public static func listen(
        at endpoint: String, security: Security = .loopback, limits: FrameLimits = FrameLimits()
    ) throws(Fault) -> Listener {
        try Listener(try Context(security: security), endpoint: anyPort(endpoint), limits: limits)
    }

    /// Reads ledger and checkpoints.
    ///
    /// - Parameters:
    ///   - settings: `welcome.generation` and `welcome.run` are set from the run directory.
    ///   - retention: Which checkpoints stay.
    ///   - initial: The state before the first step, where the seed alone does not make it; asked for once in a run.
    ///   - listener: Where workers join, by `listen`. Its endpoint is written to `RUN/endpoint`.
    ///   - content: The file of the data set with that SHA-256, for workers that do not have it. Called on a thread of its
    ///     own.
    /// - Throws: `Fault` when the ledger is damaged and no checkpoint has a copy, or the disk refuses.
    public init(
        directory: RunDirectory, settings: CoordinatorSettings, layout: CheckpointLayout,
        retention: CheckpointRetention = CheckpointRetention(),
        initial: (() throws(Fault) -> InitialState)? = nil, listener: Listener, observer: Observer = Observer(),
        content: @escaping @Sendable ([UInt8]) -> String? = { _ in nil }
    ) throws(Fault) {
        endpoint = listener.endpoint
        let checkpoints = try CheckpointStore(directory, layout: layout, retention: retention)
        let found = try RunRecovery(directory, checkpoints, tell: observer.note)
        let (ledger, newest) = (found.ledger, found.newest)
        if let initial { try checkpoints.ensureInitial(initial) }
        let history = RunHistory(
            checkpoint: newest, ledgerCount: ledger.records.count,
            outcomes: ledger.records[newest...].map(\.outcome), hasInitialCheckpoint: initial != nil,
            computedWith: ledger.records.computedWith)
        var settings = settings
        settings.welcome.generation = directory.generation
        settings.welcome.run = directory.run
        let mailbox = try Mailbox<Call>()
        self.mailbox = mailbox
        try directory.write(endpoint: endpoint)
        let disks = RunDisks(directory, ledger: ledger, checkpoints: checkpoints) { mailbox.post($0) }
        state = ShellState(
            CoordinatorLoop(
                machine: Coordinator(settings: settings, history: history), listener: listener, mailbox: mailbox,
                disks: disks, tick: settings.timing.tick, observer: observer,
                server: ContentServer(path: content) { mailbox.post(.content($0, $1)) }))
    }

    /// Serves until the run is done or stopped. Blocks: it is to have a thread of its own. Once.
    public func run() -> Ending { state.take { $0.run() } ?? Ending(code: 70, reason: "the coordinator ran already") }

    /// Checkpoint, then end with 75. From any thread.
    public func stop(reason: String) { mailbox.post(.event(.stopRequested(reason))) }

    /// A checkpoint at the next step boundary. From any thread.
    public func checkpoint() { mailbox.post(.event(.checkpointRequested)) }

    /// Lets a worker go in order, by name or incarnation in hexadecimal. From any thread.
    public func drain(_ name: String) { mailbox.post(.event(.drainRequested(name))) }

    /// A worker process of this machine has ended for certain: its parent has waited for it. From any thread.
    public func processEnded(_ process: Int) { mailbox.post(.processEnded(process)) }

    /// For tests: what `kill -9` does to the sockets.
    package func vanish() { mailbox.post(.vanish) }
}

/// `tcp://host:0` as ZeroMQ writes it.
private func anyPort(_ endpoint: String) -> String {
    endpoint.hasSuffix(":0") ? endpoint.dropLast() + "*" : endpoint
}

/// A value that one thread takes, once.
final class ShellState<Value>: @unchecked Sendable {  // handed over whole under the lock, to one thread only
    private let lock = Mutex(false)
    private var value: Value?

    init(_ value: Value) { self.value = value }

    func take<Result>(_ body: (Value) -> Result) -> Result? {
        let isFirst = lock.withLock { taken in
            defer { taken = true }
            return !taken
        }
        guard isFirst, let value else { return nil }
        self.value = nil
        return body(value)
    }
}

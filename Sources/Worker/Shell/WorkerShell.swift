public import Faults
public import Protocol
import Synchronization
public import Wire

/// A worker at work: sockets, clocks and threads around the pure machine.
///
/// `run()` is the socket thread; it also sums and updates what the worker's shard owns. Computing has a thread of its
/// own, which `UnitComputing` may share out as it likes.
public final class WorkerShell: Sendable {
    /// Who the worker is and whom it joins.
    public struct Settings: Sendable {
        /// `tcp://HOST:PORT` of the coordinator.
        public var coordinator: String
        /// For people.
        public var name: String
        /// Under which host or address other workers reach this one; its port is chosen freely. Empty: the address by
        /// which this machine reaches the coordinator.
        public var dataHost: String
        /// The address to listen on where `dataHost` is a name for others only; empty: `dataHost`.
        public var dataBind: String
        public var threads: Int
        /// The product's version, for people.
        public var product: String
        /// Where this process serves `/metrics`: `host:port`; empty: nowhere.
        public var metrics = ""
        public var timing: ClusterTiming
        public var limits: FrameLimits
        /// With the keys of a worker, where the run has keys.
        public var security: Security
        /// The socket thread is alive: several times a second.
        public var ticked: @Sendable () -> Void = {}

        public init(
            coordinator: String, name: String, dataHost: String = "", dataBind: String = "", threads: Int,
            product: String, timing: ClusterTiming = ClusterTiming(), limits: FrameLimits = FrameLimits(),
            security: Security = .loopback
        ) {
            self.coordinator = coordinator
            self.name = name
            self.dataHost = dataHost
            self.dataBind = dataBind
            self.threads = threads
            self.product = product
            self.timing = timing
            self.limits = limits
            self.security = security
        }
    }

    enum Call: Sendable {
        case answer(ComputeThread.Answer, incarnation: Incarnation)
        /// An answer to somebody who needs clips.
        case content(Peer, ContentReply)
        case drain
        /// Close everything at once and say nothing, as if the process had been killed.
        case vanish
    }

    /// Where other workers reach its shard, at the start; one that had to join again has another port.
    public let endpoint: String
    private let mailbox: Mailbox<Call>
    private let loop: Mutex<WorkerLoop?>

    /// - Parameters:
    ///   - supply: Of clips: serves others from what this worker has, and learns from whom it may pull.
    ///   - note: What is worth a line in the log. Called on the socket thread: it is not to wait for a terminal.
    ///   - observe: What the worker is at, about once a second; counts begin anew when it had to join again. Called on the
    ///     socket thread.
    ///   - build: Makes network and clips from a welcome; called on the compute thread, once for each run. A fault ends
    ///     the worker.
    /// - Throws: `Fault` when no port is free, the addresses are none, or the security does not allow them.
    public init(
        _ settings: Settings, supply: ClipSupply? = nil, note: @escaping @Sendable (String) -> Void = { _ in },
        observe: @escaping @Sendable (Progress) -> Void = { _ in },
        build: @escaping @Sendable (Welcome) throws(Fault) -> WorkerBuild
    ) throws(Fault) {
        mailbox = try Mailbox()
        let made = try WorkerLoop(
            settings, mailbox: mailbox, supply: supply, note: note, observe: observe, build: build)
        endpoint = made.endpoint
        loop = Mutex(made)
    }

    /// Serves until it is told to stop. Blocks: it is to have a thread of its own. Once.
    public func run() -> Ending {
        let mine = loop.withLock { loop in
            defer { loop = nil }
            return loop
        }
        return mine?.run() ?? Ending(code: 70, reason: "the worker ran already")
    }

    /// Finish what is under way, give the chunks to others, leave: what SIGTERM asks for. From any thread.
    public func drain() { mailbox.post(.drain) }

    /// For tests: what `kill -9` does to the sockets.
    package func vanish() { mailbox.post(.vanish) }
}

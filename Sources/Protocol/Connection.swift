import CZeroMQ
public import Faults
public import Wire

/// A connection to one listener (a DEALER socket) that comes up again by itself when it breaks.
public final class Connection {
    public enum Event {
        case connected
        case message(header: Payload, payloads: [Payload])
        /// It broke; ZeroMQ tries again on its own, and what was under way may be lost.
        case disconnected
    }

    public let endpoint: String
    private let socket: Socket
    private let monitor: SocketMonitor
    private let limits: FrameLimits
    private let clock = MonotonicClock()
    /// When to connect anew after a handshake that ZeroMQ does not repeat.
    private var nextAttempt: Double?
    public private(set) var isConnected = false
    /// Messages dropped because they were larger or longer than the limits.
    public private(set) var refused = 0
    /// Why the last handshake failed, and how many have since one succeeded.
    private var failure: (reason: HandshakeFailure, count: Int)?
    private var wasConnected = false

    /// Handshakes that fail before the first success mean that the other end will never have us: keys that do not fit,
    /// another service on the port. Broken ones may be an accident, so they are so many before that is said.
    private static let accidents = 10

    /// Starts to connect; nobody need listen yet.
    /// - Parameter role: Who listens there: with keys, it has to prove that it is.
    /// - Throws: `Fault.usage` when the endpoint is not one, or the context's security does not allow it.
    public init(
        _ context: Context, endpoint: String, to role: Role = .coordinator, limits: FrameLimits = FrameLimits()
    ) throws(Fault) {
        self.endpoint = endpoint
        self.limits = limits
        try context.security.check(joining: endpoint)
        socket = try Socket(context, ZMQ_DEALER, about: endpoint)
        socket.setCommonOptions(limits, endpoint: endpoint)
        if let keys = context.security.keys {
            guard let listener = keys.publicKey(of: role) else {
                throw Fault(.internal, endpoint, "no public key of the \(role.rawValue)")
            }
            socket.connect(with: keys, to: listener)
        }
        // Nothing is queued for a listener that is not there: what to send again is the link's business.
        socket.set(ZMQ_IMMEDIATE, 1 as Int32)
        monitor = try SocketMonitor(context, socket, about: endpoint)
        guard zmq_connect(socket.handle, endpoint) == 0 else {
            throw zeroMQFault(endpoint, "connect to it", zmq_errno())
        }
    }

    /// The next thing that happened, or `nil` when nothing waits.
    public func next() -> Event? {
        if let nextAttempt, clock.now >= nextAttempt {
            self.nextAttempt = nil
            // A DEALER that has the endpoint on its list, dead or alive, ignores a second connect to it.
            zmq_disconnect(socket.handle, endpoint)
            zmq_connect(socket.handle, endpoint)
        }
        while true {
            switch monitor.next() {
            case .connected?:
                isConnected = true
                wasConnected = true
                failure = nil
                // ZeroMQ knows the connection only once it has looked at its commands; a first send must not be lost.
                socket.processCommands()
                return .connected
            case .failed(let reason)?:
                failure = (reason, (failure?.count ?? 0) + 1)
                if reason.isFinal { nextAttempt = clock.now + 2 }
                continue
            case .disconnected?:
                guard isConnected else { continue }
                isConnected = false
                return .disconnected
            case .accepted?: continue
            case nil: break
            }
            guard let received = socket.receive(most: limits.mostPayloads + 1) else { return nil }
            guard received.dropped == 0, limits.accepts(received.parts[...]) else {
                refused += 1
                continue
            }
            return .message(header: received.parts[0], payloads: Array(received.parts.dropFirst()))
        }
    }

    /// Why nobody there will ever talk to us, as far as that can be told: nil once a connection was up, and while it
    /// may still come.
    public var refusal: Fault? {
        guard !wasConnected, let failure, failure.reason.isFinal || failure.count >= Self.accidents else { return nil }
        return handshakeFault(failure.reason)
    }

    /// Why the last handshake failed; nil when none has since the last success.
    public var handshakeProblem: Fault? { failure.map { handshakeFault($0.reason) } }

    private func handshakeFault(_ reason: HandshakeFailure) -> Fault {
        Fault(
            .usage, endpoint, reason.ofListening, mend: "check the address, and give --keys with the folder of this job"
        )
    }

    public func send(header: [UInt8], payloads: [Payload] = []) -> SendOutcome {
        isConnected ? socket.send([header], payloads) : .full
    }

    /// How long the last messages may take to leave after this object goes; 0 drops them.
    public func setLinger(milliseconds: Int) { socket.set(ZMQ_LINGER, Int32(milliseconds)) }

    var pollHandles: [UnsafeMutableRawPointer] { [socket.handle, monitor.handle] }
}

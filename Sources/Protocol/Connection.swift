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
    public private(set) var isConnected = false
    /// Messages dropped because they were larger or longer than the limits.
    public private(set) var refused = 0

    /// Starts to connect; nobody need listen yet.
    /// - Throws: `Fault` when the endpoint is not one, or its host's name is unknown.
    public init(_ context: Context, endpoint: String, limits: FrameLimits = FrameLimits()) throws(Fault) {
        self.endpoint = endpoint
        self.limits = limits
        socket = try Socket(context, ZMQ_DEALER, about: endpoint)
        socket.setCommonOptions(limits, endpoint: endpoint)
        // Nothing is queued for a listener that is not there: what to send again is the link's business.
        socket.set(ZMQ_IMMEDIATE, 1 as Int32)
        monitor = try SocketMonitor(context, socket, about: endpoint)
        guard zmq_connect(socket.handle, endpoint) == 0 else {
            throw zeroMQFault(endpoint, "connect to it", zmq_errno())
        }
    }

    /// The next thing that happened, or `nil` when nothing waits.
    public func next() -> Event? {
        while true {
            switch monitor.next() {
            case .connected?:
                isConnected = true
                // ZeroMQ knows the connection only once it has looked at its commands; a first send must not be lost.
                socket.processCommands()
                return .connected
            case .disconnected?:
                isConnected = false
                return .disconnected
            case nil: break
            }
            guard let (parts, _) = socket.receive() else { return nil }
            guard limits.accepts(parts[...]) else {
                refused += 1
                continue
            }
            return .message(header: parts[0], payloads: Array(parts.dropFirst()))
        }
    }

    public func send(header: [UInt8], payloads: [Payload] = []) -> SendOutcome {
        isConnected ? socket.send([header], payloads) : .full
    }

    /// How long the last messages may take to leave after this object goes; 0 drops them.
    public func setLinger(milliseconds: Int) { socket.set(ZMQ_LINGER, Int32(milliseconds)) }

    var pollHandles: [UnsafeMutableRawPointer] { [socket.handle, monitor.handle] }
}

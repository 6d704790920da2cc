import CZeroMQ
public import Faults
public import Wire

/// How large what a peer sends may be; checked before anything is allocated for it.
public struct FrameLimits: Sendable, Equatable {
    /// Bytes of one part of a message; ZeroMQ drops a connection that announces more.
    public var largestPart: Int
    /// Bytes of the header part.
    public var largestHeader: Int
    /// Raw parts behind the header.
    public var mostPayloads: Int

    public init(largestPart: Int = 64 << 20, largestHeader: Int = 4 << 20, mostPayloads: Int = 16) {
        self.largestPart = largestPart
        self.largestHeader = largestHeader
        self.mostPayloads = mostPayloads
    }

    /// Whether a message of these parts may be looked into.
    func accepts(_ parts: ArraySlice<Payload>) -> Bool {
        guard let header = parts.first else { return false }
        return header.count <= largestHeader && parts.count - 1 <= mostPayloads
    }
}

/// One connection of a listener. A peer that connects again is another.
public struct Peer: Hashable, Sendable {
    let routing: [UInt8]
}

/// Waits for connections (a ROUTER socket that is bound) and tells their messages apart.
///
/// Names of peers are ZeroMQ's own, fresh for each connection, so that no peer can take another's name and none is
/// shut out by the ghost of its earlier connection.
public final class Listener {
    public enum Event {
        case message(Peer, header: Payload, payloads: [Payload])
        /// The connection is gone; its process may be, too.
        case disconnected(Peer)
    }

    /// Where it listens, with the port that was chosen.
    public let endpoint: String
    private let socket: Socket
    private let monitor: SocketMonitor
    private let limits: FrameLimits
    private var peers: [Int32: Peer] = [:]
    /// Messages dropped because they were larger or longer than the limits.
    public private(set) var refused = 0

    /// - Parameter endpoint: `tcp://HOST:PORT`; port 0 or `*` takes a free one.
    /// - Throws: `Fault` when the port is in use or the address is not one of this machine's.
    public init(_ context: Context, endpoint: String, limits: FrameLimits = FrameLimits()) throws(Fault) {
        socket = try Socket(context, ZMQ_ROUTER, about: endpoint)
        socket.setCommonOptions(limits, endpoint: endpoint)
        socket.set(ZMQ_ROUTER_MANDATORY, 1 as Int32)
        monitor = try SocketMonitor(context, socket, about: endpoint)
        self.limits = limits
        guard zmq_bind(socket.handle, endpoint) == 0 else {
            throw zeroMQFault(endpoint, "listen there", zmq_errno())
        }
        self.endpoint = socket.boundEndpoint
    }

    /// The next thing that happened, or `nil` when nothing waits.
    public func next() -> Event? {
        while true {
            // Disconnections first: the system may have given the number of a broken connection to a new one already,
            // and ZeroMQ announces the end of the old before it hands out messages of the new.
            while let event = monitor.next() {
                if case .disconnected(let number) = event, let peer = peers.removeValue(forKey: number) {
                    return .disconnected(peer)
                }
            }
            guard let (parts, number) = socket.receive() else { return nil }
            guard let routing = parts.first, limits.accepts(parts.dropFirst()) else {
                refused += 1
                continue
            }
            let peer = Peer(routing: Array(routing.bytes))
            peers[number] = peer
            return .message(peer, header: parts[1], payloads: Array(parts.dropFirst(2)))
        }
    }

    public func send(to peer: Peer, header: [UInt8], payloads: [Payload] = []) -> SendOutcome {
        socket.send([peer.routing, header], payloads)
    }

    /// How long the last messages may take to leave after this object goes; 0 drops them.
    public func setLinger(milliseconds: Int) { socket.set(ZMQ_LINGER, Int32(milliseconds)) }

    var pollHandles: [UnsafeMutableRawPointer] { [socket.handle, monitor.handle] }
}

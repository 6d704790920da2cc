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
    /// What its key says that it is; nil where there are no keys, and everybody may be anything.
    public let role: Role?

    /// Whether it may do what only `role` may.
    public func may(act role: Role) -> Bool { self.role == nil || self.role == role }
}

/// Waits for connections (a ROUTER socket that is bound) and tells their messages apart.
///
/// Names of peers are ZeroMQ's own, fresh for each connection, so that no peer can take another's name and none is
/// shut out by the ghost of its earlier connection.
public final class Listener {
    public enum Event {
        case message(Peer, header: Payload, payloads: [Payload])
        /// The connection is gone; its process may be, too. What it still brought was told before.
        case disconnected(Peer)
        /// Somebody did not get past the handshake.
        case turnedAway(TurnedAway)
        /// A message was dropped: larger or longer than the limits, or of nobody whom the keys know.
        case refused(Fault)
    }

    /// Where it listens, with the port that was chosen.
    public let endpoint: String
    private let context: Context
    private let socket: Socket
    private let monitor: SocketMonitor
    private let limits: FrameLimits
    private var peers: [Int32: Peer] = [:]
    private var arrivals = Arrivals()
    /// Told with the next event.
    private var held: TurnedAway?
    /// Gone, and told so when their last words have been read.
    private var ended: [Peer] = []
    /// Messages read since the first of those ended.
    private var readSince = 0

    /// So many of others are no reason to keep an end back for longer.
    private static let mostLastWords = 1000

    /// - Parameter endpoint: `tcp://HOST:PORT`; port 0 or `*` takes a free one.
    /// - Throws: `Fault` when the port is in use or the context's security does not allow the address, and
    ///   `Fault.stoppedEarly` when it is not one of this machine's now.
    public init(_ context: Context, endpoint: String, limits: FrameLimits = FrameLimits()) throws(Fault) {
        try context.security.check(listening: endpoint)
        self.context = context
        socket = try Socket(context, ZMQ_ROUTER, about: endpoint)
        socket.setCommonOptions(limits, endpoint: endpoint)
        if let keys = context.security.keys { socket.listen(with: keys) }
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
        if let turnedAway = held {
            held = nil
            return .turnedAway(turnedAway)
        }
        // Disconnections first: the system may have given the number of a broken connection to a new one already,
        // and ZeroMQ announces the end of the old before it hands out messages of the new.
        while let event = monitor.next() {
            let turnedAway = arrivals.take(
                event, address: { Address(peerOf: $0)?.text }, deniedAddress: { context.gatekeeper?.takeDenial() })
            if let turnedAway { return .turnedAway(turnedAway) }
            if case .disconnected(let number) = event, let peer = peers.removeValue(forKey: number) {
                ended.append(peer)
            }
        }
        guard readSince < Self.mostLastWords, let received = socket.receive(most: limits.mostPayloads + 2) else {
            // Those that ended together have had their time together.
            defer { if ended.isEmpty { readSince = 0 } }
            return ended.isEmpty ? nil : .disconnected(ended.removeFirst())
        }
        if !ended.isEmpty { readSince += 1 }
        // ZeroMQ asks the gatekeeper; should it ever not, nobody comes in.
        guard context.security.keys == nil || received.role != nil else {
            return .refused(Fault(.data, "message", "of nobody whom the keys know"))
        }
        guard let routing = received.parts.first, received.dropped == 0, limits.accepts(received.parts.dropFirst())
        else { return .refused(Fault(.data, "message", "larger or of more parts than any of ours")) }
        let peer = Peer(routing: Array(routing.bytes), role: received.role)
        if !hasEnded(peer) { peers[received.connection] = peer }
        if let late = arrivals.spoke(received.connection) { held = late }
        return .message(peer, header: received.parts[1], payloads: Array(received.parts.dropFirst(2)))
    }

    /// Whether a message that comes from there is of its last words: there is no way back.
    public func hasEnded(_ peer: Peer) -> Bool { ended.contains(peer) }

    public func send(to peer: Peer, header: [UInt8], payloads: [Payload] = []) -> SendOutcome {
        socket.send([peer.routing, header], payloads)
    }

    /// How long the last messages may take to leave after this object goes; 0 drops them.
    public func setLinger(milliseconds: Int) { socket.set(ZMQ_LINGER, Int32(milliseconds)) }

    /// Connections that have not said anything yet.
    package var arriving: Int { arrivals.count }

    var pollHandles: [UnsafeMutableRawPointer] { [socket.handle, monitor.handle] }
}

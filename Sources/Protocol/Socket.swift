import CZeroMQ
import Faults
import Glibc
import Wire

/// The only owner of a ZeroMQ socket. It belongs to the first thread that uses it, and to no other.
final class Socket {
    let handle: UnsafeMutableRawPointer
    private let context: Context
    private var owner: pthread_t?

    init(_ context: Context, _ kind: Int32, about endpoint: String) throws(Fault) {
        guard let handle = zmq_socket(context.handle, kind) else {
            throw zeroMQFault(endpoint, "open a socket", zmq_errno())
        }
        self.handle = handle
        self.context = context
    }

    deinit { zmq_close(handle) }

    func set(_ option: Int32, _ value: Int32) {
        var value = value
        let result = zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
        precondition(result == 0, "ZeroMQ refuses option \(option) = \(value)")
    }

    func set(_ option: Int32, _ value: Int64) {
        var value = value
        let result = zmq_setsockopt(handle, option, &value, MemoryLayout<Int64>.size)
        precondition(result == 0, "ZeroMQ refuses option \(option) = \(value)")
    }

    private func set(_ option: Int32, _ bytes: [UInt8]) {
        let result = zmq_setsockopt(handle, option, bytes, bytes.count)
        precondition(result == 0, "ZeroMQ refuses option \(option)")
    }

    /// Takes connections of those only whose keys the context's gatekeeper knows.
    func listen(with keys: Keys) {
        set(ZMQ_CURVE_SERVER, 1 as Int32)
        set(ZMQ_CURVE_SECRETKEY, keys.own.secret)
        // Without a domain ZeroMQ would not ask the gatekeeper.
        set(ZMQ_ZAP_DOMAIN, Array(Gatekeeper.domain.utf8))
    }

    /// Proves who we are, and wants the proof that the other end is who `listener` says.
    func connect(with keys: Keys, to listener: PublicKey) {
        set(ZMQ_CURVE_SERVERKEY, listener.bytes)
        set(ZMQ_CURVE_PUBLICKEY, keys.own.publicKey.bytes)
        set(ZMQ_CURVE_SECRETKEY, keys.own.secret)
    }

    /// What both ends of a cluster's connection share; `docs/protocol.md` says why each has its value.
    func setCommonOptions(_ limits: FrameLimits, endpoint: String) {
        set(ZMQ_LINGER, 0 as Int32)
        set(ZMQ_SNDHWM, 100_000 as Int32)
        set(ZMQ_RCVHWM, 100_000 as Int32)
        set(ZMQ_MAXMSGSIZE, Int64(limits.largestPart))
        set(ZMQ_HANDSHAKE_IVL, 5000 as Int32)
        set(ZMQ_BACKLOG, 1024 as Int32)
        set(ZMQ_HEARTBEAT_IVL, 2000 as Int32)
        set(ZMQ_HEARTBEAT_TIMEOUT, 6000 as Int32)
        set(ZMQ_HEARTBEAT_TTL, 6000 as Int32)
        set(ZMQ_RECONNECT_IVL, 50 as Int32)
        set(ZMQ_RECONNECT_IVL_MAX, 2000 as Int32)
        set(ZMQ_TCP_KEEPALIVE, 1 as Int32)
        // Only where it is asked for: with it, ZeroMQ writes IPv4 addresses in their long IPv6 form.
        if endpoint.contains("[") { set(ZMQ_IPV6, 1 as Int32) }
    }

    /// The endpoint it was bound to, with the port that the system chose.
    var boundEndpoint: String {
        var text = [CChar](repeating: 0, count: 1024)
        var count = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else { return "" }
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Sends the parts as one message, or nothing of it. Bytes are copied, payloads are not: ZeroMQ holds a reference
    /// until they are on the wire.
    func send(_ prefix: [[UInt8]], _ payloads: [Payload]) -> SendOutcome {
        claim()
        let count = prefix.count + payloads.count
        for i in 0..<count {
            var message = zmq_msg_t()
            if i < prefix.count {
                guard Self.copy(prefix[i], into: &message) else { return .full }
            } else {
                guard Self.adopt(payloads[i - prefix.count], into: &message) else { return .full }
            }
            let flags = ZMQ_DONTWAIT | (i < count - 1 ? ZMQ_SNDMORE : 0)
            while zmq_msg_send(&message, handle, flags) == -1 {
                let number = zmq_errno()
                if number == EINTR { continue }
                zmq_msg_close(&message)
                return number == EHOSTUNREACH ? .unreachable : .full
            }
        }
        return .sent
    }

    private static func copy(_ bytes: [UInt8], into message: inout zmq_msg_t) -> Bool {
        guard zmq_msg_init_size(&message, bytes.count) == 0 else { return false }
        if !bytes.isEmpty { zmq_msg_data(&message).copyMemory(from: bytes, byteCount: bytes.count) }
        return true
    }

    private static func adopt(_ payload: Payload, into message: inout zmq_msg_t) -> Bool {
        guard let base = payload.bytes.baseAddress, payload.count > 0 else { return copy([], into: &message) }
        let reference = Unmanaged.passRetained(payload)
        // Called on a thread of ZeroMQ when the bytes are sent, or the message dropped.
        let release: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void = { _, hint in
            if let hint { Unmanaged<Payload>.fromOpaque(hint).release() }
        }
        guard zmq_msg_init_data(&message, base, payload.count, release, reference.toOpaque()) == 0 else {
            reference.release()
            return false
        }
        return true
    }

    /// A message, and what ZeroMQ knows of where it came from.
    struct Received {
        /// They own the memory that ZeroMQ received them into.
        var parts: [Payload] = []
        /// Parts above the limit, which are not kept.
        var dropped = 0
        /// The file descriptor of its connection.
        var connection: Int32 = -1
        /// What the gatekeeper said of the peer's key; nil without keys.
        var role: Role?
    }

    /// The next whole message, or `nil` when none waits.
    /// - Parameter most: Parts to keep.
    func receive(most: Int) -> Received? {
        claim()
        var received = Received()
        var more = true
        while more {
            let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
            zmq_msg_init(message)
            while zmq_msg_recv(message, handle, ZMQ_DONTWAIT) == -1 {
                if zmq_errno() == EINTR { continue }
                zmq_msg_close(message)
                message.deallocate()
                // Parts of a message arrive together: nothing can be missing once the first is there.
                return nil
            }
            received.connection = zmq_msg_get(message, ZMQ_SRCFD)
            more = zmq_msg_more(message) != 0
            if received.parts.count == 1 || !more { received.role = Self.role(of: message) }
            let part = Self.payload(owning: message)
            if received.parts.count < most { received.parts.append(part) } else { received.dropped += 1 }
        }
        return received
    }

    private static func role(of message: UnsafeMutablePointer<zmq_msg_t>) -> Role? {
        zmq_msg_gets(message, "User-Id").flatMap { Role(rawValue: String(cString: $0)) }
    }

    private static func payload(owning message: UnsafeMutablePointer<zmq_msg_t>) -> Payload {
        let bytes = UnsafeMutableRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
        let owner = ReceivedMessage(message)
        return Payload(adopting: bytes) { _ in owner.close() }
    }

    /// Lets ZeroMQ take note of what its threads did, which sending does only about every millisecond.
    func processCommands() {
        var events: Int32 = 0
        var size = MemoryLayout<Int32>.size
        zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size)
    }

    private func claim() {
        let me = pthread_self()
        if owner == nil { owner = me }
        precondition(owner == me, "a socket is used by two threads")
    }
}

/// What became of a message that was to be sent.
public enum SendOutcome: Sendable, Equatable {
    /// ZeroMQ has taken it; it may still be lost with the connection.
    case sent
    /// The connection is not up, or takes no more.
    case full
    /// Nobody is connected under that name any more.
    case unreachable
}

/// A received message of ZeroMQ; closed once, by whichever thread drops the payload.
private struct ReceivedMessage: @unchecked Sendable {  // only its one payload's deinit touches it
    private let message: UnsafeMutablePointer<zmq_msg_t>

    init(_ message: UnsafeMutablePointer<zmq_msg_t>) { self.message = message }

    func close() {
        zmq_msg_close(message)
        message.deallocate()
    }
}

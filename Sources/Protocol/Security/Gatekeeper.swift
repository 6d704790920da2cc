import CZeroMQ
import Faults
import Glibc
import Synchronization
import Threads

/// Answers ZeroMQ's question whether a key may come in (ZAP, RFC 27), on a thread of its own.
///
/// ZeroMQ has proved by then that the peer holds the secret half. One for each context: it ends when that does.
final class Gatekeeper: Sendable {
    /// ZeroMQ's own address for it.
    private static let address = "inproc://zeromq.zap.01"
    /// All listeners here have one list.
    static let domain = "zoetrope"

    private let thread: DedicatedThread
    private let denials: Denials

    /// Listens before it returns, so that no connection comes before it.
    init(context handle: UnsafeMutableRawPointer, allowed: [PublicKey: Role]) throws(Fault) {
        guard let socket = zmq_socket(handle, ZMQ_REP) else { throw zeroMQFault("keys", "open a socket", zmq_errno()) }
        var linger: Int32 = 0
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        guard zmq_bind(socket, Self.address) == 0 else {
            let number = zmq_errno()
            zmq_close(socket)
            throw zeroMQFault("keys", "watch over connections", number)
        }
        let denials = Denials()
        self.denials = denials
        let handed = Confined(socket)
        thread = DedicatedThread(name: "gatekeeper") {
            Self.serve(handed.value, allowed: allowed, denials)
            zmq_close(handed.value)
        }
    }

    /// Waits for its end, once `zmq_ctx_shutdown` was called.
    func join() { thread.join() }

    /// From where a key was turned away that nobody has asked about yet, the first first.
    func takeDenial() -> String? { denials.take() }

    private static func serve(_ socket: UnsafeMutableRawPointer, allowed: [PublicKey: Role], _ denials: Denials) {
        while let request = receive(socket) {
            // version, request, domain, address, routing id, mechanism, credentials
            var role: Role?
            if request.count == 7, request[0] == Array("1.0".utf8), request[5] == Array("CURVE".utf8),
                let key = PublicKey(bytes: request[6])
            {
                role = allowed[key]
            }
            if role == nil, request.count > 3 {
                denials.add(Address.plain(String(decoding: request[3], as: UTF8.self)))
            }
            let reply = [
                Array("1.0".utf8), request.count > 1 ? request[1] : [], Array((role == nil ? "400" : "200").utf8),
                Array((role == nil ? "this key is not on the list" : "").utf8), Array((role?.rawValue ?? "").utf8), [],
            ]
            for (i, part) in reply.enumerated() {
                zmq_send(socket, part, part.count, i < reply.count - 1 ? ZMQ_SNDMORE : 0)
            }
        }
    }

    /// The next question; nil when the context ends. Parts are cut at 1 KiB, of which none of ZeroMQ's comes near.
    private static func receive(_ socket: UnsafeMutableRawPointer) -> [[UInt8]]? {
        var parts: [[UInt8]] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: 1024)
            let count = zmq_recv(socket, &buffer, buffer.count, 0)
            if count < 0 {
                if zmq_errno() == EINTR { continue }
                return nil
            }
            if parts.count < 16 { parts.append(Array(buffer[..<min(Int(count), buffer.count)])) }
            var (more, size) = (Int32(0), MemoryLayout<Int32>.size)
            guard zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 else { return nil }
            if more == 0 { return parts }
        }
    }
}

/// From where keys were turned away; a bounded number.
private final class Denials: Sendable {
    private let addresses = Mutex<[String]>([])

    func add(_ address: String) {
        addresses.withLock { if $0.count < 1024 { $0.append(address) } }
    }

    func take() -> String? {
        addresses.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}

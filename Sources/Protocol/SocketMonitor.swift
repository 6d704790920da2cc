import CZeroMQ
import Faults
import Glibc
import Synchronization
import Wire

/// Hears from ZeroMQ when connections of a socket come up and break: a killed process is noticed in milliseconds, long
/// before its heartbeats are missed, and so is everybody who fails the handshake.
final class SocketMonitor {
    enum Event: Equatable {
        /// TCP's part is done; the number is the connection's file descriptor.
        case accepted(Int32)
        /// A ZMTP handshake succeeded; ZeroMQ does not say of which connection.
        case connected
        /// It failed; but for `.key`, the end of that connection is told next.
        case failed(HandshakeFailure)
        case disconnected(Int32)
    }

    private static let serial = Atomic<Int>(0)
    private let monitored: Socket
    private let events: Socket

    init(_ context: Context, _ socket: Socket, about endpoint: String) throws(Fault) {
        let number = Self.serial.add(1, ordering: .relaxed).newValue
        let address = "inproc://monitor-\(number)"
        let wanted =
            ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED
        guard zmq_socket_monitor(socket.handle, address, wanted) == 0 else {
            throw zeroMQFault(endpoint, "watch its connections", zmq_errno())
        }
        monitored = socket
        events = try Socket(context, ZMQ_PAIR, about: endpoint)
        events.set(ZMQ_LINGER, 0 as Int32)
        // ZeroMQ's thread waits where its events are not read, and closing the socket waits for that thread: with a
        // limit here, a flood of connections could stop a process for good.
        events.set(ZMQ_RCVHWM, 0 as Int32)
        guard zmq_connect(events.handle, address) == 0 else {
            throw zeroMQFault(endpoint, "watch its connections", zmq_errno())
        }
    }

    deinit { zmq_socket_monitor(monitored.handle, nil, 0) }

    /// To wait for in a poll.
    var handle: UnsafeMutableRawPointer { events.handle }

    /// The next event, or `nil` when none waits.
    func next() -> Event? {
        while let parts = events.receive(most: 2)?.parts {
            // The first part: event (u16), value (u32), in the machine's order; the second: the endpoint.
            guard let first = parts.first, first.count >= 6 else { continue }
            let event = Int32(first.bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self))
            let value = first.bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self)
            switch event {
            case ZMQ_EVENT_ACCEPTED: return .accepted(value)
            case ZMQ_EVENT_DISCONNECTED: return .disconnected(value)
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .connected
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .failed(.key)
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .failed(HandshakeFailure(protocolError: value))
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .failed(.broken)
            default: continue
            }
        }
        return nil
    }
}

/// Why two processes did not come together.
enum HandshakeFailure: Equatable {
    /// The listener does not have the key on its list.
    case key
    /// One end has keys, and the other none.
    case mechanism
    /// A box that does not open: the listener has another key than the other end believes.
    case cryptography
    /// Not ZeroMQ's protocol.
    case garbage
    /// The connection broke, or the time was over.
    case broken

    init(protocolError: Int32) {
        switch protocolError {
        case ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: self = .mechanism
        case ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: self = .cryptography
        default: self = .garbage
        }
    }

    /// For the log of a listener.
    var ofConnecting: String {
        switch self {
        case .key: "its key is not on the list"
        case .mechanism: "it has no key, or has one where none is wanted"
        case .cryptography: "it expects another key of this process: it is of another job"
        case .garbage: "it does not speak the protocol"
        case .broken: "it left, or was silent, before it said who it is"
        }
    }

    /// For whoever wanted to connect.
    var ofListening: String {
        switch self {
        case .key: "whoever listens there does not know our key"
        case .mechanism: "whoever listens there wants keys where we have none, or has none where we have"
        case .cryptography, .broken:
            "the connection breaks in the handshake, as it does where one end has no keys, or those of another job"
        case .garbage: "whoever listens there does not speak the protocol"
        }
    }

    /// ZeroMQ gives the connection up: it must be made anew.
    var isFinal: Bool { self != .broken }
}

import CZeroMQ
import Faults
import Glibc
import Synchronization
import Wire

/// Hears from ZeroMQ when connections of a socket come up and break: a killed process is noticed in milliseconds, long
/// before its heartbeats are missed.
final class SocketMonitor {
    enum Event: Equatable {
        /// The ZMTP handshake succeeded; the number is the connection's file descriptor.
        case connected(Int32)
        case disconnected(Int32)
    }

    private static let serial = Atomic<Int>(0)
    private let monitored: Socket
    private let events: Socket

    init(_ context: Context, _ socket: Socket, about endpoint: String) throws(Fault) {
        let number = Self.serial.add(1, ordering: .relaxed).newValue
        let address = "inproc://monitor-\(number)"
        let wanted = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
        guard zmq_socket_monitor(socket.handle, address, wanted) == 0 else {
            throw zeroMQFault(endpoint, "watch its connections", zmq_errno())
        }
        monitored = socket
        events = try Socket(context, ZMQ_PAIR, about: endpoint)
        events.set(ZMQ_LINGER, 0 as Int32)
        guard zmq_connect(events.handle, address) == 0 else {
            throw zeroMQFault(endpoint, "watch its connections", zmq_errno())
        }
    }

    deinit { zmq_socket_monitor(monitored.handle, nil, 0) }

    /// To wait for in a poll.
    var handle: UnsafeMutableRawPointer { events.handle }

    /// The next event, or `nil` when none waits.
    func next() -> Event? {
        while let (parts, _) = events.receive() {
            // The first part: event (u16), value (u32), in the machine's order; the second: the endpoint.
            guard let first = parts.first, first.count >= 6 else { continue }
            let event = first.bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self)
            let value = first.bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self)
            if Int32(event) == ZMQ_EVENT_DISCONNECTED { return .disconnected(value) }
            if Int32(event) == ZMQ_EVENT_HANDSHAKE_SUCCEEDED { return .connected(value) }
        }
        return nil
    }
}

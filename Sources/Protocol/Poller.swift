import CZeroMQ
import Glibc

/// Waits until any of its sockets or mailboxes has something, or a time is over. One thread.
public final class Poller {
    private var items: [zmq_pollitem_t] = []

    public init() {}

    public func watch(_ listener: Listener) { watch(listener.pollHandles) }
    public func watch(_ connection: Connection) { watch(connection.pollHandles) }

    public func watch<Message>(_ mailbox: Mailbox<Message>) {
        items.append(zmq_pollitem_t(socket: nil, fd: mailbox.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }

    /// To be called before the connection goes.
    public func forget(_ connection: Connection) {
        let handles = connection.pollHandles
        items.removeAll { item in handles.contains { $0 == item.socket } }
    }

    private func watch(_ handles: [UnsafeMutableRawPointer]) {
        for handle in handles {
            items.append(zmq_pollitem_t(socket: handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
        }
    }

    /// Returns when something waits, after `milliseconds` (negative: for ever), or when a signal arrived.
    public func wait(milliseconds: Int) {
        _ = zmq_poll(&items, Int32(items.count), milliseconds)
    }
}

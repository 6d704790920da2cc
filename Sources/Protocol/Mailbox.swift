import CZeroMQ
public import Faults
import Glibc
import Synchronization

/// How other threads speak to a thread that waits in `Poller.wait`: messages behind a lock and an eventfd that wakes it.
public final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    private let bell: Bell

    public init() throws(Fault) { bell = try Bell() }

    /// From any thread.
    public func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        bell.ring()
    }

    /// Everything posted since the last call, in order.
    public func drain() -> [Message] {
        bell.quiet()
        return messages.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }

    var descriptor: Int32 { bell.descriptor }
}

/// An eventfd.
private final class Bell: Sendable {
    let descriptor: Int32

    init() throws(Fault) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw zeroMQFault("mailbox", "make an eventfd", errno) }
    }

    deinit { close(descriptor) }

    func ring() { eventfd_write(descriptor, 1) }

    func quiet() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}

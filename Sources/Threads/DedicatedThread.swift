import Faults
import Foundation
import Glibc
import Synchronization

/// A thread of its own for work that blocks: never the cooperative pool's.
public final class DedicatedThread: Sendable {
    /// The system's thread, until somebody takes it over to join it.
    private let handle: Mutex<pthread_t?>
    private let ended = Ended()

    /// Starts at once. `name` is what debuggers show (15 letters).
    public init(name: String, body: @escaping @Sendable () -> Void) {
        let beginning = Unmanaged.passRetained(Beginning(name: name, body: body)).toOpaque()
        var thread: pthread_t = 0
        let status = withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { attributes in
            pthread_attr_init(attributes.baseAddress!)
            pthread_attr_setstacksize(attributes.baseAddress!, 8 << 20)
            defer { pthread_attr_destroy(attributes.baseAddress!) }
            return pthread_create(
                &thread, attributes.baseAddress!,
                { pointer in
                    Unmanaged<Beginning>.fromOpaque(pointer!).takeRetainedValue().run()
                    return nil
                }, beginning)
        }
        guard status == 0 else { Fault.refusedThread(name, status).endProcess() }
        handle = Mutex(thread)
    }

    deinit { handle.withLock { thread in if let thread { pthread_detach(thread) } } }

    /// Waits until the thread is gone, with what libraries keep for each thread: when the body has returned they still clear that
    /// away, and a process that ends meanwhile clears it away as well. Any number of threads may wait, but not this one.
    public func join() {
        let thread = handle.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let thread else { return ended.wait() }
        pthread_join(thread, nil)
        ended.set()
    }
}

/// What a thread needs to begin.
private final class Beginning: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) { (self.name, self.body) = (name, body) }

    func run() {
        Thread.current.name = name
        body()
    }
}

private final class Ended: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private var isSet = false

    func set() {
        condition.lock()
        isSet = true
        condition.broadcast()
        condition.unlock()
    }

    func wait() {
        condition.lock()
        while !isSet { condition.wait() }
        condition.unlock()
    }
}

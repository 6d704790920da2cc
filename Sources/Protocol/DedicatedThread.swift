import Foundation
import Synchronization

/// A thread of its own for work that blocks: never the cooperative pool's.
public final class DedicatedThread: Sendable {
    private let ended = Ended()

    /// Starts at once. `name` is what debuggers show (15 letters).
    public init(name: String, body: @escaping @Sendable () -> Void) {
        let ended = ended
        let thread = Thread {
            body()
            ended.set()
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Waits until the body has returned.
    public func join() { ended.wait() }
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

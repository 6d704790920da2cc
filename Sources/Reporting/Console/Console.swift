import Foundation

/// Writes for others on a thread of its own, which may wait for ever: a terminal that somebody stopped (Ctrl-S), or a pipe
/// that nobody reads, keeps only this thread. It lives as long as the process.
package final class Console: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private var queue: ConsoleQueue
    private var isWriting = false

    /// - Parameters:
    ///   - limit: Bytes that may wait.
    ///   - write: Called on the thread, with one thing after the other.
    package init(limit: Int = 1 << 20, write: @escaping @Sendable (String) -> Void) {
        queue = ConsoleQueue(limit: limit)
        // Nobody could wait for it.
        Thread.detachNewThread { [self] in while true { write(next()) } }
    }

    /// From any thread; returns at once.
    package func say(_ text: String, isProgress: Bool = false) {
        condition.lock()
        queue.add(text, isProgress: isProgress)
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until all that was said is written, but no longer than that.
    /// - Returns: Whether it is.
    @discardableResult
    package func flush(within seconds: Double) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while isWriting || !queue.isEmpty { guard condition.wait(until: deadline) else { return false } }
        return true
    }

    /// What is to be written next, when there is something; what came before is written.
    private func next() -> String {
        condition.lock()
        defer { condition.unlock() }
        isWriting = false
        while true {
            if let text = queue.next() {
                isWriting = true
                return text
            }
            condition.broadcast()
            condition.wait()
        }
    }
}

import Foundation

/// Waiting between two attempts, until somebody gives up. Any thread.
final class Patience: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private var isOver = false

    /// Waits so many seconds.
    /// - Returns: Whether to try again: nobody has given up.
    func wait(seconds: Double) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date(timeIntervalSinceNow: seconds)
        while !isOver, condition.wait(until: deadline) {}
        return !isOver
    }

    /// Ends every wait, now and later.
    func giveUp() {
        condition.lock()
        isOver = true
        condition.broadcast()
        condition.unlock()
    }
}

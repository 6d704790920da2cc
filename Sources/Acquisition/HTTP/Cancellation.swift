import Foundation

/// A wish to stop, seen by all threads of a job; waiting between attempts ends with it.
public final class Cancellation: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private var isSet = false

    public init() {}

    public func cancel() {
        condition.lock()
        isSet = true
        condition.broadcast()
        condition.unlock()
    }

    public var isCancelled: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isSet
    }

    /// Waits that long, or until somebody cancels.
    /// - Returns: whether it may go on.
    public func wait(_ seconds: Double) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isSet, condition.wait(until: end) {}
        return !isSet
    }
}

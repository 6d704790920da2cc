import Synchronization
import Threads

/// A thread and what it came to.
final class DedicatedThreadWithResult<Result: Sendable>: Sendable {
    private let thread: DedicatedThread
    private let result: Cell

    private final class Cell: Sendable {
        let value = Mutex<Result?>(nil)
    }

    init(name: String, body: @escaping @Sendable () -> Result) {
        let cell = Cell()
        result = cell
        thread = DedicatedThread(name: name) {
            let value = body()
            cell.value.withLock { $0 = value }
        }
    }

    func wait() -> Result {
        thread.join()
        return result.value.withLock { value in
            guard let value else { preconditionFailure("the thread ended without a result") }
            return value
        }
    }
}

/// Something that happens once, for a thread that waits for it.
final class Flag: Sendable {
    private let isSet = Mutex(false)

    /// - Returns: Whether it was the first.
    @discardableResult
    func set() -> Bool {
        isSet.withLock { isSet in
            defer { isSet = true }
            return !isSet
        }
    }

    var value: Bool { isSet.withLock { $0 } }
}

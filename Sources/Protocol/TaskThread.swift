import Foundation

/// A thread that runs what it is given, one task after another, in order.
public final class TaskThread: Sendable {
    private let queue = TaskQueue()
    private let thread: DedicatedThread

    public init(name: String) {
        let queue = queue
        thread = DedicatedThread(name: name) { while let task = queue.next() { task() } }
    }

    /// From any thread. After `finish` nothing is taken any more.
    public func post(_ task: @escaping @Sendable () -> Void) { queue.add(task) }

    /// Waits until everything posted so far has run, and ends the thread.
    public func finish() {
        queue.close()
        thread.join()
    }
}

private final class TaskQueue: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private var tasks: [@Sendable () -> Void] = []
    private var taken = 0
    private var isClosed = false

    func add(_ task: @escaping @Sendable () -> Void) {
        condition.lock()
        if !isClosed { tasks.append(task) }
        condition.signal()
        condition.unlock()
    }

    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    /// The next task, when there is one; `nil` at the end.
    func next() -> (@Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while taken == tasks.count, !isClosed { condition.wait() }
        guard taken < tasks.count else { return nil }
        let task = tasks[taken]
        // What it holds is let go when it has run, however many wait behind it.
        tasks[taken] = {}
        taken += 1
        if taken == tasks.count {
            tasks.removeAll(keepingCapacity: true)
            taken = 0
        }
        return task
    }
}

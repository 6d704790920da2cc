import Foundation

/// A thread that runs what it is given, one task after another, in order.
public final class TaskThread: Sendable {
    private let queue: TaskQueue
    private let thread: DedicatedThread

    /// - Parameter limit: Tasks that may wait; whoever posts more is told so and does not wait.
    public init(name: String, limit: Int = .max) {
        let queue = TaskQueue(limit: limit)
        self.queue = queue
        thread = DedicatedThread(name: name) { while let task = queue.next() { task() } }
    }

    /// From any thread. After `close` and `finish` nothing is taken any more.
    /// - Returns: Whether it will run.
    @discardableResult
    public func post(_ task: @escaping @Sendable () -> Void) -> Bool { queue.add(task) }

    /// Lets the thread end when everything posted so far has run, and waits for nothing.
    public func close() { queue.close() }

    /// Waits until everything posted so far has run and the thread is gone.
    public func finish() {
        close()
        thread.join()
    }
}

private final class TaskQueue: @unchecked Sendable {  // its state is touched under the condition's lock only
    private let condition = NSCondition()
    private let limit: Int
    private var tasks: [@Sendable () -> Void] = []
    private var taken = 0
    private var isClosed = false

    init(limit: Int) { self.limit = limit }

    func add(_ task: @escaping @Sendable () -> Void) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed, tasks.count - taken < limit else { return false }
        tasks.append(task)
        condition.signal()
        return true
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
        // Also where it never runs empty the memory is that of what waits.
        if 2 * taken >= tasks.count {
            tasks.removeFirst(taken)
            taken = 0
        }
        return task
    }
}

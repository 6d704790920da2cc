import Dispatch
import Foundation
import Synchronization

/// Gives each of 0..<`count` to `body` on up to `threads` threads of their own (sockets and disks block, and would starve
/// Swift's cooperative pool), and returns what it returned, in order.
///
/// - Parameter context: made once on each thread, such as a connection.
func inParallel<Context, Value: Sendable>(
    count: Int, threads: Int, context: @escaping @Sendable () -> Context,
    _ body: @escaping @Sendable (Context, Int) -> Value
) -> [Value] {
    let queue = Queue<Value>(count: count)
    let workers = max(1, min(threads, count))
    let finished = DispatchSemaphore(value: 0)
    for _ in 0..<workers {
        let thread = Thread {
            let context = context()
            while let i = queue.next() {
                let value = body(context, i)
                queue.results.withLock { $0[i] = value }
            }
            finished.signal()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }
    for _ in 0..<workers { finished.wait() }
    return queue.results.withLock { $0.compactMap { $0 } }
}

private final class Queue<Value: Sendable>: Sendable {
    private let count: Int
    private let taken = Atomic<Int>(0)
    let results: Mutex<[Value?]>

    init(count: Int) {
        self.count = count
        results = Mutex(Array(repeating: nil, count: count))
    }

    func next() -> Int? {
        let i = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return i < count ? i : nil
    }
}

import Dispatch
import Faults
import Foundation
import Synchronization

/// Calls `body` for each of 0..<`count` on `threads` threads of their own (decoding blocks, and would starve Swift's
/// cooperative pool), and returns the results in order.
package func mapOnThreads<Value: Sendable>(
    count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Value
) -> [Value] {
    let work = Work(count: count, body: body)
    let workers = max(1, min(threads, count))
    let finished = DispatchSemaphore(value: 0)
    for _ in 0..<workers {
        let thread = Thread {
            work.drain()
            finished.signal()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }
    for _ in 0..<workers { finished.wait() }
    return work.takeResults()
}

private final class Work<Value: Sendable>: Sendable {
    private let count: Int
    private let body: @Sendable (Int) -> Value
    private let next = Atomic<Int>(0)
    private let results: Mutex<[Value?]>

    init(count: Int, body: @escaping @Sendable (Int) -> Value) {
        self.count = count
        self.body = body
        results = Mutex(Array(repeating: nil, count: count))
    }

    func drain() {
        while true {
            let i = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard i < count else { return }
            let value = body(i)
            results.withLock { $0[i] = value }
        }
    }

    func takeResults() -> [Value] { results.withLock { $0.compactMap { $0 } } }
}

/// A count that several threads raise.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }

    /// - Returns: the count with this one.
    func increment() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

/// What came of each of several things, filled by several threads.
final class ResultTable: Sendable {
    private let results: Mutex<[Result<String, Fault>?]>

    init(count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

    subscript(number: Int) -> Result<String, Fault>? {
        get { results.withLock { $0[number] } }
        set { results.withLock { $0[number] = newValue } }
    }
}

import Synchronization

/// Gives each of 0..<`count` to `body` on up to `threads` threads of their own, and returns what it returned, in order.
///
/// For what blocks (files, sockets, decoding) and would starve Swift's cooperative pool. It blocks its caller as well, until
/// the threads are gone and not only done; so no caller needs to know when that is.
///
/// - Parameters:
///   - name: Of the threads, for debuggers (15 letters).
///   - context: Made once on each thread, such as a connection.
package func mapOnThreads<Context, Value: Sendable>(
    name: String, count: Int, threads: Int, context: @escaping @Sendable () -> Context,
    _ body: @escaping @Sendable (Context, Int) -> Value
) -> [Value] {
    let work = Work<Value>(count: count)
    let workers = (0..<max(1, min(threads, count))).map { _ in
        DedicatedThread(name: name) {
            let context = context()
            while let i = work.next() {
                let value = body(context, i)
                work.results.withLock { $0[i] = value }
            }
        }
    }
    for worker in workers { worker.join() }
    return work.results.withLock { $0.compactMap { $0 } }
}

/// The same, where threads need nothing of their own.
package func mapOnThreads<Value: Sendable>(
    name: String, count: Int, threads: Int, _ body: @escaping @Sendable (Int) -> Value
) -> [Value] {
    mapOnThreads(name: name, count: count, threads: threads, context: {}, { _, i in body(i) })
}

private final class Work<Value: Sendable>: Sendable {
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

import Synchronization

/// A count that several threads raise.
package final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    package var value: Int { count.load(ordering: .relaxed) }

    /// - Returns: the count with this one.
    package func increment() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

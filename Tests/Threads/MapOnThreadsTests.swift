import Glibc
import Testing
import Threads

@Suite("A map on threads", .timeLimit(.minutes(3)))
struct MapOnThreadsTests {
    @Test("Results are in order, however many threads there are", arguments: [-1, 0, 1, 3, 100])
    func order(threads: Int) {
        let squares = mapOnThreads(name: "squares", count: 50, threads: threads) { $0 * $0 }
        #expect(squares == (0..<50).map { $0 * $0 })
        let none = mapOnThreads(name: "squares", count: 0, threads: threads) { $0 * $0 }
        #expect(none == [])
    }

    @Test("What is nil stays in its place")
    func optional() {
        let odd = mapOnThreads(name: "odd", count: 4, threads: 2) { i -> Int? in i % 2 == 1 ? i : nil }
        #expect(odd == [nil, 1, nil, 3])
    }

    @Test("There are as many threads as asked for, at the same time, and each makes one context")
    func contexts() {
        let (made, begun) = (Counter(), Counter())
        let contexts = mapOnThreads(
            name: "three", count: 50, threads: 3, context: { made.increment() },
            { context, _ in
                // The first of each waits for those of the others.
                if begun.increment() <= 3 {
                    let deadline = ContinuousClock.now + .seconds(60)
                    while begun.value < 3, ContinuousClock.now < deadline { sched_yield() }
                }
                return context
            })
        #expect(made.value == 3)
        #expect(Set(contexts) == [1, 2, 3])
    }
}

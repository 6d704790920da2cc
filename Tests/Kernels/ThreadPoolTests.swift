import Kernels
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    @Test func everyTaskRunsOnce() {
        for threads in [1, 2, 4, 7] {
            let pool = ThreadPool(threads: threads)
            for tasks in [0, 1, 2, 3, 50, 1000] {
                let counts = Tensor<Float>(tasks) { _ in 0 }
                pool.run(tasks) { counts.pointer[$0] += 1 }
                #expect(counts.bits.allSatisfy { $0 == 1 }, "\(tasks) tasks on \(threads) threads")
            }
        }
    }

    @Test func manyShortRunsFollowEachOther() {
        let pool = ThreadPool(threads: 4)
        let sum = Atomic<Int>(0)
        for round in 1...3000 { pool.run(5) { sum.add($0 + round, ordering: .relaxed) } }
        #expect(sum.load(ordering: .relaxed) == 3000 * 10 + 5 * 3000 * 3001 / 2)
    }

    @Test func denormalsAreFlushedOnEveryThread() {
        let pool = ThreadPool(threads: 3)
        let tiny = Tensor<Float>(64) { _ in .leastNormalMagnitude }
        let results = Tensor<Float>(64)
        pool.run(64) { results.pointer[$0] = tiny[$0] * 0.5 }
        #expect(results.bits.allSatisfy { $0 == 0 })
    }
}

import Faults
import Foundation
import Kernels
import Synchronization
import Testing
import Threads

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

    /// Nobody takes a second task before all have one: what each has then is the first of its share.
    @Test(arguments: [false, true]) func eachThreadBeginsWithItsShare(fromLast: Bool) {
        let pool = ThreadPool(threads: 3)
        let first = Mutex([Int](repeating: -1, count: 3))
        let begun = Atomic<Int>(0)
        pool.runOnThreads(10, fromLast: fromLast) { task, thread in
            let isFirst = first.withLock { first in
                guard first[thread] < 0 else { return false }
                first[thread] = task
                return true
            }
            guard isFirst else { return }
            begun.add(1, ordering: .sequentiallyConsistent)
            while begun.load(ordering: .sequentiallyConsistent) < 3 { sched_yield() }
        }
        // Ten tasks are shares of three, three and four.
        #expect(first.withLock { $0 } == (fromLast ? [2, 5, 9] : [0, 3, 6]))
    }

    /// One task ends when all others have: somebody else has to take the rest of its share.
    @Test(.timeLimit(.minutes(1))) func whoIsDoneTakesFromTheSharesOfOthers() {
        let pool = ThreadPool(threads: 3)
        let done = Atomic<Int>(0)
        pool.run(60) { task in
            if task == 0 { while done.load(ordering: .acquiring) < 59 { sched_yield() } }
            done.add(1, ordering: .releasing)
        }
        #expect(done.load(ordering: .relaxed) == 60)
    }

    @Test func denormalsAreFlushedOnEveryThread() {
        let pool = ThreadPool(threads: 3)
        let tiny = Tensor<Float>(64) { _ in .leastNormalMagnitude }
        let results = Tensor<Float>(64)
        pool.run(64) { results.pointer[$0] = tiny[$0] * 0.5 }
        #expect(results.bits.allSatisfy { $0 == 0 })
    }

    /// Where each thread of a pool may run. Nobody takes a second task before all have one.
    private func masks(_ pool: ThreadPool) -> [[Int]] {
        let masks = Mutex([[Int]](repeating: [], count: pool.threads))
        let begun = Atomic<Int>(0)
        pool.runOnThreads(pool.threads) { _, thread in
            masks.withLock { $0[thread] = Cores.available }
            begun.add(1, ordering: .sequentiallyConsistent)
            while begun.load(ordering: .sequentiallyConsistent) < pool.threads { sched_yield() }
        }
        return masks.withLock { $0 }
    }

    @Test func eachThreadIsBoundToItsCore() throws {
        // On a thread of its own, for the caller is bound as well.
        let all = Cores.available
        try #require(!all.isEmpty)
        let found = Mutex<(bound: [[Int]], after: [Int], free: [[Int]])>(([], [], []))
        let thread = DedicatedThread(name: "bound") {
            let cores = Array(all.reversed())
            var pool: ThreadPool? = try? ThreadPool(threads: cores.count, cores: cores)
            let bound = pool.map(masks) ?? []
            pool = nil
            let after = Cores.available
            let free = masks(ThreadPool(threads: 3))
            found.withLock { $0 = (bound, after, free) }
        }
        thread.join()
        let result = found.withLock { $0 }
        #expect(result.bound == all.reversed().map { [$0] })
        #expect(result.after == all, "the caller is free again")
        #expect(result.free == [all, all, all], "and so are threads that it starts")
    }

    @Test func coresThatDoNotExistAreRefused() throws {
        let before = Cores.available
        let fault = #expect(throws: Fault.self) { try ThreadPool(threads: 2, cores: [before[0], 8000]) }
        #expect("\(fault!)".contains("does not let a thread run on 8000"))
        #expect(Cores.available == before)
    }

    @Test func coresAreSharedOut() throws {
        func slices(_ processes: Int, _ threads: Int, _ pins: Bool?, _ available: [Int]) throws -> [[Int]]? {
            try Cores.slices(processes: processes, threads: threads, pins: pins, among: available, "--pin")
        }
        #expect(try slices(2, 2, nil, [0, 1, 4, 5]) == [[0, 1], [4, 5]])
        #expect(try slices(2, 1, nil, [0, 1, 4, 5]) == nil, "others may be meant to use the rest")
        #expect(try slices(2, 1, true, [0, 1, 4, 5]) == [[0], [1]])
        #expect(try slices(2, 2, false, [0, 1, 4, 5]) == nil)
        #expect(try slices(3, 2, nil, [0, 1, 4, 5]) == nil)
        let fault = #expect(throws: Fault.self) { try slices(3, 2, true, [0, 1, 2, 5]) }
        #expect("\(fault!)".contains("6 threads want a processor each, and this process may use 4: 0-2, 5"))
    }
}

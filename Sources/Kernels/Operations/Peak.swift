import Glibc

/// The most that the processor's multiply-add units do, in GFLOP/s over all `threads`: the yardstick of `bench kernels`.
/// The best of several rounds of some milliseconds, since others may be using the machine.
public func measurePeak(instructionSet: InstructionSet, threads: Int) -> Double {
    let kernels = MicroKernelTable.table(for: instructionSet)
    let pool = ThreadPool(threads: threads)
    let rounds = 400_000
    let operations = Double(rounds * 12 * kernels.lanes * 2)
    var best = 0.0
    for _ in 0..<12 {
        let began = monotonicSeconds()
        pool.run(threads) { thread in
            let sum = kernels.multiplyAddChains(rounds, 0.5)
            precondition(sum.isFinite, "thread \(thread) computed \(sum)")
        }
        best = max(best, operations * Double(threads) / (monotonicSeconds() - began) / 1e9)
    }
    return best
}

/// Seconds of a clock that nobody sets.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

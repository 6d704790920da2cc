import Glibc

/// The most that the processor's multiply-add units do, in GFLOP/s over all `threads`: the yardstick of `bench kernels`.
/// The best of several rounds of some milliseconds, since others may be using the machine.
public func measurePeak(instructionSet: InstructionSet, threads: Int) -> Double {
    measurePeak(instructionSet: instructionSet, pool: ThreadPool(threads: threads), rounds: 12)
}

func measurePeak(instructionSet: InstructionSet, pool: ThreadPool, rounds: Int) -> Double {
    let kernels = MicroKernelTable.table(for: instructionSet)
    let steps = 400_000
    let operations = Double(steps * 12 * kernels.lanes * 2)
    var best = 0.0
    for _ in 0..<rounds {
        let began = monotonicSeconds()
        pool.run(pool.threads) { task in
            let sum = kernels.multiplyAddChains(steps, 0.5)
            precondition(sum.isFinite, "task \(task) computed \(sum)")
        }
        best = max(best, operations * Double(pool.threads) / (monotonicSeconds() - began) / 1e9)
    }
    return best
}

/// Seconds of a clock that nobody sets.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

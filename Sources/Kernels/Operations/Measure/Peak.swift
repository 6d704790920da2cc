import Glibc

/// The most that the processor's multiply-add units do, in GFLOP/s over all `threads`: the yardstick of `bench kernels`.
/// For a set that computes in bf16, of its pairs, two products and two additions each.
/// The best of several rounds of some milliseconds, since others may be using the machine.
public func measurePeak(instructionSet: InstructionSet, threads: Int) -> Double {
    measurePeak(instructionSet: instructionSet, pool: ThreadPool(threads: threads), rounds: 12)
}

func measurePeak(instructionSet: InstructionSet, pool: ThreadPool, rounds: Int) -> Double {
    let kernels = MicroKernelTable.table(for: instructionSet)
    let pairs = instructionSet.compute == .bf16
    let chains = pairs ? BF16Kernels.table(emulated: false).pairProductChains : kernels.multiplyAddChains
    let steps = 400_000
    let operations = Double(steps * 12 * kernels.lanes * (pairs ? 4 : 2))
    var best = 0.0
    for _ in 0..<rounds {
        let began = monotonicSeconds()
        pool.run(pool.threads) { task in
            let sum = chains(steps, 0.5)
            precondition(sum.isFinite, "task \(task) computed \(sum)")
        }
        best = max(best, operations * Double(pool.threads) / (monotonicSeconds() - began) / 1e9)
    }
    return best
}

/// Bytes per second that all `threads` copy from memory to memory, read and written bytes counted once each: the
/// yardstick for what moves more than it computes. Reading alone can be faster, and so can what the caches hold.
public func measureBandwidth(instructionSet: InstructionSet, threads: Int) -> Double {
    let copy = BandwidthCopy()
    defer { copy.deallocate() }
    return copy.measure(instructionSet: instructionSet, pool: ThreadPool(threads: threads), rounds: 12)
}

/// Two arrays much larger than the caches of the processors that this is for: 64 MiB each.
struct BandwidthCopy {
    private let from: UnsafeMutablePointer<Float>
    private let to: UnsafeMutablePointer<Float>
    private static let count = 1 << 24
    /// Floats that are timed together, some milliseconds, and that a task takes. All others come before the same again.
    private static let section = 1 << 21
    private static let block = 1 << 15

    init() {
        func allocate() -> UnsafeMutablePointer<Float> {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.count * 4, alignment: 64)
            let floats = memory.bindMemory(to: Float.self, capacity: Self.count)
            floats.initialize(repeating: 0.5, count: Self.count)
            return floats
        }
        (from, to) = (allocate(), allocate())
    }

    func deallocate() {
        from.deallocate()
        to.deallocate()
    }

    /// The best of all sections, `rounds` times. A ReLU of positive values copies with ordinary stores, as convolutions do.
    func measure(instructionSet: InstructionSet, pool: ThreadPool, rounds: Int) -> Double {
        let kernels = MicroKernelTable.table(for: instructionSet)
        var best = 0.0
        for _ in 0..<rounds {
            for first in stride(from: 0, to: Self.count, by: Self.section) {
                let began = monotonicSeconds()
                pool.run(Self.section / Self.block) { task in
                    let place = first + task * Self.block
                    kernels.relu(Self.block, from + place, to + place)
                }
                best = max(best, Double(2 * 4 * Self.section) / (monotonicSeconds() - began))
            }
        }
        return best
    }
}

/// Seconds of a clock that nobody sets.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

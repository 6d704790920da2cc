import CIntrinsics
public import Faults

/// Processors, by the system's numbers, and binding threads to them.
public enum Cores {
    /// Those that the calling thread may run on, in rising order: the process's, unless the thread was bound.
    public static var available: [Int] {
        var count = 256
        while true {
            var numbers = [Int32](repeating: 0, count: count)
            let found = Int(zoetrope_get_affinity(&numbers, Int32(count)))
            // A system without such masks lets every thread run everywhere; it has nothing that we could bind to.
            guard found > 0 else { return [] }
            if found <= count { return numbers.prefix(found).map(Int.init) }
            count = found
        }
    }

    /// How many processors' time this process has: its processors, or what its control group has of them.
    public static var share: Double { min(Double(available.count), ControlGroup.own.processors ?? .infinity) }

    /// How many threads of this process can run all the time: its processors, or the whole ones among those that its control
    /// group has the time of. One that must wait for its share would delay all that wait for it.
    public static var usable: Int { usable(available.count, quota: ControlGroup.own.processors) }

    package static func usable(_ processors: Int, quota: Double?) -> Int {
        max(1, min(processors, quota.map { Int(min($0, 65536)) } ?? processors))
    }

    /// A core for each of `threads`, out of `available`, in order.
    /// - Throws: a usage `Fault` when there are not as many.
    public static func one(
        forEachOf threads: Int, among available: [Int], _ key: String
    ) throws(Fault) -> [Int] {
        guard threads <= available.count else {
            throw Fault(
                .usage, key,
                "\(threads) threads want a processor each, and this process may use \(available.count): "
                    + (available.isEmpty ? "none is known" : text(available)),
                mend: "start fewer threads, give the process more (taskset, numactl, the scheduler), or do not pin")
        }
        return Array(available.prefix(threads))
    }

    /// What each of some processes on this machine gets: `threads` of the processors, no two the same.
    ///
    /// - Parameter pins: nil pins only where the processes take every processor: then nobody else can have been meant
    ///   to use some of them, and nobody's threads end up on one core while others idle.
    /// - Returns: nil where nothing is pinned.
    /// - Throws: a usage `Fault` when pinning was asked for and there are not enough processors.
    public static func slices(
        processes: Int, threads: Int, pins: Bool?, among available: [Int], _ key: String
    ) throws(Fault) -> [[Int]]? {
        guard pins ?? (processes * threads == available.count) else { return nil }
        let all = try one(forEachOf: processes * threads, among: available, key)
        return (0..<processes).map { Array(all[$0 * threads..<($0 + 1) * threads]) }
    }

    /// Binds the calling thread, and threads and processes that it starts from now on.
    /// - Throws: a `Fault` when the system refuses, as for processors that do not exist.
    public static func bind(_ numbers: [Int], _ key: String) throws(Fault) {
        let status = zoetrope_set_affinity(numbers.map(Int32.init), Int32(numbers.count))
        guard status == 0 else {
            throw Fault(
                .usage, key, "the system does not let a thread run on \(text(numbers)) only: error \(status)",
                mend: "this process may use \(text(available))")
        }
    }

    /// `0-3, 6`.
    static func text(_ numbers: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
    }
}

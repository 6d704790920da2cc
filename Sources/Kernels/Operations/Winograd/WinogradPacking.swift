/// Canonical weights transformed to `[panel][point][outer tap][l][column]` for a `WinogradProduct`: columns are the
/// target's channels and l the source's.
struct WinogradPacking {
    let plan: WinogradPlan
    let panels: Panels
    /// Backward-data: the kernel is turned round and its two channel dimensions change places.
    let turned: Bool
    let kernels: WinogradKernels

    /// Source channels of a task: their taps stay in the first cache.
    private static let channelsPerTask = 16

    func run(weights: UnsafePointer<Float>, packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let groups = (plan.C + Self.channelsPerTask - 1) / Self.channelsPerTask
        pool.run(panels.count * groups) { task in
            let (panel, first) = (task / groups, task % groups * Self.channelsPerTask)
            pack(weights, packed, panel: panel, channels: first..<min(first + Self.channelsPerTask, plan.C))
        }
    }

    private func pack(
        _ weights: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, panel: Int, channels: Range<Int>
    ) {
        let columns = panels.width(panel) * panels.lanes
        let (firstColumn, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        let (taps, C) = (plan.taps, plan.C)
        let size = channels.count * columns
        let work = WinogradKernels.workVectors * panels.lanes
        withUnsafeTemporaryAllocation(byteCount: 4 * (taps * size + work), alignment: 64) { memory in
            let canonical = memory.baseAddress!.assumingMemoryBound(to: Float.self)
            canonical.update(repeating: 0, count: taps * size)
            for column in 0..<valid {
                for l in channels {
                    let k = firstColumn + column
                    let from = weights + (turned ? l * plan.K + k : k * C + l) * taps
                    let to = canonical + (l - channels.lowerBound) * columns + column
                    for tap in 0..<taps { to[tap * size] = from[tap] }
                }
            }
            let perTransform = taps / plan.outerTaps
            let pointPitch = plan.outerTaps * C * columns
            let base = packed + firstColumn * plan.points * plan.outerTaps * C + channels.lowerBound * columns
            for outer in 0..<plan.outerTaps {
                let place = (turned ? plan.outerTaps - 1 - outer : outer) * perTransform
                let first = turned ? place + perTransform - 1 : place
                kernels.weights(
                    plan.space, size, canonical + first * size, turned ? -size : size, base + outer * C * columns,
                    pointPitch, canonical + taps * size)
            }
        }
    }
}

/// Canonical weights transformed to `[panel][point][outer tap][l][column]` for a `WinogradProduct`: columns are the
/// target's channels and l the source's.
struct WinogradPacking {
    let plan: WinogradPlan
    let panels: Panels
    /// Backward-data: the kernel is turned round and its two channel dimensions change places.
    let turned: Bool
    let kernels: WinogradKernels
    let turn: Turn

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
        let firstColumn = panels.firstColumn(panel)
        let (taps, C) = (plan.taps, plan.C)
        let size = channels.count * columns
        let work = WinogradKernels.workVectors * panels.lanes
        withUnsafeTemporaryAllocation(byteCount: 4 * (taps * size + work), alignment: 64) { memory in
            let canonical = memory.baseAddress!.assumingMemoryBound(to: Float.self)
            collect(weights, panel: panel, channels: channels, to: canonical)
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

    /// Writes the weights of a panel and some channels as `[tap][channel][column]`, zeros in columns that do not exist.
    private func collect(
        _ weights: UnsafePointer<Float>, panel: Int, channels: Range<Int>, to canonical: UnsafeMutablePointer<Float>
    ) {
        let columns = panels.width(panel) * panels.lanes
        let (first, valid, taps) = (panels.firstColumn(panel), panels.validColumns(panel), plan.taps)
        let size = channels.count * columns
        guard turned else {
            turn.run(
                rows: columns, valid: valid, count: channels.count * taps,
                source: { weights + ((first + $0) * plan.C + channels.lowerBound) * taps },
                target: { canonical + $0 % taps * size + $0 / taps * columns })
            return
        }
        for l in channels {
            let (from, to) = (
                weights + (l * plan.K + first) * taps, canonical + (l - channels.lowerBound) * columns
            )
            for tap in 0..<taps {
                for column in 0..<valid { to[tap * size + column] = from[column * taps + tap] }
                for column in valid..<columns { to[tap * size + column] = 0 }
            }
        }
    }
}

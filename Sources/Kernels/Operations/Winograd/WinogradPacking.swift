import CIntrinsics

/// Canonical weights transformed: for a `WinogradProduct` all of them, panel after panel, each
/// `[point][outer tap][l][column]`, where columns are the target's channels and l the source's; for a `WinogradLateProduct`
/// those of a panel and some channels.
struct WinogradPacking {
    let plan: WinogradPlan
    let panels: Panels
    /// Backward-data: the kernel is turned round and its two channel dimensions change places.
    let turned: Bool
    private let kernels: MicroKernelTable
    private let winograd: WinogradKernels

    /// Source channels whose taps are brought together at once: they stay in the first cache.
    static let channelsTogether = 16

    init(plan: WinogradPlan, panels: Panels, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        self.plan = plan
        self.panels = panels
        turned = pass == .backwardData
        kernels = .table(for: instructionSet)
        winograd = .table(for: instructionSet)
    }

    /// Floats from one point of a panel to the next. A transform writes to all points: were they a power of two apart, the
    /// lines would fall into one set of the first cache.
    func pointPitch(_ panel: Int) -> Int { plan.outerTaps * plan.C * panels.width(panel) * panels.lanes + floatsOfLine }

    /// Where a panel begins.
    func base(_ panel: Int) -> Int {
        plan.points * (plan.outerTaps * plan.C * panels.firstColumn(panel) + panel * floatsOfLine)
    }

    /// Floats of all panels.
    var count: Int { plan.points * (plan.outerTaps * plan.C * panels.paddedColumns + panels.count * floatsOfLine) }

    func run(weights: UnsafePointer<Float>, packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let together = Self.channelsTogether
        let groups = (plan.C + together - 1) / together
        pool.run(panels.count * groups) { task in
            let (panel, first) = (task / groups, task % groups * together)
            let columns = panels.width(panel) * panels.lanes
            withUnsafeTemporaryAllocation(byteCount: 4 * workFloats(columns), alignment: 64) { work in
                transform(
                    weights, panel: panel, channels: first..<min(first + together, plan.C), taps: 0..<plan.outerTaps,
                    asks: false, to: packed + base(panel) + first * columns, pointPitch: pointPitch(panel),
                    tapPitch: plan.C * columns, work: work.baseAddress!.assumingMemoryBound(to: Float.self))
            }
        }
    }

    /// Floats that `transform` works in, for a panel of so many columns.
    func workFloats(_ columns: Int) -> Int {
        plan.taps * Self.channelsTogether * columns + WinogradKernels.workVectors * panels.lanes
    }

    /// Writes the transformed weights of a panel and some channels at some of the outer taps, `[l][column]` for each point
    /// and tap: those are `pointPitch` and `tapPitch` floats apart, from tap 0 on. What a phase does not have at a point is
    /// left alone.
    /// - Parameters:
    ///   - asks: For the channels behind them, which are next.
    ///   - work: `workFloats` of the panel's columns.
    func transform(
        _ weights: UnsafePointer<Float>, panel: Int, channels: Range<Int>, taps: Range<Int>, asks: Bool,
        to base: UnsafeMutablePointer<Float>, pointPitch: Int, tapPitch: Int, work: UnsafeMutablePointer<Float>
    ) {
        let columns = panels.width(panel) * panels.lanes
        let phases = plan.tiling == .phases
        // One transform makes all phases, which are always asked for together.
        let perTransform = phases ? plan.taps : plan.taps / plan.outerTaps
        let (taps, outerTaps) = phases ? (0..<1, 1) : (taps, plan.outerTaps)
        // Their places in the kernel, and what of a channel's weights they are.
        let places = turned ? outerTaps - taps.upperBound..<outerTaps - taps.lowerBound : taps
        let kept = places.lowerBound * perTransform..<places.upperBound * perTransform
        let (canonical, vectors) = (work, work + kept.count * Self.channelsTogether * columns)
        for first in stride(from: channels.lowerBound, to: channels.upperBound, by: Self.channelsTogether) {
            let some = first..<min(first + Self.channelsTogether, channels.upperBound)
            if asks {
                ask(weights, panel: panel, channels: some.upperBound..<min(some.upperBound + some.count, plan.C))
            }
            collect(weights, kept, panel: panel, channels: some, to: canonical)
            for tap in taps {
                let number = turned ? taps.upperBound - 1 - tap : tap - taps.lowerBound
                let from = number * perTransform + (turned ? perTransform - 1 : 0)
                for l in some {
                    let source = canonical + ((l - first) * kept.count + from) * columns
                    let target = base + tap * tapPitch + (l - channels.lowerBound) * columns
                    let step = turned ? -columns : columns
                    if phases {
                        winograd.phaseWeights(columns, source, step, target, pointPitch, tapPitch, vectors)
                    } else {
                        winograd.weights(
                            plan.tiling == .space, columns, source, step, target, pointPitch, vectors)
                    }
                }
            }
        }
    }

    /// Asks for the weights of a panel and some channels: they lie in many pieces, which the processor does not see coming.
    private func ask(_ weights: UnsafePointer<Float>, panel: Int, channels: Range<Int>) {
        guard !channels.isEmpty else { return }
        let (first, valid, taps) = (panels.firstColumn(panel), panels.validColumns(panel), plan.taps)
        let (rows, count) = turned ? (channels.count, valid * taps) : (valid, channels.count * taps)
        let pitch = (turned ? plan.K : plan.C) * taps
        let (row, place) = turned ? (channels.lowerBound, first) : (first, channels.lowerBound)
        var from = weights + row * pitch + place * taps
        for _ in 0..<rows {
            for i in stride(from: 0, to: count, by: floatsOfLine) { zoetrope_prefetch_later(from + i) }
            from += pitch
        }
    }

    /// Writes some taps of a panel's weights and some channels' as `[channel][tap][column]`, zeros in columns that do not exist.
    private func collect(
        _ weights: UnsafePointer<Float>, _ kept: Range<Int>, panel: Int, channels: Range<Int>,
        to canonical: UnsafeMutablePointer<Float>
    ) {
        let (first, taps) = (panels.firstColumn(panel), plan.taps)
        let pitch = turned ? taps : plan.C * taps
        if !turned, kept.count == taps {
            // What follows in a column's row is the next channel's.
            turn(
                weights, from: first * pitch + channels.lowerBound * taps, pitch: pitch, count: channels.count * taps,
                panel: panel, to: canonical)
            return
        }
        let size = kept.count * panels.width(panel) * panels.lanes
        for (number, l) in channels.enumerated() {
            let from = turned ? (l * plan.K + first) * taps : first * pitch + l * taps
            turn(
                weights, from: from + kept.lowerBound, pitch: pitch, count: kept.count, panel: panel,
                to: canonical + number * size)
        }
    }

    /// Value i of the row of column j, `count` of them, goes to place j of row i; a square of vectors at a time, where that
    /// reads nothing behind the weights.
    private func turn(
        _ weights: UnsafePointer<Float>, from: Int, pitch: Int, count: Int, panel: Int,
        to target: UnsafeMutablePointer<Float>
    ) {
        let (lanes, valid) = (panels.lanes, panels.validColumns(panel))
        let columns = panels.width(panel) * lanes
        let whole = (count + lanes - 1) / lanes * lanes
        let end = plan.C * plan.K * plan.taps
        withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { nowhere in
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: lanes) { rows in
                withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>.self, capacity: lanes) { targets in
                    for column in stride(from: 0, to: columns, by: lanes) {
                        let first = weights + from + column * pitch
                        guard column + lanes <= valid, from + (column + lanes - 1) * pitch + whole <= end else {
                            for i in 0..<count {
                                for j in 0..<lanes {
                                    target[i * columns + column + j] = column + j < valid ? first[j * pitch + i] : 0
                                }
                            }
                            continue
                        }
                        for j in 0..<lanes { rows[j] = first + j * pitch }
                        for begin in stride(from: 0, to: count, by: lanes) {
                            for i in 0..<lanes {
                                targets[i] =
                                    begin + i < count ? target + (begin + i) * columns : nowhere.baseAddress!
                            }
                            kernels.transposeSquare(rows.baseAddress!, begin, targets.baseAddress!, column)
                        }
                    }
                }
            }
        }
    }
}

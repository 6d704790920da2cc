/// What kernels of one tap need not do.
extension GatherProduct {
    /// Writes zeros where a phase has no taps: a stride beyond the kernel. One run over the whole target costs less than
    /// to find those pixels, which lie between the others.
    func fillUntouched(N: Int, _ target: UnsafeMutablePointer<Float>, accumulate: Bool, pool: ThreadPool) {
        guard !accumulate, plan.phases.contains(where: \.taps.isEmpty) else { return }
        let (count, block) = (N * plan.target.count * plan.columns, 1 << 14)
        pool.run((count + block - 1) / block) { task in
            (target + task * block).update(repeating: 0, count: min(block, count - task * block))
        }
    }

    /// Whether every target pixel sees the source pixel at its own place and no other.
    var isPointwise: Bool {
        let once = Extent3(1, 1, 1)
        return plan.tapCount == 1 && plan.sourceStride == once && plan.targetStride == once
            && plan.source == plan.target && plan.rowPadding == 0
    }

    /// `gather` for pixels that lie in both as they are walked.
    func gatherPoints(_ job: Job, tiles: Range<Int>, of pixels: Int, _ space: Workspace) {
        let rows = kernels.rows
        for tile in 0..<tiles.count {
            for row in tile * rows..<(tile + 1) * rows {
                let pixel = tiles.lowerBound * rows + row
                let exists = pixel < pixels
                space.sources[row] = exists ? job.source + pixel * plan.sourcePitch : job.zeros
                space.targets[row] = exists ? job.target + pixel * plan.columns : space.nowhere
            }
            (space.indices[tile], space.places[tile], space.used[tile]) = (0, 0, 1)
        }
    }

    /// What the block behind some tiles needs, where pixels lie in both as they are walked.
    func nextBlock(_ job: Job, after tiles: Range<Int>) -> NextBlock? {
        guard isPointwise else { return nil }
        let calls = max(tiles.count - panels.callsForWeights(panels.width(0), turnover: packedCount), 0)
        let pixel = tiles.upperBound * kernels.rows
        return NextBlock(
            source: job.source + pixel * plan.sourcePitch, sourceFloats: plan.sourcePitch,
            target: UnsafePointer(job.target + pixel * plan.columns), targetFloats: plan.columns,
            pixels: tiles.count * kernels.rows, steps: panels.count * calls * plan.length)
    }
}

/// Runs a `GatherPlan`: the matrix product of gathered source pixels with packed weights, tile by tile.
///
/// Rows of the product are target pixels, columns the target's channels. A task takes a block of tiles; the sums are cut
/// into chunks whose weights stay in the first cache while all tiles of the block use them. A tile leaves out taps that
/// lie in the padding for all of its pixels. Each value is the sum over chunks, in order, of the sum over taps and source
/// channels, in order, whatever the batch size and the number of threads.
struct GatherProduct: Sendable {
    let plan: GatherPlan
    let panels: Panels
    let kernels: MicroKernelTable
    private let maximumTaps: Int

    /// Steps of the sum per chunk: 128 rows of 48 weights are 24 of the 32 KiB of a first cache. A chunk is one chain of
    /// f32 additions, whose rounding grows with the root of its length: with 576 steps the logits
    /// of R(2+1)D-18 are twice as far from the truth, further than PyTorch's, and ReLUs flip that decide `model check`.
    private static let chunkSteps = 128
    private static let tilesPerBlock = 8
    /// With fewer blocks than this each panel is a task of its own.
    private static let manyBlocks = 24
    /// Blocks are shared out among at most this many tasks, each with sums of its own for an epilogue.
    private static let maximumParts = 128
    /// Maps up to this many pixels are walked clip by clip within a pixel, so that tiles do not straddle the padding.
    private static let smallMap = 256

    init(_ plan: GatherPlan, instructionSet: InstructionSet) {
        self.init(plan, kernels: .table(for: instructionSet))
    }

    init(_ plan: GatherPlan, kernels: MicroKernelTable) {
        self.plan = plan
        self.kernels = kernels
        panels = Panels(columns: plan.columns, lanes: kernels.lanes)
        maximumTaps = plan.phases.map(\.taps.count).max() ?? 0
    }

    /// Floats of the packed weights, `[panel][tap][l][column]`.
    var packedCount: Int { panels.paddedColumns * plan.tapCount * plan.length }

    private var rowPitch: Int { plan.source.w * plan.sourcePitch }

    func scratchCount(N: Int, threads: Int) -> Int {
        let padded = plan.rowPadding > 0 ? N * plan.source.t * plan.source.h * rowPitch : 0
        return Carving.rounded(plan.length) + Carving.rounded(padded) + threads * Workspace.floats(self)
    }

    /// Each thread's tables, carved out of the scratch.
    struct Workspace: ThreadMemory {
        /// For each tile and tap in use, a pointer for each row.
        let sources: UnsafeMutablePointer<UnsafePointer<Float>>
        /// For each tile and tap in use, its place in the packed weights and in the phase.
        let indices: UnsafeMutablePointer<Int32>
        let places: UnsafeMutablePointer<Int32>
        /// For each tile: taps in use, and how many of them earlier chunks took.
        let used: UnsafeMutablePointer<Int>
        let taken: UnsafeMutablePointer<Int>
        let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        /// Where rows that do not exist are written.
        let nowhere: UnsafeMutablePointer<Float>
        /// The sums of each tile until all chunks are added or the columns that exist are picked out, and their rows.
        let sums: UnsafeMutablePointer<Float>
        let sumRows: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        /// The first source coordinates of each row, t of all rows, then h, then w, then the number of that pixel.
        let rows: UnsafeMutablePointer<Int>

        init(_ p: GatherProduct, _ carving: inout Carving) {
            let (tiles, rows, taps) = (GatherProduct.tilesPerBlock, p.kernels.rows, p.maximumTaps)
            sources = carving.take(tiles * taps * rows)
            indices = carving.take(tiles * taps)
            places = carving.take(tiles * taps)
            used = carving.take(tiles)
            taken = carving.take(tiles)
            targets = carving.take(tiles * rows)
            nowhere = carving.take(p.panels.paddedColumns)
            sums = carving.take(tiles * rows * 3 * p.kernels.lanes)
            sumRows = carving.take(tiles * rows)
            self.rows = carving.take(4 * rows)
        }
    }

    /// Writes the target, or adds to it. An epilogue is for plans whose targets are all pixels in order: forward.
    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, epilogue: EpilogueRun? = nil, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let zeros: UnsafeMutablePointer<Float> = carving.take(plan.length)
        zeros.update(repeating: 0, count: plan.length)
        var source = source
        if plan.rowPadding > 0 {
            let padded: UnsafeMutablePointer<Float> = carving.take(N * plan.source.t * plan.source.h * rowPitch)
            copyPadded(rows: N * plan.source.t * plan.source.h, from: source, to: padded, pool: pool)
            source = UnsafePointer(padded)
        }
        let workspaces = carving.rest
        fillUntouched(N: N, target, accumulate: accumulate, pool: pool)
        // An epilogue follows pixels that see nothing but padding, too.
        for phase in plan.phases where !phase.taps.isEmpty || epilogue != nil {
            let tiles = (N * phase.grid.count + kernels.rows - 1) / kernels.rows
            let blocks = blocks(N: N, phase)
            let parts = min(blocks, Self.maximumParts)
            let groups = blocks < Self.manyBlocks ? panels.count : 1
            let job = Job(
                N: N, phase: phase, source: source, zeros: zeros, packed: packed, target: target,
                accumulate: accumulate, epilogue: epilogue)
            Workspace.run(self, parts * groups, in: workspaces, pool) { task, workspace in
                let (group, part) = (task / parts, task % parts)
                let chosen = groups == 1 ? 0..<panels.count : group..<group + 1
                let last = (part + 1) * blocks / parts - 1
                for block in part * blocks / parts...last {
                    let chosenTiles = block * tiles / blocks..<(block + 1) * tiles / blocks
                    gather(job, tiles: chosenTiles, workspace)
                    var next = block < last && groups == 1 ? nextBlock(job, after: chosenTiles) : nil
                    for panel in chosen {
                        multiply(job, tiles: chosenTiles.count, panel: panel, asking: &next, workspace)
                    }
                    finish(job, tiles: chosenTiles, panels: chosen, slot: part)
                }
            }
        }
    }

    private func blocks(N: Int, _ phase: GatherPlan.Phase) -> Int {
        let tiles = (N * phase.grid.count + kernels.rows - 1) / kernels.rows
        return (tiles + Self.tilesPerBlock - 1) / Self.tilesPerBlock
    }

    /// The parts of the only phase that a forward plan has.
    func epilogueSlots(N: Int) -> Int { min(blocks(N: N, plan.phases[0]), Self.maximumParts) }

    /// Lets the epilogue finish the pixels of a block, runs of neighbours at a time.
    private func finish(_ job: Job, tiles: Range<Int>, panels chosen: Range<Int>, slot: Int) {
        guard let epilogue = job.epilogue else { return }
        let (N, places) = (job.N, job.phase.grid.count)
        let pixels = tiles.lowerBound * kernels.rows..<min(tiles.upperBound * kernels.rows, N * places)
        let last = chosen.upperBound - 1
        let channels = panels.firstColumn(chosen.lowerBound)..<panels.firstColumn(last) + panels.validColumns(last)
        guard walksClipsInside(job.phase) else {
            return epilogue.finish(pixels: pixels.lowerBound, count: pixels.count, channels: channels, slot: slot)
        }
        for n in 0..<N {
            // The places p whose pixel p * N + n is one of them.
            let first = (pixels.lowerBound - n + N - 1) / N
            let end = (pixels.upperBound - n + N - 1) / N
            guard first < end else { continue }
            epilogue.finish(pixels: n * places + first, count: end - first, channels: channels, slot: slot)
        }
    }

    private func walksClipsInside(_ phase: GatherPlan.Phase) -> Bool {
        phase.grid.count <= Self.smallMap && !isPointwise
    }

    struct Job {
        let N: Int
        let phase: GatherPlan.Phase
        let source: UnsafePointer<Float>
        let zeros: UnsafePointer<Float>
        let packed: UnsafePointer<Float>
        let target: UnsafeMutablePointer<Float>
        let accumulate: Bool
        let epilogue: EpilogueRun?
    }

    private func copyPadded(
        rows: Int, from source: UnsafePointer<Float>, to padded: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let margin = plan.rowPadding * plan.sourcePitch
        let inner = rowPitch - 2 * margin
        let rowsPerTask = 64
        pool.run((rows + rowsPerTask - 1) / rowsPerTask) { task in
            for row in task * rowsPerTask..<min((task + 1) * rowsPerTask, rows) {
                let to = padded + row * rowPitch
                to.update(repeating: 0, count: margin)
                (to + margin).update(from: source + row * inner, count: inner)
                (to + margin + inner).update(repeating: 0, count: margin)
            }
        }
    }

    /// Fills the workspace's tables for a block of tiles.
    private func gather(_ job: Job, tiles: Range<Int>, _ space: Workspace) {
        let (rows, grid, source) = (kernels.rows, job.phase.grid, plan.source)
        let pixels = job.N * grid.count
        if isPointwise { return gatherPoints(job, tiles: tiles, of: pixels, space) }
        var walk = PixelWalk(N: job.N, grid: grid, clipsInside: walksClipsInside(job.phase))
        walk.move(to: tiles.lowerBound * rows)
        for tile in 0..<tiles.count {
            for row in 0..<rows {
                guard (tiles.lowerBound + tile) * rows + row < pixels else {
                    // Far outside, so that every tap reads zeros.
                    space.rows[row] = Int.min / 2
                    space.targets[tile * rows + row] = space.nowhere
                    continue
                }
                let (t, h, w) = (
                    walk.t * plan.sourceStride.t, walk.h * plan.sourceStride.h, walk.w * plan.sourceStride.w
                )
                (space.rows[row], space.rows[rows + row], space.rows[2 * rows + row]) = (t, h, w)
                space.rows[3 * rows + row] = ((walk.n * source.t + t) * source.h + h) * source.w + w
                let (stride, offset, target) = (plan.targetStride, job.phase.offset, plan.target)
                let (ot, oh, ow) = (
                    walk.t * stride.t + offset.t, walk.h * stride.h + offset.h, walk.w * stride.w + offset.w
                )
                space.targets[tile * rows + row] =
                    job.target + (((walk.n * target.t + ot) * target.h + oh) * target.w + ow) * plan.columns
                walk.advance()
            }
            space.used[tile] = gatherTaps(job, tile: tile, space)
        }
    }

    /// Fills one tile's pointers and returns how many taps it uses.
    private func gatherTaps(_ job: Job, tile: Int, _ space: Workspace) -> Int {
        let (source, first) = (plan.source, tile * maximumTaps)
        return job.phase.tapNumbers.withUnsafeBufferPointer { taps in
            guard let base = taps.baseAddress else { return 0 }
            return kernels.gatherPointers(
                base, job.phase.taps.count, space.rows, source.t, source.h, source.w, plan.sourcePitch, job.source,
                job.zeros, space.sources + first * kernels.rows, space.places + first, space.indices + first)
        }
    }

    /// Multiplies the gathered block with one panel of the weights.
    private func multiply(_ job: Job, tiles: Int, panel: Int, asking next: inout NextBlock?, _ space: Workspace) {
        let (rows, length) = (kernels.rows, plan.length)
        let width = panels.width(panel)
        let (quiet, asking) = (kernels.gatherTile(width, asks: false), kernels.gatherTile(width, asks: true))
        let weightCalls = panels.callsForWeights(width, turnover: packedCount)
        let (columns, firstColumn, valid) = (
            width * kernels.lanes, panels.firstColumn(panel), panels.validColumns(panel)
        )
        let weights = job.packed + firstColumn * plan.tapCount * length
        let tapsPerChunk = max(Self.chunkSteps / length, 1)
        let pieces = (length + Self.chunkSteps - 1) / Self.chunkSteps
        // Targets lie apart and often not on cache lines: they are written once, not for each chunk.
        let keepsSums = valid < columns || pieces > 1 || job.phase.taps.count > tapsPerChunk
        if keepsSums { for row in 0..<tiles * rows { space.sumRows[row] = space.sums + row * columns } }
        for tile in 0..<tiles { space.taken[tile] = 0 }
        var firstTap = 0
        repeat {
            let end = firstTap + tapsPerChunk
            for piece in 0..<pieces {
                let begin = piece * length / pieces
                let steps = (piece + 1) * length / pieces - begin
                let isFirst = firstTap == 0 && piece == 0
                let nextWeights =
                    weights + (piece == pieces - 1 ? end * length : firstTap * length + begin + steps) * columns
                for tile in 0..<tiles {
                    let first = tile * maximumTaps + space.taken[tile]
                    var count = 0
                    while space.taken[tile] + count < space.used[tile], space.places[first + count] < end { count += 1 }
                    if piece == pieces - 1 { space.taken[tile] += count }
                    guard count > 0 || isFirst else { continue }
                    let ahead =
                        tile < weightCalls
                        ? nextWeights + tile * floatsOfLine * count * steps : next?.take(count * steps)
                    (ahead == nil ? quiet : asking)(
                        space.sources + first * rows, begin, space.indices + first, count, steps,
                        weights + begin * columns, length * columns, ahead ?? weights,
                        (keepsSums ? space.sumRows : space.targets) + tile * rows, keepsSums ? 0 : firstColumn,
                        keepsSums ? !isFirst : job.accumulate)
                }
            }
            firstTap = end
        } while firstTap < job.phase.taps.count
        guard keepsSums else { return }
        for tile in 0..<tiles {
            kernels.putRows(
                rows, columns, valid, space.sums + tile * rows * columns, space.targets + tile * rows, firstColumn,
                job.accumulate)
        }
    }
}

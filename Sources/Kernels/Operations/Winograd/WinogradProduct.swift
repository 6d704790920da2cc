/// Forward and backward-data of Winograd's convolution: transforms patches of the source, multiplies them with the
/// transformed weights point by point, and transforms the products to tiles of the target.
///
/// A block of tiles stays in the second cache from its first transform to its last. Where there are few blocks, the
/// patches of all of them are transformed first and each panel of the weights is a task of its own.
struct WinogradProduct: ConvolutionProduct {
    let plan: WinogradPlan
    let panels: Panels
    private let packing: WinogradPacking
    private let kernels: MicroKernelTable
    private let winograd: WinogradKernels

    /// Products of a block: transformed tiles, frames included.
    private static let blockRows = 32
    /// With fewer blocks than this each panel is a task of its own.
    private static let manyBlocks = 24
    /// Blocks are shared out among at most this many tasks, each with sums of its own for an epilogue.
    private static let maximumParts = 128
    /// Steps of a sum before it is added to memory: with three vectors of columns 24 KiB of weights.
    private static let chunkSteps = 128

    init(_ plan: WinogradPlan, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        self.plan = plan
        kernels = .table(for: instructionSet)
        winograd = .table(for: instructionSet)
        panels = Panels(columns: plan.K, lanes: kernels.lanes)
        packing = WinogradPacking(plan: plan, panels: panels, pass, instructionSet: instructionSet)
    }

    /// Tiles of the grid in a block.
    private var tilesPerBlock: Int { max(Self.blockRows / plan.targetFrames, 1) }
    private func tileCount(_ N: Int) -> Int { N * plan.grid.count }
    private func blocks(_ N: Int) -> Int { (tileCount(N) + tilesPerBlock - 1) / tilesPerBlock }
    private func tiles(_ block: Int, _ N: Int) -> Range<Int> {
        block * tileCount(N) / blocks(N)..<(block + 1) * tileCount(N) / blocks(N)
    }
    private func sharesPatches(_ N: Int) -> Bool { blocks(N) < Self.manyBlocks }

    /// Transformed patches of a block, `[row][point][C]`, and a row of zeros. Rows are an odd number of cache lines
    /// apart, so that they do not fall into the same sets.
    private var patchRows: Int { tilesPerBlock * plan.sourceFrames + 1 }
    private var patchPointPitch: Int { Carving.rounded(plan.C) }
    private var patchPitch: Int { Carving.odd(plan.points * patchPointPitch) }
    private var patchFloats: Int { patchRows * patchPitch }
    /// Groups of rows that the micro-kernel multiplies at once.
    private var rowGroups: Int { (tilesPerBlock * plan.targetFrames + kernels.rows - 1) / kernels.rows }
    /// Their products, `[row][point][column]`, likewise.
    private var productPitch: Int { Carving.odd(plan.points * 3 * kernels.lanes) }

    var packedCount: Int { packing.count }

    func scratchCount(N: Int, threads: Int) -> Int {
        // Fewer clips may share patches where more do not.
        let shared = min(blocks(N), Self.manyBlocks - 1) * Carving.rounded(patchFloats)
        return Carving.rounded(plan.C) + Carving.rounded(panels.paddedColumns) + shared
            + threads * Workspace.floats(self)
    }

    /// Each thread's memory, carved out of the scratch.
    private struct Workspace {
        let patches: UnsafeMutablePointer<Float>
        let products: UnsafeMutablePointer<Float>
        let work: UnsafeMutablePointer<Float>
        let pixels: UnsafeMutablePointer<UnsafePointer<Float>>
        /// The pixels that the block makes, tile by tile.
        let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        /// For each group of rows: of the taps that are no padding for all of them, how many come before each tap, their
        /// places in the weights and a pointer for each row.
        let before: UnsafeMutablePointer<Int>
        let places: UnsafeMutablePointer<Int32>
        let rows: UnsafeMutablePointer<UnsafePointer<Float>>
        let productRows: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

        init(_ p: WinogradProduct, _ carving: inout Carving) {
            let (groups, taps) = (p.rowGroups, p.plan.outerTaps)
            patches = carving.take(p.patchFloats)
            products = carving.take(groups * p.kernels.rows * p.productPitch)
            work = carving.take(WinogradKernels.workVectors * p.kernels.lanes)
            pixels = carving.take(2 * p.plan.points)
            targets = carving.take(p.tilesPerBlock * p.plan.targetFrames * p.plan.outputPixels)
            before = carving.take(groups * (taps + 1))
            places = carving.take(groups * taps)
            rows = carving.take(groups * taps * p.kernels.rows)
            productRows = carving.take(groups * p.kernels.rows)
        }

        static func floats(_ p: WinogradProduct) -> Int {
            var carving = Carving.measuring
            _ = Workspace(p, &carving)
            return carving.floats
        }
    }

    private struct Job {
        let N: Int
        let source: UnsafePointer<Float>
        let prologue: Prologue?
        /// What stands for pixels outside the source.
        let padding: UnsafePointer<Float>
        let packed: UnsafePointer<Float>
        let target: UnsafeMutablePointer<Float>
        let nowhere: UnsafeMutablePointer<Float>
        let accumulate: Bool
        let epilogue: EpilogueRun?
    }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        packing.run(weights: weights, packed: packed, pool: pool)
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(
            N: N, source: source, prologue: nil, packed: packed, target: target, accumulate: accumulate, epilogue: nil,
            scratch: scratch, pool: pool)
    }

    var appliesPrologue: Bool { true }

    /// Blocks are shared out among so many tasks.
    func epilogueSlots(N: Int) -> Int? { min(blocks(N), Self.maximumParts) }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        run(
            N: N, source: source, prologue: prologue, packed: packed, target: target, accumulate: false,
            epilogue: epilogue, scratch: scratch, pool: pool)
    }

    private func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, accumulate: Bool, epilogue: EpilogueRun?,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let padding: UnsafeMutablePointer<Float> = carving.take(plan.C)
        WinogradPlan.fillPadding(padding, count: plan.C, prologue)
        let nowhere: UnsafeMutablePointer<Float> = carving.take(panels.paddedColumns)
        nowhere.update(repeating: 0, count: panels.paddedColumns)
        let job = Job(
            N: N, source: source, prologue: prologue, padding: padding, packed: packed, target: target,
            nowhere: nowhere, accumulate: accumulate, epilogue: epilogue)
        let blocks = blocks(N)
        guard sharesPatches(N) else {
            let parts = min(blocks, Self.maximumParts)
            onThreads(parts, carving.rest, pool) { part, space in
                for block in part * blocks / parts..<(part + 1) * blocks / parts {
                    transform(job, tiles(block, N), into: space.patches, space)
                    list(job, tiles(block, N), space.patches, space)
                    for panel in 0..<panels.count {
                        multiply(job, tiles(block, N).count, panel, space)
                        finish(job, tiles(block, N), panel, slot: part, space)
                    }
                }
            }
            return
        }
        let shared: UnsafeMutablePointer<Float> = carving.take(blocks * Carving.rounded(patchFloats))
        onThreads(blocks, carving.rest, pool) { block, space in
            transform(job, tiles(block, N), into: shared + block * Carving.rounded(patchFloats), space)
        }
        // The blocks of one panel follow one another, so that its weights stay in the cache.
        onThreads(blocks * panels.count, carving.rest, pool) { task, space in
            let (panel, block) = (task / blocks, task % blocks)
            list(job, tiles(block, N), shared + block * Carving.rounded(patchFloats), space)
            multiply(job, tiles(block, N).count, panel, space)
            finish(job, tiles(block, N), panel, slot: block, space)
        }
    }

    private func onThreads(
        _ tasks: Int, _ workspaces: UnsafeMutablePointer<Float>, _ pool: ThreadPool, _ body: (Int, Workspace) -> Void
    ) {
        let floats = Workspace.floats(self)
        pool.runOnThreads(tasks) { task, thread in
            var carving = Carving(workspaces + thread * floats)
            body(task, Workspace(self, &carving))
        }
    }

    /// Transforms the patches of a block, one frame of all its tiles after another.
    private func transform(
        _ job: Job, _ tiles: Range<Int>, into patches: UnsafeMutablePointer<Float>, _ space: Workspace
    ) {
        for frame in 0..<plan.sourceFrames {
            var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
            walk.move(to: tiles.lowerBound)
            var (pixels, ahead) = (space.pixels, space.pixels + plan.points)
            for tile in 0..<tiles.count + 1 {
                // The pixels of one tile are listed while those of the one before are transformed.
                if tile < tiles.count {
                    plan.list(
                        source: job.source, outside: job.padding, n: walk.n, t: walk.t, h: walk.h, w: walk.w,
                        frame: frame, into: ahead)
                    walk.advance()
                }
                if tile > 0 {
                    winograd.input(
                        plan.space, pixels, ahead, plan.C, job.prologue?.factor, job.prologue?.offset, space.work,
                        patches + (frame * tiles.count + tile - 1) * patchPitch, patchPointPitch, 0)
                }
                swap(&pixels, &ahead)
            }
        }
        (patches + (patchRows - 1) * patchPitch).update(repeating: 0, count: patchPitch)
    }

    /// Fills the tables of a block.
    private func list(_ job: Job, _ range: Range<Int>, _ patches: UnsafePointer<Float>, _ space: Workspace) {
        let (rows, taps, tiles) = (kernels.rows, plan.outerTaps, range.count)
        for frame in 0..<plan.targetFrames {
            var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
            walk.move(to: range.lowerBound)
            for tile in 0..<tiles {
                plan.list(
                    target: job.target, nowhere: job.nowhere, n: walk.n, t: walk.t, h: walk.h, w: walk.w,
                    frame: frame, into: space.targets + (frame * tiles + tile) * plan.outputPixels)
                walk.advance()
            }
        }
        let zero = patches + (patchRows - 1) * patchPitch
        let count = tiles * plan.targetFrames
        for group in 0..<rowGroups {
            let before = space.before + group * (taps + 1)
            before[0] = 0
            for tap in 0..<taps {
                let used = group * taps + before[tap]
                var any = false
                for row in 0..<rows {
                    let number = group * rows + row
                    let frame = number / tiles + tap - (taps > 1 ? plan.padding.t : 0)
                    let inside = number < count && frame >= 0 && frame < plan.sourceFrames
                    space.rows[used * rows + row] =
                        inside ? patches + (frame * tiles + number % tiles) * patchPitch : zero
                    any = any || inside
                }
                space.places[used] = Int32(truncatingIfNeeded: tap)
                before[tap + 1] = before[tap] + (any ? 1 : 0)
            }
        }
    }

    /// Multiplies a block's patches with one panel of the weights, point by point. On the way it asks for the pixels that
    /// will be written: they come while the processor multiplies.
    private func multiply(_ job: Job, _ tiles: Int, _ panel: Int, _ space: Workspace) {
        let (rows, taps, C) = (kernels.rows, plan.outerTaps, plan.C)
        let width = panels.width(panel)
        let columns = width * kernels.lanes
        // What is multiplied with a block, or where panels are tasks with a panel's blocks, before weights are needed again.
        let turnover = plan.points * taps * C * (sharesPatches(job.N) ? columns : panels.paddedColumns)
        let weightCalls = panels.callsForWeights(width, turnover: turnover)
        let (quiet, asking) = (kernels.gatherTile(width, asks: false), kernels.gatherTile(width, asks: true))
        let weights = job.packed + packing.base(panel)
        let pointPitch = packing.pointPitch(panel)
        for row in 0..<rowGroups * rows { space.productRows[row] = space.products + row * productPitch }
        let tapsPerChunk = min(max(Self.chunkSteps / C, 1), taps)
        let pieces = (C + Self.chunkSteps - 1) / Self.chunkSteps
        let pixels = tiles * plan.targetFrames * plan.outputPixels
        let firstColumn = panels.firstColumn(panel)
        let calls = plan.points * rowGroups
        var (asked, call) = (0, 0)
        for point in 0..<plan.points {
            let b = weights + point * pointPitch
            var first = 0
            while first < taps {
                let end = min(first + tapsPerChunk, taps)
                for piece in 0..<pieces {
                    let begin = piece * C / pieces
                    let steps = (piece + 1) * C / pieces - begin
                    let adds = first > 0 || piece > 0
                    let next = b + (piece == pieces - 1 ? end * C : first * C + begin + steps) * columns
                    for group in 0..<rowGroups {
                        if !adds {
                            call += 1
                            let until = call * pixels / calls
                            winograd.prefetch(until - asked, space.targets + asked, firstColumn, width)
                            asked = until
                        }
                        let before = space.before + group * (taps + 1)
                        let (used, count) = (group * taps + before[first], before[end] - before[first])
                        guard count > 0 || !adds else { continue }
                        // The others have nothing to ask for.
                        let ahead = next + group * floatsOfLine * count * steps
                        (group < weightCalls ? asking : quiet)(
                            space.rows + used * rows, point * patchPointPitch + begin, space.places + used, count,
                            steps, b + begin * columns, C * columns, ahead,
                            space.productRows + group * rows, point * columns, adds)
                    }
                }
                first = end
            }
        }
    }

    /// Transforms a block's products of one panel and writes the target.
    private func finish(_ job: Job, _ tiles: Range<Int>, _ panel: Int, slot: Int, _ space: Workspace) {
        let columns = panels.width(panel) * kernels.lanes
        let first = panels.firstColumn(panel)
        for row in 0..<tiles.count * plan.targetFrames {
            winograd.output(
                plan.space, space.products + row * productPitch, columns, panels.validColumns(panel),
                space.targets + row * plan.outputPixels, first, job.accumulate, space.work)
        }
        guard let epilogue = job.epilogue else { return }
        plan.eachRun(N: job.N, tiles) { pixel, count in
            epilogue.finish(
                pixels: pixel, count: count, channels: first..<first + panels.validColumns(panel), slot: slot)
        }
    }
}

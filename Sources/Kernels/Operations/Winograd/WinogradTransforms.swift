/// What the schedules of Winograd's forward and backward-data share: the transform of the source to patches, the tables of
/// the rows that are multiplied with the weights, and the transform of their products to the target.
///
/// A row is a tile at one frame of the target. Which rows are multiplied together, with whose weights and in what order,
/// is for the schedules to say.
struct WinogradTransforms: Sendable {
    let plan: WinogradPlan
    let panels: Panels
    let kernels: MicroKernelTable
    let winograd: WinogradKernels
    /// Tiles whose rows are multiplied together, at most.
    let mostTiles: Int
    /// Whether the rows of one tile follow one another, and not those of one frame.
    private let framesInside: Bool

    /// - Parameters:
    ///   - widest: vectors of a panel at most.
    ///   - mostRows: that are multiplied together, where a tile has no more.
    init(
        _ plan: WinogradPlan, widest: Int, mostRows: Int, framesInside: Bool, instructionSet: InstructionSet
    ) {
        self.plan = plan
        self.framesInside = framesInside
        kernels = .table(for: instructionSet)
        winograd = .table(for: instructionSet)
        panels = Panels(columns: plan.K, lanes: kernels.lanes, widest: widest)
        mostTiles = max(mostRows / plan.targetFrames, 1)
    }

    // MARK: - Sizes

    func tileCount(N: Int) -> Int { N * plan.grid.count }

    /// Floats from a patch, and from a row of products, to the next: an odd number of cache lines, so that they do not fall
    /// into the same sets.
    var patchPitch: Int { Carving.odd(plan.points * patchPointPitch) }
    var patchPointPitch: Int { Carving.rounded(plan.C) }
    private var productPitch: Int { Carving.odd(plan.points * mostColumns) }
    /// Of a panel; the first is as wide as any.
    var mostColumns: Int { panels.width(0) * kernels.lanes }

    /// Groups of rows that the micro-kernel multiplies at once.
    func rowGroups(tiles: Int) -> Int { (tiles * plan.targetFrames + kernels.rows - 1) / kernels.rows }

    /// Transformed patches of some tiles, `[frame][tile][point][C]`.
    struct Patches {
        let tiles: Range<Int>
        let memory: UnsafeMutablePointer<Float>
    }

    /// Floats of so many tiles' patches.
    func patchFloats(tiles: Int) -> Int { tiles * plan.sourceFrames * patchPitch }

    private func patch(_ tile: Int, _ frame: Int, of patches: Patches) -> UnsafeMutablePointer<Float> {
        patches.memory + (frame * patches.tiles.count + tile - patches.tiles.lowerBound) * patchPitch
    }

    /// A thread's rows and what it needs to transform them.
    struct Tables {
        /// Products of the rows with one panel, `[row][point][column]`.
        let products: UnsafeMutablePointer<Float>
        let work: UnsafeMutablePointer<Float>
        /// Those that two tiles are made from.
        let pixels: UnsafeMutablePointer<UnsafePointer<Float>>
        /// The pixels that each row makes.
        let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        /// Where pixels outside the target go; with one for all, threads would wait for each other's writes.
        let nowhere: UnsafeMutablePointer<Float>
        /// For each group of rows: of the outer taps through which some of them see a patch, how many come before each tap,
        /// which they are, and a pointer for each row.
        let before: UnsafeMutablePointer<Int>
        let taps: UnsafeMutablePointer<Int32>
        let rows: UnsafeMutablePointer<UnsafePointer<Float>>
        let productRows: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

        init(_ t: WinogradTransforms, _ carving: inout Carving) {
            let (groups, taps) = (t.rowGroups(tiles: t.mostTiles), t.plan.outerTaps)
            products = carving.take(groups * t.kernels.rows * t.productPitch)
            work = carving.take(WinogradKernels.workVectors * t.kernels.lanes)
            pixels = carving.take(2 * t.plan.points)
            targets = carving.take(t.mostTiles * t.plan.targetFrames * t.plan.outputPixels)
            nowhere = carving.take(t.panels.paddedColumns)
            before = carving.take(groups * (taps + 1))
            self.taps = carving.take(groups * taps)
            rows = carving.take(groups * taps * t.kernels.rows)
            productRows = carving.take(groups * t.kernels.rows)
        }
    }

    // MARK: - The source

    /// Transforms one frame of some of the tiles whose patches are asked for.
    func transform(
        _ job: WinogradJob, _ tiles: Range<Int>, frame: Int, to patches: Patches, _ tables: Tables
    ) {
        var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
        walk.move(to: tiles.lowerBound)
        var (pixels, ahead) = (tables.pixels, tables.pixels + plan.points)
        for tile in 0...tiles.count {
            // The pixels of one tile are listed while those of the one before are transformed.
            if tile < tiles.count {
                plan.list(
                    source: job.source, outside: job.padding, n: walk.n, t: walk.t, h: walk.h, w: walk.w, frame: frame,
                    into: ahead)
                walk.advance()
            }
            if tile > 0 {
                // Behind the last there is nothing to ask for.
                let next = tile < tiles.count ? ahead : pixels
                let patch = patch(tiles.lowerBound + tile - 1, frame, of: patches)
                let (factor, offset) = (job.prologue?.factor, job.prologue?.offset)
                if plan.tiling == .phases {
                    let side = plan.side(frame)
                    winograd.phaseInput(
                        side.rows, side.columns, pixels, next, plan.C, factor, offset, patch, patchPointPitch)
                } else {
                    winograd.input(
                        plan.tiling == .space, pixels, next, plan.C, factor, offset, tables.work, patch,
                        patchPointPitch, 0)
                }
            }
            swap(&pixels, &ahead)
        }
    }

    // MARK: - The rows

    private func row(_ tile: Int, _ frame: Int, of tiles: Int) -> Int {
        framesInside ? tile * plan.targetFrames + frame : frame * tiles + tile
    }

    private func place(_ row: Int, of tiles: Int) -> (tile: Int, frame: Int) {
        framesInside
            ? (tile: row / plan.targetFrames, frame: row % plan.targetFrames) : (tile: row % tiles, frame: row / tiles)
    }

    /// Fills the tables of some tiles, whose patches are among those given.
    /// - Returns: the outer taps through which some row sees a patch, from the first to the last.
    @discardableResult
    func list(_ job: WinogradJob, _ tiles: Range<Int>, of patches: Patches, _ tables: Tables) -> Range<Int> {
        var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
        walk.move(to: tiles.lowerBound)
        for tile in 0..<tiles.count {
            for frame in 0..<plan.targetFrames {
                plan.list(
                    target: job.target, nowhere: tables.nowhere, n: walk.n, t: walk.t, h: walk.h, w: walk.w,
                    frame: frame,
                    into: tables.targets + row(tile, frame, of: tiles.count) * plan.outputPixels)
            }
            walk.advance()
        }
        let (rows, taps, count) = (kernels.rows, plan.outerTaps, tiles.count * plan.targetFrames)
        var (first, end) = (taps, 0)
        for group in 0..<rowGroups(tiles: tiles.count) {
            for row in group * rows..<(group + 1) * rows {
                tables.productRows[row] = tables.products + row * productPitch
            }
            let before = tables.before + group * (taps + 1)
            before[0] = 0
            for tap in 0..<taps {
                let used = group * taps + before[tap]
                var any = false
                for row in 0..<rows {
                    let number = group * rows + row
                    let (tile, target) = place(number, of: tiles.count)
                    guard number < count, let frame = plan.sourceFrame(of: target, tap: tap) else {
                        tables.rows[used * rows + row] = job.zeros
                        continue
                    }
                    tables.rows[used * rows + row] = UnsafePointer(
                        patch(tiles.lowerBound + tile, frame, of: patches))
                    any = true
                }
                before[tap + 1] = before[tap] + (any ? 1 : 0)
                guard any else { continue }
                tables.taps[used] = Int32(truncatingIfNeeded: tap)
                (first, end) = (min(first, tap), max(end, tap + 1))
            }
        }
        return min(first, end)..<end
    }

    // MARK: - The target

    /// Transforms the products of some tiles' rows with one panel and writes the target.
    func finish(_ job: WinogradJob, _ tiles: Range<Int>, _ panel: Int, slot: Int, _ tables: Tables) {
        let columns = panels.width(panel) * kernels.lanes
        let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        for row in 0..<tiles.count * plan.targetFrames {
            let (products, pixels) = (tables.products + row * productPitch, tables.targets + row * plan.outputPixels)
            if plan.tiling == .phases {
                winograd.phaseOutput(products, columns, valid, pixels, first, job.accumulate, tables.work)
            } else {
                winograd.output(
                    plan.tiling == .space, products, columns, valid, pixels, first, job.accumulate, tables.work)
            }
        }
        guard let epilogue = job.epilogue else { return }
        plan.eachRun(N: job.N, tiles) { pixel, count in
            epilogue.finish(pixels: pixel, count: count, channels: first..<first + valid, slot: slot)
        }
    }
}

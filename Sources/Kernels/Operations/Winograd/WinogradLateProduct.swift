/// Forward and backward-data of Winograd's convolution for late layers: few tiles, weights of many megabytes.
///
/// There the transformed weights, four times as large as the canonical ones, would have to be written to memory and read
/// again. Here a task makes those of one panel and some channels, a piece that stays in the second cache, multiplies all
/// tiles with it and forgets it: the canonical weights are read once, and that is all that is read of them.
///
/// The sum of an output is cut into pieces of channels, added in order; each is one chain over the taps along time and the
/// piece's channels.
struct WinogradLateProduct: ConvolutionProduct {
    let plan: WinogradPlan
    let panels: Panels
    private let packing: WinogradPacking
    private let kernels: MicroKernelTable
    private let winograd: WinogradKernels

    /// Rows of the products, transformed tiles with their frames, that share the weights of a task.
    private static let groupRows = 64
    /// Groups whose tasks run side by side; the patches of so many are in memory.
    private static let groupsTogether = 2
    /// Tiles of one frame that are transformed by a task.
    private static let tilesPerTask = 4
    /// Steps of a chain of a sum, or the taps of 16 channels where those are more: its weights, 288 KiB with two vectors of
    /// columns, stay in the second cache.
    private static let chainSteps = 64
    /// Weights that a task copies where they are asked for packed.
    private static let copiedTogether = 1 << 16

    init(_ plan: WinogradPlan, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        self.plan = plan
        kernels = .table(for: instructionSet)
        winograd = .table(for: instructionSet)
        // With three vectors a piece would leave no room for the products beside it.
        panels = Panels(columns: plan.K, lanes: kernels.lanes, widest: 2)
        packing = WinogradPacking(plan: plan, panels: panels, pass, instructionSet: instructionSet)
    }

    // MARK: - Sizes

    private var tilesPerGroup: Int { max(Self.groupRows / plan.targetFrames, 1) }
    private var tilesTogether: Int { tilesPerGroup * Self.groupsTogether }
    private func tileCount(_ N: Int) -> Int { N * plan.grid.count }

    /// Source channels of a piece at most.
    private var pieceChannels: Int {
        let least = WinogradPacking.channelsTogether
        return min(max(Self.chainSteps / plan.outerTaps / least * least, least), plan.C)
    }
    private var pieces: Int { (plan.C + pieceChannels - 1) / pieceChannels }
    /// The same number in each piece, to within one.
    private func channels(_ piece: Int) -> Range<Int> { piece * plan.C / pieces..<(piece + 1) * plan.C / pieces }
    private var mostColumns: Int { panels.width(0) * kernels.lanes }

    private var patchPointPitch: Int { Carving.rounded(plan.C) }
    private var patchPitch: Int { Carving.odd(plan.points * patchPointPitch) }
    private var productPitch: Int { Carving.odd(plan.points * mostColumns) }
    /// Groups of rows that the micro-kernel multiplies at once.
    private var rowGroups: Int { (tilesPerGroup * plan.targetFrames + kernels.rows - 1) / kernels.rows }

    func scratchCount(N: Int, threads: Int) -> Int {
        let patches = min(tileCount(N), tilesTogether) * plan.sourceFrames + 1
        return Carving.rounded(plan.C) + Carving.rounded(panels.paddedColumns) + Carving.rounded(patches * patchPitch)
            + threads * Workspace.floats(self)
    }

    /// Each thread's memory, carved out of the scratch.
    private struct Workspace {
        let piece: UnsafeMutablePointer<Float>
        let packing: UnsafeMutablePointer<Float>
        let products: UnsafeMutablePointer<Float>
        let work: UnsafeMutablePointer<Float>
        let pixels: UnsafeMutablePointer<UnsafePointer<Float>>
        let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        /// For each group of rows: how many of the taps along time are no padding for all of it, which they are, and a
        /// pointer for each tap and row.
        let used: UnsafeMutablePointer<Int>
        let taps: UnsafeMutablePointer<Int32>
        let rows: UnsafeMutablePointer<UnsafePointer<Float>>
        let productRows: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

        init(_ p: WinogradLateProduct, _ carving: inout Carving) {
            let (groups, taps, lanes) = (p.rowGroups, p.plan.outerTaps, p.kernels.lanes)
            piece = carving.take(taps * p.plan.points * Carving.odd(p.pieceChannels * p.mostColumns))
            packing = carving.take(p.packing.workFloats(p.mostColumns))
            products = carving.take(groups * p.kernels.rows * p.productPitch)
            work = carving.take(WinogradKernels.workVectors * lanes)
            pixels = carving.take(p.plan.points)
            targets = carving.take(p.tilesPerGroup * p.plan.targetFrames * p.plan.outputPixels)
            used = carving.take(groups)
            self.taps = carving.take(groups * taps)
            rows = carving.take(groups * taps * p.kernels.rows)
            productRows = carving.take(groups * p.kernels.rows)
        }

        static func floats(_ p: WinogradLateProduct) -> Int {
            var carving = Carving.measuring
            _ = Workspace(p, &carving)
            return carving.floats
        }
    }

    // MARK: - The weights

    var readsCanonical: Bool { true }

    var packedCount: Int { plan.C * plan.K * plan.taps }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let (count, together) = (packedCount, Self.copiedTogether)
        pool.run((count + together - 1) / together) { task in
            let begin = task * together
            (packed + begin).update(from: weights + begin, count: min(together, count - begin))
        }
    }

    // MARK: - The product

    var appliesPrologue: Bool { true }

    /// Groups that run side by side have slots of their own; those that follow one another share them.
    func epilogueSlots(N: Int) -> Int? { min((tileCount(N) + tilesPerGroup - 1) / tilesPerGroup, Self.groupsTogether) }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(
            N: N, source: source, prologue: nil, packed: packed, target: target, accumulate: accumulate, epilogue: nil,
            scratch: scratch, pool: pool)
    }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        run(
            N: N, source: source, prologue: prologue, packed: packed, target: target, accumulate: false,
            epilogue: epilogue, scratch: scratch, pool: pool)
    }

    private struct Job {
        let N: Int
        let source: UnsafePointer<Float>
        let prologue: Prologue?
        /// What stands for pixels outside the source.
        let padding: UnsafePointer<Float>
        let weights: UnsafePointer<Float>
        let target: UnsafeMutablePointer<Float>
        let nowhere: UnsafeMutablePointer<Float>
        let accumulate: Bool
        let epilogue: EpilogueRun?
        /// Transformed patches of the tiles that are at hand, `[frame][tile][point][C]`, and behind them a row of zeros.
        let patches: UnsafeMutablePointer<Float>
        let zeros: UnsafePointer<Float>
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
        let patchRows = min(tileCount(N), tilesTogether) * plan.sourceFrames
        let patches: UnsafeMutablePointer<Float> = carving.take((patchRows + 1) * patchPitch)
        let zeros = patches + patchRows * patchPitch
        zeros.update(repeating: 0, count: patchPitch)
        let job = Job(
            N: N, source: source, prologue: prologue, padding: padding, weights: packed, target: target,
            nowhere: nowhere, accumulate: accumulate, epilogue: epilogue, patches: patches, zeros: zeros)
        let (workspaces, floats) = (carving.rest, Workspace.floats(self))
        func onThreads(_ tasks: Int, _ body: (Int, Workspace) -> Void) {
            pool.runOnThreads(tasks) { task, thread in
                var carving = Carving(workspaces + thread * floats)
                body(task, Workspace(self, &carving))
            }
        }
        for first in stride(from: 0, to: tileCount(N), by: tilesTogether) {
            let together = first..<min(first + tilesTogether, tileCount(N))
            let parts = (together.count + Self.tilesPerTask - 1) / Self.tilesPerTask
            onThreads(parts * plan.sourceFrames) { task, space in
                let (frame, part) = (task / parts, task % parts)
                let begin = first + part * Self.tilesPerTask
                transform(job, begin..<min(begin + Self.tilesPerTask, together.upperBound), of: together, frame, space)
            }
            let groups = (together.count + tilesPerGroup - 1) / tilesPerGroup
            onThreads(panels.count * groups) { task, space in
                let (panel, group) = (task / groups, task % groups)
                let begin = first + group * tilesPerGroup
                let tiles = begin..<min(begin + tilesPerGroup, together.upperBound)
                list(job, tiles, of: together, space)
                multiply(job, rows: tiles.count * plan.targetFrames, panel, space)
                finish(job, tiles, panel, slot: group, space)
            }
        }
    }

    /// Transforms one frame of some tiles.
    private func transform(
        _ job: Job, _ tiles: Range<Int>, of together: Range<Int>, _ frame: Int, _ space: Workspace
    ) {
        var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
        walk.move(to: tiles.lowerBound)
        for tile in tiles {
            plan.list(
                source: job.source, outside: job.padding, n: walk.n, t: walk.t, h: walk.h, w: walk.w, frame: frame,
                into: space.pixels)
            walk.advance()
            // So few pixels are in the caches since they were written: there is nothing to ask for but themselves.
            winograd.input(
                plan.space, space.pixels, space.pixels, plan.C, job.prologue?.factor, job.prologue?.offset, space.work,
                patch(job, tile - together.lowerBound, frame, of: together.count), patchPointPitch, 0)
        }
    }

    private func patch(_ job: Job, _ tile: Int, _ frame: Int, of tiles: Int) -> UnsafeMutablePointer<Float> {
        job.patches + (frame * tiles + tile) * patchPitch
    }

    /// Fills the tables of a group of tiles.
    private func list(_ job: Job, _ tiles: Range<Int>, of together: Range<Int>, _ space: Workspace) {
        let (rows, taps, frames) = (kernels.rows, plan.outerTaps, plan.targetFrames)
        var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
        walk.move(to: tiles.lowerBound)
        for tile in 0..<tiles.count {
            for frame in 0..<frames {
                plan.list(
                    target: job.target, nowhere: job.nowhere, n: walk.n, t: walk.t, h: walk.h, w: walk.w, frame: frame,
                    into: space.targets + (tile * frames + frame) * plan.outputPixels)
            }
            walk.advance()
        }
        let count = tiles.count * frames
        let begin = tiles.lowerBound - together.lowerBound
        for group in 0..<(count + rows - 1) / rows {
            var used = 0
            for tap in 0..<taps {
                var any = false
                for row in 0..<rows {
                    let number = group * rows + row
                    let frame = number % frames + tap - (taps > 1 ? plan.padding.t : 0)
                    let inside = number < count && frame >= 0 && frame < plan.sourceFrames
                    space.rows[(group * taps + used) * rows + row] =
                        inside
                        ? UnsafePointer(patch(job, begin + number / frames, frame, of: together.count)) : job.zeros
                    any = any || inside
                }
                guard any else { continue }
                space.taps[group * taps + used] = Int32(truncatingIfNeeded: tap)
                used += 1
            }
            space.used[group] = used
        }
    }

    /// Multiplies a group's patches with one panel of the weights, piece by piece and point by point.
    private func multiply(_ job: Job, rows count: Int, _ panel: Int, _ space: Workspace) {
        let (rows, taps, points) = (kernels.rows, plan.outerTaps, plan.points)
        let groups = (count + rows - 1) / rows
        let columns = panels.width(panel) * kernels.lanes
        let tile = kernels.gatherTile(panels.width(panel), asks: false)
        for row in 0..<groups * rows { space.productRows[row] = space.products + row * productPitch }
        var seen = 0..<taps
        while !seen.isEmpty, !isUsed(seen.lowerBound, groups, space) { seen.removeFirst() }
        while !seen.isEmpty, !isUsed(seen.upperBound - 1, groups, space) { seen.removeLast() }
        for number in 0..<pieces {
            let channels = channels(number)
            let (steps, pointPitch) = (channels.count, Carving.odd(channels.count * columns))
            packing.transform(
                job.weights, panel: panel, channels: channels, taps: seen, asks: true, to: space.piece,
                pointPitch: pointPitch, tapPitch: points * pointPitch, work: space.packing)
            for point in 0..<points {
                for group in 0..<groups {
                    tile(
                        space.rows + group * taps * rows, point * patchPointPitch + channels.lowerBound,
                        space.taps + group * taps, space.used[group], steps, space.piece + point * pointPitch,
                        points * pointPitch, space.piece, space.productRows + group * rows, point * columns, number > 0)
                }
            }
        }
    }

    private func isUsed(_ tap: Int, _ groups: Int, _ space: Workspace) -> Bool {
        for group in 0..<groups {
            for i in 0..<space.used[group] where Int(space.taps[group * plan.outerTaps + i]) == tap { return true }
        }
        return false
    }

    /// Transforms a group's products of one panel and writes the target.
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

/// Backward-weights of Winograd's convolution: for each point the product of the transformed input with the transformed
/// gradient of the output, summed over tiles, and transformed to taps at the end.
///
/// A task sums one slice of the tiles into one block of channels, a few tiles at a time: what it transforms and what it
/// sums stays in the second cache. The order of every sum is that of the tiles, then of the slices.
struct WinogradWeightGradient: ConvolutionWeightGradient {
    private let plan: WinogradPlan
    private let blocks: WinogradBlocks
    private let kernels: MicroKernelTable
    private let winograd: WinogradKernels

    init(_ plan: WinogradPlan, instructionSet: InstructionSet) {
        self.plan = plan
        kernels = .table(for: instructionSet)
        winograd = .table(for: instructionSet)
        blocks = WinogradBlocks(plan, lanes: kernels.lanes)
    }

    private var panels: Panels { blocks.panels }

    /// Each thread's memory, carved out of the scratch.
    private struct Workspace: ThreadMemory {
        /// Transformed tiles, `[point][tile][channel]`; rows of points an odd number of cache lines apart.
        let patches: UnsafeMutablePointer<Float>
        let gradients: UnsafeMutablePointer<Float>
        let work: UnsafeMutablePointer<Float>
        /// Of two tiles' inputs and two tiles' outputs.
        let pixels: UnsafeMutablePointer<UnsafePointer<Float>>
        /// A vector of input channels' gradients for one panel.
        let taps: UnsafeMutablePointer<Float>

        init(_ g: WinogradWeightGradient, _ carving: inout Carving) {
            let (points, tiles, lanes) = (g.blocks.pointsOfBlock, g.blocks.tilesTogether, g.kernels.lanes)
            patches = carving.take(points * Carving.odd(tiles * g.blocks.mostRows))
            gradients = carving.take(points * Carving.odd(tiles * g.blocks.mostColumns))
            work = carving.take(WinogradKernels.workVectors * lanes)
            pixels = carving.take(2 * (36 + 16))
            taps = carving.take(g.plan.taps * lanes * 3 * lanes)
        }
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        Carving.rounded(plan.C) + Carving.rounded(plan.K) + Carving.rounded(blocks.slices(N: N) * blocks.sumCount)
            + threads * Workspace.floats(self)
    }

    var appliesPrologue: Bool { true }

    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(N: N, x: x, behind: nil, dy: dy, dw: dw, scratch: scratch, pool: pool)
    }

    func run(
        N: Int, x: UnsafePointer<Float>, prologue: Prologue, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(N: N, x: x, behind: prologue, dy: dy, dw: dw, scratch: scratch, pool: pool)
    }

    private struct Job {
        let N: Int
        let x: UnsafePointer<Float>
        let prologue: Prologue?
        let dy: UnsafePointer<Float>
        /// What stands for pixels outside the input, and outside the output.
        let padding: UnsafePointer<Float>
        let zeros: UnsafePointer<Float>
    }

    private func run(
        N: Int, x: UnsafePointer<Float>, behind prologue: Prologue?, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let padding: UnsafeMutablePointer<Float> = carving.take(plan.C)
        WinogradPlan.fillPadding(padding, count: plan.C, prologue)
        let zeros: UnsafeMutablePointer<Float> = carving.take(plan.K)
        zeros.update(repeating: 0, count: plan.K)
        let slices = blocks.slices(N: N)
        let sums: UnsafeMutablePointer<Float> = carving.take(slices * blocks.sumCount)
        let job = Job(N: N, x: x, prologue: prologue, dy: dy, padding: padding, zeros: zeros)
        // The blocks of one slice follow one another: they read the same tiles.
        Workspace.run(self, slices * blocks.blockCount, in: carving.rest, pool) { task, space in
            let (slice, number) = (task / blocks.blockCount, task % blocks.blockCount)
            let (outer, rest) = (number % plan.outerTaps, number / plan.outerTaps)
            let (pair, channels) = (rest % blocks.pointBlocks, rest / blocks.pointBlocks)
            let block = blocks.block(
                outer: outer, pair: pair, row: channels / blocks.columnBlocks, column: channels % blocks.columnBlocks)
            sum(
                job, slice: slice, of: slices, outer: outer, block,
                into: sums + slice * blocks.sumCount + block.place, space)
        }
        kernels.addSlices(slices, of: blocks.sumCount, sums, pool)
        Workspace.run(self, panels.count * blocks.vectors, in: carving.rest, pool) { task, space in
            write(dw, sums, panel: task / blocks.vectors, vector: task % blocks.vectors, space)
        }
    }

    /// Sums the products of a slice into a block.
    private func sum(
        _ job: Job, slice: Int, of slices: Int, outer: Int, _ block: WinogradBlocks.Block,
        into sums: UnsafeMutablePointer<Float>, _ space: Workspace
    ) {
        // The frames of the gradient whose source lies inside; a product is a tile at one of them.
        let shift = plan.outerTaps > 1 ? outer - plan.padding.t : 0
        let firstFrame = max(-shift, 0)
        let frames = max(min(plan.targetFrames, plan.sourceFrames - shift) - firstFrame, 0)
        let products = job.N * plan.grid.count * frames
        let (begin, end) = (slice * products / slices, (slice + 1) * products / slices)
        guard begin < end else {
            let count = block.rows * block.columns
            for point in 0..<block.points {
                (sums + blocks.point(point, of: block) * count).update(repeating: 0, count: count)
            }
            return
        }
        for first in stride(from: begin, to: end, by: blocks.tilesTogether) {
            let count = min(blocks.tilesTogether, end - first)
            transform(job, first, count, frames: frames, firstFrame, shift, block, space)
            multiply(count, block, adds: first > begin, into: sums, space)
        }
    }

    /// Transforms the input and the gradient of `count` products.
    private func transform(
        _ job: Job, _ first: Int, _ count: Int, frames: Int, _ firstFrame: Int, _ shift: Int,
        _ block: WinogradBlocks.Block, _ space: Workspace
    ) {
        let (rows, columns, lanes) = (block.rows, block.columns, kernels.lanes)
        let (patchPitch, gradientPitch) = (Carving.odd(count * rows), Carving.odd(count * columns))
        let (x, padding) = (job.x + block.firstRow, job.padding + block.firstRow)
        let (dy, zeros) = (job.dy + block.firstColumn, job.zeros + block.firstColumn)
        let factor = job.prologue.map { $0.factor + block.firstRow }
        let offset = job.prologue.map { $0.offset + block.firstRow }
        let channels = min(rows, plan.C - block.firstRow)
        let outputs = min(columns, plan.K - block.firstColumn)
        var walk = PixelWalk(N: job.N, grid: plan.grid, clipsInside: false)
        walk.move(to: first / frames)
        var frame = first % frames
        var (inputs, nextInputs) = (space.pixels, space.pixels + 36)
        var (gradients, nextGradients) = (space.pixels + 72, space.pixels + 88)
        for product in 0..<count + 1 {
            // The pixels of one product are listed while those of the one before are transformed.
            if product < count {
                plan.list(
                    source: x, outside: padding, n: walk.n, t: walk.t, h: walk.h, w: walk.w,
                    frame: firstFrame + frame + shift, into: nextInputs)
                plan.list(
                    target: dy, nowhere: zeros, n: walk.n, t: walk.t, h: walk.h, w: walk.w,
                    frame: firstFrame + frame, into: nextGradients)
                frame += 1
                if frame == frames {
                    frame = 0
                    walk.advance()
                }
            }
            if product > 0 {
                // Behind the last there is nothing to ask for.
                let (inputsAhead, gradientsAhead) =
                    product < count ? (nextInputs, nextGradients) : (inputs, gradients)
                let patch = space.patches + (product - 1) * rows
                let gradient = space.gradients + (product - 1) * columns
                if plan.tiling == .space {
                    winograd.inputRows(block.pair, inputs, inputsAhead, channels, factor, offset, patch, patchPitch)
                    winograd.gradientRows(block.pair, gradients, gradientsAhead, outputs, gradient, gradientPitch)
                } else {
                    winograd.input(
                        false, inputs, inputsAhead, channels, factor, offset, space.work, patch, patchPitch, lanes)
                    winograd.gradientInTime(gradients, gradientsAhead, outputs, gradient, gradientPitch)
                }
            }
            swap(&inputs, &nextInputs)
            swap(&gradients, &nextGradients)
        }
    }

    /// Multiplies what `transform` left and adds it to a block's sums, `[point][row][column]`.
    private func multiply(
        _ count: Int, _ block: WinogradBlocks.Block, adds: Bool, into sums: UnsafeMutablePointer<Float>,
        _ space: Workspace
    ) {
        let (rows, columns) = (block.rows, block.columns)
        let (patchPitch, gradientPitch) = (Carving.odd(count * rows), Carving.odd(count * columns))
        for point in 0..<block.points {
            let (a, b) = (space.patches + point * patchPitch, space.gradients + point * gradientPitch)
            let c = sums + blocks.point(point, of: block) * rows * columns
            for panel in block.panels {
                let kernel = winograd.product(panels.width(panel))
                let column = panels.firstColumn(panel) - block.firstColumn
                for row in stride(from: 0, to: rows, by: kernels.rows) {
                    kernel(count, a + row, rows, b + column, columns, c + row * columns + column, columns, adds)
                }
            }
        }
    }

    /// Transforms the sums of a vector of input channels and a panel to taps and writes the canonical gradient.
    private func write(
        _ dw: UnsafeMutablePointer<Float>, _ sums: UnsafePointer<Float>, panel: Int, vector: Int, _ space: Workspace
    ) {
        let (lanes, taps) = (kernels.lanes, plan.taps)
        let (first, width) = (panels.firstColumn(panel), panels.width(panel) * lanes)
        let column = blocks.columnBlock(panel)
        for outer in 0..<plan.outerTaps {
            let block = blocks.block(outer: outer, row: blocks.rowBlock(vector), column: column)
            for row in 0..<lanes {
                let at = (vector * lanes + row - block.firstRow) * block.columns + first - block.firstColumn
                winograd.weightGradient(
                    plan.tiling == .space, width, sums + block.place + at, block.rows * block.columns,
                    space.taps + (outer * taps / plan.outerTaps * lanes + row) * width, lanes * width, space.work)
            }
        }
        // The last vectors begin early; what they repeat is written once.
        let firstChannel = min(vector * lanes, plan.C - lanes)
        let skipped = vector * lanes - firstChannel
        for column in 0..<width {
            let begin = (first + column) / lanes * lanes
            let k = min(begin, plan.K - lanes) + (first + column) % lanes
            guard k >= begin else { continue }
            let to = dw + (k * plan.C + firstChannel + skipped) * taps
            for row in skipped..<lanes {
                for tap in 0..<taps {
                    to[(row - skipped) * taps + tap] = space.taps[(tap * lanes + row) * width + column]
                }
            }
        }
    }
}

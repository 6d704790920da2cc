/// Backward-weights of Winograd's convolution: for each point the product of the transformed input with the transformed
/// gradient of the output, summed over tiles, and transformed to taps at the end.
///
/// Tiles are taken in parts that stay in the last cache: all of a part are transformed, then each point's products are
/// summed. The order of every sum is that of the tiles.
struct WinogradWeightGradient: ConvolutionWeightGradient {
    private let plan: WinogradPlan
    private let kernels: MicroKernelTable
    private let winograd: WinogradKernels
    /// Vectors of channels of the input and of the output; the last one begins early, so that it is full.
    private let inputGroups: Int
    private let panels: Panels

    /// Floats of a part's transformed tiles.
    private static let partFloats = 2 << 20
    private static let leastTiles = 64
    /// Tiles whose transforms are one task.
    private static let tilesPerTask = 8
    /// Products of one point that are summed before they are added to memory; they stay in the first cache.
    private static let chunkRows = 128

    init(_ plan: WinogradPlan, instructionSet: InstructionSet) {
        self.plan = plan
        kernels = .table(for: instructionSet)
        winograd = .table(for: instructionSet)
        inputGroups = (plan.C + kernels.lanes - 1) / kernels.lanes
        panels = Panels(columns: plan.K, lanes: kernels.lanes)
    }

    private var rowsIn: Int { inputGroups * kernels.lanes }
    private var columns: Int { panels.paddedColumns }
    private var sumCount: Int { plan.outerTaps * plan.points * rowsIn * columns }

    /// Tiles of a part.
    private var tilesPerPart: Int {
        let perTile = plan.points * (rowsIn * plan.sourceFrames + columns * plan.targetFrames)
        return max(Self.partFloats / perTile, max(Self.leastTiles / plan.targetFrames, 1))
    }

    private func parts(_ N: Int) -> Int { (N * plan.grid.count + tilesPerPart - 1) / tilesPerPart }

    /// The memory of a call, carved out of the scratch.
    private struct Space {
        /// What stands for pixels outside the input, and outside the output.
        let padding: UnsafeMutablePointer<Float>
        let zeros: UnsafeMutablePointer<Float>
        /// `[point][group of channels][frame][tile][lane]`.
        let patches: UnsafeMutablePointer<Float>
        let gradients: UnsafeMutablePointer<Float>
        /// `[outer tap][point][input channel][column]`.
        let sums: UnsafeMutablePointer<Float>
        /// For each thread.
        let work: UnsafeMutablePointer<Float>
        let pixels: UnsafeMutablePointer<UnsafePointer<Float>>
        let taps: UnsafeMutablePointer<Float>

        init(_ g: WinogradWeightGradient, N: Int, threads: Int, _ carving: inout Carving) {
            let tiles = min(g.tilesPerPart, N * g.plan.grid.count)
            padding = carving.take(g.plan.C)
            zeros = carving.take(g.plan.K)
            patches = carving.take(g.plan.points * Carving.odd(g.rowsIn * tiles * g.plan.sourceFrames))
            gradients = carving.take(g.plan.points * Carving.odd(g.columns * tiles * g.plan.targetFrames))
            sums = carving.take(g.sumCount)
            work = carving.take(threads * g.workFloats)
            pixels = carving.take(threads * 64)
            taps = carving.take(threads * g.tapFloats)
        }
    }

    private var workFloats: Int { WinogradKernels.workVectors * kernels.lanes }
    private var tapFloats: Int { plan.taps * kernels.lanes * 3 * kernels.lanes }

    func scratchCount(N: Int, threads: Int) -> Int {
        var carving = Carving.measuring
        _ = Space(self, N: N, threads: threads, &carving)
        return carving.floats
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

    private func run(
        N: Int, x: UnsafePointer<Float>, behind prologue: Prologue?, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let space = Space(self, N: N, threads: pool.threads, &carving)
        WinogradPlan.fillPadding(space.padding, count: plan.C, prologue)
        space.zeros.update(repeating: 0, count: plan.K)
        let (parts, tiles) = (parts(N), N * plan.grid.count)
        for part in 0..<parts {
            let range = part * tiles / parts..<(part + 1) * tiles / parts
            transform(N, range, x: x, prologue, dy: dy, space, pool)
            sum(range.count, adds: part > 0, space, pool)
        }
        write(dw, space, pool)
    }

    /// Transforms a part's input and gradient.
    private func transform(
        _ N: Int, _ range: Range<Int>, x: UnsafePointer<Float>, _ prologue: Prologue?, dy: UnsafePointer<Float>,
        _ space: Space, _ pool: ThreadPool
    ) {
        let lanes = kernels.lanes
        let (sources, targets) = (range.count * plan.sourceFrames, range.count * plan.targetFrames)
        pool.runOnThreads((range.count + Self.tilesPerTask - 1) / Self.tilesPerTask) { task, thread in
            let (pixels, work) = (space.pixels + thread * 64, space.work + thread * workFloats)
            var walk = PixelWalk(N: N, grid: plan.grid, clipsInside: false)
            let first = task * Self.tilesPerTask
            walk.move(to: range.lowerBound + first)
            for tile in first..<min(first + Self.tilesPerTask, range.count) {
                for frame in 0..<plan.sourceFrames {
                    plan.list(
                        source: x, outside: space.padding, n: walk.n, t: walk.t, h: walk.h, w: walk.w, frame: frame,
                        into: pixels)
                    winograd.input(
                        plan.space, pixels, plan.C, prologue?.factor, prologue?.offset, work,
                        space.patches + (frame * range.count + tile) * lanes, Carving.odd(sources * rowsIn),
                        sources * lanes)
                }
                for frame in 0..<plan.targetFrames {
                    plan.list(
                        target: dy, nowhere: UnsafePointer(space.zeros), n: walk.n, t: walk.t, h: walk.h, w: walk.w,
                        frame: frame, into: pixels)
                    winograd.gradient(
                        plan.space, pixels, plan.K, work, space.gradients + (frame * range.count + tile) * lanes,
                        Carving.odd(targets * columns), targets * lanes)
                }
                walk.advance()
            }
        }
    }

    /// Adds a part's products to the sums, each point and panel apart.
    private func sum(_ tiles: Int, adds: Bool, _ space: Space, _ pool: ThreadPool) {
        let (lanes, rows) = (kernels.lanes, kernels.rows)
        let (sources, targets) = (tiles * plan.sourceFrames, tiles * plan.targetFrames)
        pool.run(plan.outerTaps * plan.points * panels.count) { task in
            let (panel, rest) = (task % panels.count, task / panels.count)
            let (outer, point) = (rest / plan.points, rest % plan.points)
            // The frames of the gradient whose source lies inside.
            let shift = plan.outerTaps > 1 ? outer - plan.padding.t : 0
            let firstFrame = max(-shift, 0)
            let count = max(min(plan.targetFrames, plan.sourceFrames - shift) - firstFrame, 0) * tiles
            let width = panels.width(panel)
            let kernel = winograd.product(width)
            let firstColumn = panels.firstColumn(panel)
            let a = space.patches + point * Carving.odd(sources * rowsIn) + (firstFrame + shift) * tiles * lanes
            let b =
                space.gradients + point * Carving.odd(targets * columns) + firstColumn * targets
                + firstFrame * tiles * lanes
            let c = space.sums + rest * rowsIn * columns + firstColumn
            let chunks = max((count + Self.chunkRows - 1) / Self.chunkRows, 1)
            for chunk in 0..<chunks {
                let begin = chunk * count / chunks
                let steps = (chunk + 1) * count / chunks - begin
                for row in stride(from: 0, to: rowsIn, by: rows) {
                    kernel(
                        steps, a + row / lanes * sources * lanes + row % lanes + begin * lanes, lanes,
                        b + begin * lanes, targets * lanes, c + row * columns, columns, adds || chunk > 0)
                }
            }
        }
    }

    /// Transforms the sums to taps and writes the canonical gradient.
    private func write(_ dw: UnsafeMutablePointer<Float>, _ space: Space, _ pool: ThreadPool) {
        let (lanes, taps) = (kernels.lanes, plan.taps)
        let pointPitch = rowsIn * columns
        pool.runOnThreads(panels.count * inputGroups) { task, thread in
            let (panel, group) = (task / inputGroups, task % inputGroups)
            let (first, width) = (panels.firstColumn(panel), panels.width(panel) * lanes)
            let (scratch, work) = (space.taps + thread * tapFloats, space.work + thread * workFloats)
            for outer in 0..<plan.outerTaps {
                for row in 0..<lanes {
                    let at = outer * plan.points * pointPitch + (group * lanes + row) * columns + first
                    winograd.weightGradient(
                        plan.space, width, space.sums + at, pointPitch,
                        scratch + outer * taps / plan.outerTaps * lanes * width + row * width, lanes * width, work)
                }
            }
            // The last vectors begin early; what they repeat is written once.
            let firstChannel = min(group * lanes, plan.C - lanes)
            let skipped = group * lanes - firstChannel
            for column in 0..<width {
                let vector = (first + column) / lanes * lanes
                let k = min(vector, plan.K - lanes) + (first + column) % lanes
                guard k >= vector else { continue }
                let to = dw + (k * plan.C + firstChannel + skipped) * taps
                for row in skipped..<lanes {
                    for tap in 0..<taps {
                        to[(row - skipped) * taps + tap] = scratch[(tap * lanes + row) * width + column]
                    }
                }
            }
        }
    }
}

import MicroKernels

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
    private static let partFloats = 1 << 19
    private static let leastTiles = 64
    /// Tiles whose transforms are one task and lie together: what a task writes is one stretch of memory.
    private static let tilesPerPiece = productRows()
    /// Pieces of one point that are summed before they are added to memory; they stay in the first cache.
    private static let chunkPieces = 8

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

    /// Tiles of a part, whole pieces.
    private var tilesPerPart: Int {
        let perTile = plan.points * (rowsIn * plan.sourceFrames + columns * plan.targetFrames)
        let wanted = max(Self.partFloats / perTile, Self.leastTiles / plan.targetFrames, 1)
        return (wanted + Self.tilesPerPiece - 1) / Self.tilesPerPiece * Self.tilesPerPiece
    }

    private func parts(_ N: Int) -> Int { (N * plan.grid.count + tilesPerPart - 1) / tilesPerPart }

    /// Floats of the points of a vector of channels in a piece, and of a whole piece of either factor.
    private var groupPitch: Int { plan.points * Self.tilesPerPiece * kernels.lanes }
    private var patchPitch: Int { inputGroups * groupPitch }
    private var gradientPitch: Int { columns / kernels.lanes * groupPitch }

    /// The memory of a call, carved out of the scratch.
    private struct Space {
        /// What stands for pixels outside the input, and outside the output.
        let padding: UnsafeMutablePointer<Float>
        let zeros: UnsafeMutablePointer<Float>
        /// `[frame][piece][vector of channels][point][tile][lane]`.
        let patches: UnsafeMutablePointer<Float>
        let gradients: UnsafeMutablePointer<Float>
        /// `[outer tap][point][input channel][column]`.
        let sums: UnsafeMutablePointer<Float>
        /// For each thread.
        let work: UnsafeMutablePointer<Float>
        let pixels: UnsafeMutablePointer<UnsafePointer<Float>>
        let taps: UnsafeMutablePointer<Float>

        init(_ g: WinogradWeightGradient, N: Int, threads: Int, _ carving: inout Carving) {
            let pieces = g.tilesPerPart / tilesPerPiece
            padding = carving.take(g.plan.C)
            zeros = carving.take(g.plan.K)
            patches = carving.take(g.plan.sourceFrames * pieces * g.patchPitch)
            gradients = carving.take(g.plan.targetFrames * pieces * g.gradientPitch)
            sums = carving.take(g.sumCount)
            work = carving.take(threads * g.workFloats)
            pixels = carving.take(threads * WinogradWeightGradient.pixelPointers)
            taps = carving.take(threads * g.tapFloats)
        }
    }

    /// Of two tiles' inputs and two tiles' outputs.
    private static let pixelPointers = 2 * (36 + 16)
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
            let range = part * tilesPerPart..<min((part + 1) * tilesPerPart, tiles)
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
        let pieces = pieces(range.count)
        pool.runOnThreads(pieces) { piece, thread in
            let (pixels, work) = (space.pixels + thread * Self.pixelPointers, space.work + thread * workFloats)
            let first = piece * Self.tilesPerPiece
            let count = min(Self.tilesPerPiece, range.count - first)
            for frame in 0..<max(plan.sourceFrames, plan.targetFrames) {
                let patches = space.patches + (frame * pieces + piece) * patchPitch
                let gradients = space.gradients + (frame * pieces + piece) * gradientPitch
                // Tiles behind the last one: their products are nothing.
                if count < Self.tilesPerPiece {
                    if frame < plan.sourceFrames { patches.update(repeating: 0, count: patchPitch) }
                    if frame < plan.targetFrames { gradients.update(repeating: 0, count: gradientPitch) }
                }
                var walk = PixelWalk(N: N, grid: plan.grid, clipsInside: false)
                walk.move(to: range.lowerBound + first)
                var (inputs, nextInputs) = (pixels, pixels + 36)
                var (outputs, nextOutputs) = (pixels + 72, pixels + 88)
                for tile in 0..<count + 1 {
                    // The pixels of one tile are listed while those of the one before are transformed.
                    if tile < count {
                        let (n, t, h, w) = (walk.n, walk.t, walk.h, walk.w)
                        plan.list(
                            source: x, outside: space.padding, n: n, t: t, h: h, w: w, frame: frame, into: nextInputs)
                        plan.list(
                            target: dy, nowhere: UnsafePointer(space.zeros), n: n, t: t, h: h, w: w, frame: frame,
                            into: nextOutputs)
                        walk.advance()
                    }
                    if tile > 0, frame < plan.sourceFrames {
                        winograd.input(
                            plan.space, inputs, nextInputs, plan.C, prologue?.factor, prologue?.offset, work,
                            patches + (tile - 1) * kernels.lanes, Self.tilesPerPiece * kernels.lanes, groupPitch)
                    }
                    if tile > 0, frame < plan.targetFrames {
                        winograd.gradient(
                            plan.space, outputs, nextOutputs, plan.K, work, gradients + (tile - 1) * kernels.lanes,
                            Self.tilesPerPiece * kernels.lanes, groupPitch)
                    }
                    swap(&inputs, &nextInputs)
                    swap(&outputs, &nextOutputs)
                }
            }
        }
    }

    private func pieces(_ tiles: Int) -> Int { (tiles + Self.tilesPerPiece - 1) / Self.tilesPerPiece }

    /// Adds a part's products to the sums, each point and panel apart.
    private func sum(_ tiles: Int, adds: Bool, _ space: Space, _ pool: ThreadPool) {
        let (lanes, rows, pieces) = (kernels.lanes, kernels.rows, pieces(tiles))
        pool.run(plan.outerTaps * plan.points * panels.count) { task in
            let (panel, rest) = (task % panels.count, task / panels.count)
            let (outer, point) = (rest / plan.points, rest % plan.points)
            // The frames of the gradient whose source lies inside.
            let shift = plan.outerTaps > 1 ? outer - plan.padding.t : 0
            let firstFrame = max(-shift, 0)
            let count = max(min(plan.targetFrames, plan.sourceFrames - shift) - firstFrame, 0) * pieces
            let kernel = winograd.product(panels.width(panel))
            let firstColumn = panels.firstColumn(panel)
            let at = point * Self.tilesPerPiece * lanes
            let a = space.patches + (firstFrame + shift) * pieces * patchPitch + at
            let b = space.gradients + firstFrame * pieces * gradientPitch + firstColumn / lanes * groupPitch + at
            let c = space.sums + rest * rowsIn * columns + firstColumn
            var piece = 0
            repeat {
                let steps = min(Self.chunkPieces, count - piece)
                for row in stride(from: 0, to: rowsIn, by: rows) {
                    kernel(
                        steps, a + piece * patchPitch + row / lanes * groupPitch + row % lanes, patchPitch,
                        b + piece * gradientPitch, gradientPitch, groupPitch, c + row * columns, columns,
                        adds || piece > 0)
                }
                piece += steps
            } while piece < count
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

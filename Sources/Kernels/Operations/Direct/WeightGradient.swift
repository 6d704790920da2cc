/// The gradient of a convolution's weights: for each tap, the product of the input's channels with the output's gradient,
/// summed over pixels.
///
/// The pixels are cut into slices and those into chunks that stay in the first cache; a task sums one slice into one
/// panel of output channels, chunk by chunk, and the slices are added in order. The cut depends on the shape and the
/// batch size only.
struct WeightGradient: ConvolutionWeightGradient {
    let shape: ConvolutionShape
    let kernels: MicroKernelTable
    let panels: Panels
    private let taps: [GatherPlan.Tap]
    private let source: Extent3
    /// Whether a row of the kernel is one tap, as in `GatherPlan`.
    let joined: Bool
    /// Input values that a tap multiplies: channels, or places in a row and channels.
    private let length: Int
    /// Tiles of rows along `length`; the last one begins early, so that it is full, and repeats what others hold.
    let tiles: Int

    private static let chunkPixels = 128
    /// A task is worth its overhead from this many pixels on.
    private static let slicePixels = 256
    private static let wantedTasks = 16
    /// Slices stop where their partial sums would take more than this many floats.
    private static let maximumPartials = 2 << 20
    /// Floats of partial sums that stay in the second cache beside a chunk.
    private static let cachedSums = 1 << 16

    init(_ s: ConvolutionShape, instructionSet: InstructionSet) {
        shape = s
        kernels = .table(for: instructionSet)
        panels = Panels(columns: s.K, lanes: kernels.lanes)
        let plan = GatherPlan.forward(s)
        taps = plan.phases[0].taps
        source = plan.source
        joined = GatherPlan.joinsRows(s)
        length = plan.length
        tiles = (length + kernels.rows - 1) / kernels.rows
    }

    /// Whether `x` must be copied: to gain its padding, or because a tile would read behind its end.
    private var copies: Bool { joined || length < kernels.rows }
    /// Rows of the partial sums, of all tiles.
    private var rowCount: Int { taps.count * tiles * kernels.rows }
    var partialCount: Int { panels.paddedColumns * rowCount }
    private var channelsPerTask: Int { max(512 / shape.kernel.count, 1) }

    /// Panels that a task sums, with the rows of a tile collected once for all.
    private var panelsTogether: Int { min(panels.count, 3) }
    private var panelGroups: Int { (panels.count + 2) / 3 }
    private func panelGroup(_ group: Int) -> Range<Int> {
        group * panels.count / panelGroups..<(group + 1) * panels.count / panelGroups
    }

    /// Tiles that a task sums before it writes them, where one task sums all pixels: their sums stay in the second
    /// cache. Rows of the kernel that are one tap cannot be divided.
    private var tilesTogether: Int {
        let tile = panelsTogether * taps.count * kernels.rows * 3 * kernels.lanes
        return joined ? tiles : min(max(Self.cachedSums / tile, 1), tiles)
    }

    private func copyCount(N: Int) -> Int { copies ? N * source.count * shape.C + kernels.rows : 0 }

    private func slices(N: Int) -> Int {
        let wanted = (Self.wantedTasks + panelGroups - 1) / panelGroups
        let limit = min(N * shape.output.count / Self.slicePixels, Self.maximumPartials / partialCount)
        return max(min(wanted, limit), 1)
    }

    /// Where tile `tile` begins along `length`.
    func firstRow(_ tile: Int) -> Int { max(min(tile * kernels.rows, length - kernels.rows), 0) }

    func scratchCount(N: Int, threads: Int) -> Int {
        // Fewer clips may make fewer slices, never more, and a single slice needs less.
        Carving.rounded(copyCount(N: N)) + Carving.rounded(slices(N: N) * partialCount)
            + threads * Workspace.floats(self)
    }

    /// Each thread's memory, carved out of the scratch.
    private struct Workspace {
        /// A chunk of the output's gradient: for each panel and pixel the columns.
        let gradient: UnsafeMutablePointer<Float>
        /// For each pixel under the tap, its input and its place in the chunk.
        let inputs: UnsafeMutablePointer<UnsafePointer<Float>>
        let places: UnsafeMutablePointer<Int32>
        /// The rows of one tile, collected.
        let collected: UnsafeMutablePointer<Float>
        /// The sums of the tiles that are written together.
        let sums: UnsafeMutablePointer<Float>
        /// The canonical rows of a panel for a few channels, on their way to the gradient.
        let rows: UnsafeMutablePointer<Float>
        /// For each pixel: the input coordinates of tap (0, 0, 0) without padding, and the offset.
        let t: UnsafeMutablePointer<Int>
        let h: UnsafeMutablePointer<Int>
        let w: UnsafeMutablePointer<Int>
        let base: UnsafeMutablePointer<Int>

        init(_ g: WeightGradient, _ carving: inout Carving) {
            let pixels = WeightGradient.chunkPixels
            gradient = carving.take(pixels * g.panelsTogether * 3 * g.kernels.lanes)
            inputs = carving.take(pixels)
            places = carving.take(pixels)
            collected = carving.take(pixels * g.kernels.rows)
            sums = carving.take(
                g.panelsTogether * g.tilesTogether * g.taps.count * g.kernels.rows * 3 * g.kernels.lanes)
            rows = carving.take(g.canonicalPitch * 3 * g.kernels.lanes)
            t = carving.take(pixels)
            h = carving.take(pixels)
            w = carving.take(pixels)
            base = carving.take(pixels)
        }

        static func floats(_ g: WeightGradient) -> Int {
            var carving = Carving.measuring
            _ = Workspace(g, &carving)
            return carving.floats
        }
    }

    /// Writes the canonical `dw[K][C][t][h][w]`.
    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        var x = x
        if copies {
            let copy: UnsafeMutablePointer<Float> = carving.take(copyCount(N: N))
            copyInput(N: N, from: x, to: copy, pool: pool)
            x = UnsafePointer(copy)
        }
        let slices = slices(N: N)
        let pixels = N * shape.output.count
        if slices == 1 {
            let workspaces = carving.rest
            let groups = (tiles + tilesTogether - 1) / tilesTogether
            onThreads(panelGroups * groups, workspaces, pool) { task, workspace in
                let (chosen, group) = (panelGroup(task / groups), task % groups)
                let part = group * tiles / groups..<(group + 1) * tiles / groups
                let sums = Sums(values: workspace.sums, firstPanel: chosen.lowerBound, tiles: part)
                sum(0..<pixels, panels: chosen, x: x, dy: dy, into: sums, workspace)
                for panel in chosen {
                    write(sums, panel: panel, channels: channels(part), dw, workspace.rows)
                }
            }
            return
        }
        let partials: UnsafeMutablePointer<Float> = carving.take(slices * partialCount)
        let workspaces = carving.rest
        let whole = Sums(values: partials, firstPanel: 0, tiles: 0..<tiles)
        onThreads(slices * panelGroups, workspaces, pool) { task, workspace in
            let (slice, chosen) = (task / panelGroups, panelGroup(task % panelGroups))
            var sums = whole
            sums.values += slice * partialCount
            let range = slice * pixels / slices..<(slice + 1) * pixels / slices
            sum(range, panels: chosen, x: x, dy: dy, into: sums, workspace)
        }
        addSlices(slices, partials, pool)
        let groups = (shape.C + channelsPerTask - 1) / channelsPerTask
        onThreads(panels.count * groups, workspaces, pool) { task, workspace in
            let (panel, first) = (task / groups, task % groups * channelsPerTask)
            let channels = first..<min(first + channelsPerTask, shape.C)
            write(whole, panel: panel, channels: channels, dw, workspace.rows)
        }
    }

    /// Adds all slices to the first, in order.
    private func addSlices(_ slices: Int, _ partials: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
        let block = 4096
        pool.run((partialCount + block - 1) / block) { task in
            let to = partials + task * block
            let count = min(block, partialCount - task * block)
            for slice in 1..<slices { kernels.add(count, to, to + slice * partialCount, to) }
        }
    }

    /// Partial sums of some panels for some of the tiles, `[panel][tap][tile][row][column]`.
    struct Sums {
        var values: UnsafeMutablePointer<Float>
        let firstPanel: Int
        let tiles: Range<Int>
    }

    /// Where the sums of a panel begin.
    func place(_ sums: Sums, panel: Int) -> UnsafeMutablePointer<Float> {
        let columns = panels.firstColumn(panel) - panels.firstColumn(sums.firstPanel)
        return sums.values + columns * taps.count * sums.tiles.count * kernels.rows
    }

    /// The channels that belong to tiles, each to the first tile that has it.
    private func channels(_ part: Range<Int>) -> Range<Int> {
        joined ? 0..<shape.C : part.lowerBound * kernels.rows..<min(part.upperBound * kernels.rows, shape.C)
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

    private func copyInput(
        N: Int, from x: UnsafePointer<Float>, to copy: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let margin = joined ? shape.padding.w * shape.C : 0
        let inner = shape.input.w * shape.C
        let pitch = inner + 2 * margin
        let rows = N * source.t * source.h
        pool.run(N) { n in
            for row in n * source.t * source.h..<(n + 1) * source.t * source.h {
                let to = copy + row * pitch
                to.update(repeating: 0, count: margin)
                (to + margin).update(from: x + row * inner, count: inner)
                (to + margin + inner).update(repeating: 0, count: margin)
            }
        }
        (copy + rows * pitch).update(repeating: 0, count: kernels.rows)
    }

    /// Sums a slice of pixels into tiles of some panels.
    private func sum(
        _ pixels: Range<Int>, panels chosen: Range<Int>, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        into sums: Sums, _ space: Workspace
    ) {
        var walk = PixelWalk(N: 1, grid: shape.output, clipsInside: false)
        walk.move(to: pixels.lowerBound)
        let chunks = max((pixels.count + Self.chunkPixels - 1) / Self.chunkPixels, 1)
        let rows = kernels.rows
        let pitch = Self.chunkPixels * 3 * kernels.lanes
        for chunk in 0..<chunks {
            let begin = pixels.lowerBound + chunk * pixels.count / chunks
            let count = pixels.lowerBound + (chunk + 1) * pixels.count / chunks - begin
            for panel in chosen {
                let to = space.gradient + (panel - chosen.lowerBound) * pitch
                copyGradient(dy + begin * shape.K, count, panel: panel, to: to)
            }
            for i in 0..<count {
                let (t, h, w) = (walk.t * shape.stride.t, walk.h * shape.stride.h, walk.w * shape.stride.w)
                (space.t[i], space.h[i], space.w[i]) = (t, h, w)
                space.base[i] = (((walk.n * source.t + t) * source.h + h) * source.w + w) * shape.C
                walk.advance()
            }
            for (place, tap) in taps.enumerated() {
                let valid = gather(tap, count, x: x, space)
                for tile in sums.tiles {
                    kernels.collectRows(valid, space.inputs, firstRow(tile), space.collected)
                    let row = (place * sums.tiles.count + tile - sums.tiles.lowerBound) * rows
                    for panel in chosen {
                        let width = panels.width(panel)
                        kernels.weightTile(width)(
                            valid, space.collected, space.places,
                            space.gradient + (panel - chosen.lowerBound) * pitch,
                            self.place(sums, panel: panel) + row * width * kernels.lanes, chunk > 0)
                    }
                }
            }
        }
    }

    /// Copies one panel of the output's gradient, zeros where it has columns that do not exist.
    private func copyGradient(
        _ dy: UnsafePointer<Float>, _ pixels: Int, panel: Int, to gradient: UnsafeMutablePointer<Float>
    ) {
        let columns = panels.width(panel) * kernels.lanes
        let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        for pixel in 0..<pixels {
            let (from, to) = (dy + pixel * shape.K + first, gradient + pixel * columns)
            to.update(from: from, count: valid)
            if valid < columns { (to + valid).update(repeating: 0, count: columns - valid) }
        }
    }

    /// Lists the pixels of a chunk whose input under the tap is no padding.
    private func gather(
        _ tap: GatherPlan.Tap, _ count: Int, x: UnsafePointer<Float>, _ space: Workspace
    ) -> Int {
        let shifted = x + ((tap.t * source.h + tap.h) * source.w + tap.w) * shape.C
        var valid = 0
        for i in 0..<count {
            let inside =
                UInt(bitPattern: space.t[i] &+ tap.t) < UInt(bitPattern: source.t)
                && UInt(bitPattern: space.h[i] &+ tap.h) < UInt(bitPattern: source.h)
                && UInt(bitPattern: space.w[i] &+ tap.w) < UInt(bitPattern: source.w)
            // Written always, kept only inside: no branch to guess.
            space.inputs[valid] = shifted + space.base[i]
            space.places[valid] = Int32(truncatingIfNeeded: i)
            valid += inside ? 1 : 0
        }
        return valid
    }
}

/// The gradient of a convolution's weights: for each tap, the product of the input's channels with the output's gradient,
/// summed over pixels.
///
/// A task sums one slice of the pixels into a few panels of output channels and one part of the input channels, whose
/// sums stay in the second cache: chunk by chunk of pixels, each of which is one chain of f32 additions. Slices are added
/// in order. The cut depends on the shape and the batch size only.
struct WeightGradient: ConvolutionWeightGradient {
    let shape: ConvolutionShape
    let kernels: MicroKernelTable
    let panels: Panels
    let pixels: WeightGradientPixels
    /// Input values that a tap multiplies: channels, or places in a row and channels.
    let length: Int
    /// Groups of panels, and parts of the input channels: their product is the number of blocks of sums.
    let groups: Int
    let parts: Int
    /// Floats that the sums of any block take.
    let blockCount: Int

    /// Panels that a task sums: they share a copy of the input.
    static let panelsTogether = 3
    /// A task is worth its overhead from this many pixels on.
    private static let slicePixels = 256
    private static let wantedTasks = 16
    /// Slices stop where their partial sums would take more than this many floats.
    private static let maximumPartials = 2 << 20
    /// Floats of sums that stay in the second cache beside a chunk.
    private static let cachedSums = 1 << 16

    init(_ original: ConvolutionShape, instructionSet: InstructionSet) {
        // Where a pixel sees only itself, rows may be of any length: those of a chunk are the longest runs.
        let s = original.isPointwise ? original.inRows(ofAtMost: WeightGradientPixels.chunk) : original
        shape = s
        kernels = .table(for: instructionSet)
        panels = Panels(columns: s.K, lanes: kernels.lanes)
        pixels = WeightGradientPixels(s)
        length = GatherPlan.forward(s).length
        groups = (panels.count + Self.panelsTogether - 1) / Self.panelsTogether
        // The first panels are the widest, and the first group is as large as any.
        let widest = Tiling(length: length, width: panels.width(0), kernels)
        let largest = (panels.count + groups - 1) / groups
        let whole = largest * widest.count * widest.floats * pixels.taps.count
        // Rows of the kernel that are one tap cannot be divided.
        parts = pixels.joined ? 1 : max(1, min((whole + Self.cachedSums / 2) / Self.cachedSums, widest.count / 2))
        var block = 0
        for width in 1...3 {
            let tiling = Tiling(length: length, width: width, kernels)
            block = max(block, largest * ((tiling.count + parts - 1) / parts) * tiling.floats * pixels.taps.count)
        }
        blockCount = block
    }

    /// How the rows of one panel are cut into tiles.
    struct Tiling {
        let length: Int
        let rows: Int
        let columns: Int
        let count: Int

        init(length: Int, width: Int, _ kernels: MicroKernelTable) {
            self.length = length
            rows = kernels.weightRows(width)
            columns = width * kernels.lanes
            count = (length + rows - 1) / rows
        }

        /// Floats of a tile.
        var floats: Int { rows * columns }

        /// Where a tile begins; the last one begins early, so that it is full, and repeats what others hold.
        func firstRow(_ tile: Int) -> Int { max(min(tile * rows, length - rows), 0) }
    }

    /// Sums of one group and part: for each panel `[tap][tile][row][column]`.
    struct Block {
        let panels: Range<Int>
        let part: Int
        let sums: UnsafeMutablePointer<Float>
    }

    func tiling(_ panel: Int) -> Tiling { Tiling(length: length, width: panels.width(panel), kernels) }

    /// The tiles of a part.
    func tiles(_ part: Int, _ tiling: Tiling) -> Range<Int> {
        part * tiling.count / parts..<(part + 1) * tiling.count / parts
    }

    /// Where the sums of one of a block's panels begin.
    func place(_ panel: Int, in block: Block) -> UnsafeMutablePointer<Float> {
        var sums = block.sums
        for before in block.panels.lowerBound..<panel {
            let tiling = tiling(before)
            sums += pixels.taps.count * tiles(block.part, tiling).count * tiling.floats
        }
        return sums
    }

    private func block(_ number: Int, _ sums: UnsafeMutablePointer<Float>) -> Block {
        let group = number / parts
        return Block(
            panels: group * panels.count / groups..<(group + 1) * panels.count / groups, part: number % parts,
            sums: sums)
    }

    private func slices(N: Int) -> Int {
        let blocks = groups * parts
        let limit = min(N * shape.output.count / Self.slicePixels, Self.maximumPartials / (blocks * blockCount))
        return max(min((Self.wantedTasks + blocks - 1) / blocks, limit), 1)
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        // Fewer clips may make fewer slices, never more, and a single slice needs less.
        Carving.rounded(slices(N: N) * groups * parts * blockCount) + threads * Workspace.floats(self)
    }

    /// Floats from a pixel of the input's copy to the next: each tile has a copy of its own, but for joined rows.
    func pitch(_ tiling: Tiling) -> Int { pixels.joined ? shape.C : tiling.rows }

    /// Floats from a tile's copy of the input to the next: an odd number of cache lines, so that the values of one pixel,
    /// which are dealt out together, do not all fall into one set of the first cache.
    func tilePitch(_ tiling: Tiling) -> Int {
        ((pixels.slots * tiling.rows + floatsOfLine - 1) / floatsOfLine | 1) * floatsOfLine
    }

    /// Floats of the input's copy for one width of panels, with what the last tile reads behind it.
    var inputCount: Int {
        let overhang = kernels.weightRows(1)
        if pixels.joined { return pixels.slots * shape.C + overhang }
        let counts = (1...3).map { width in
            let tiling = Tiling(length: length, width: width, kernels)
            return (tiling.count + parts - 1) / parts * tilePitch(tiling)
        }
        return counts.max()!
    }

    /// Each thread's memory, carved out of the scratch.
    struct Workspace: ThreadMemory {
        /// A chunk of the group's panels of the output's gradient, and of the input that it sees.
        let gradient: UnsafeMutablePointer<Float>
        let input: UnsafeMutablePointer<Float>
        /// Where the tiles of a part begin.
        let places: UnsafeMutablePointer<Int>
        /// For each tap the runs of a chunk, three numbers each, and how many there are.
        let runs: UnsafeMutablePointer<Int>
        let runCounts: UnsafeMutablePointer<Int>
        /// The sums of a task that sums all pixels.
        let sums: UnsafeMutablePointer<Float>
        /// Rows to turn, where they go, and where those go that do not exist.
        let from: UnsafeMutablePointer<UnsafePointer<Float>>
        let to: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        let nowhere: UnsafeMutablePointer<Float>

        init(_ g: WeightGradient, _ carving: inout Carving) {
            gradient = carving.take(WeightGradientPixels.chunk * panelsTogether * 3 * g.kernels.lanes)
            input = carving.take(2 * g.inputCount)
            places = carving.take(g.length)
            runs = carving.take(g.pixels.taps.count * g.pixels.unitsPerChunk * 3)
            runCounts = carving.take(g.pixels.taps.count)
            sums = carving.take(g.blockCount)
            from = carving.take(g.shape.C * g.shape.kernel.count)
            to = carving.take(3 * g.kernels.lanes)
            nowhere = carving.take(g.shape.C * g.shape.kernel.count)
        }
    }

    /// Writes the canonical `dw[K][C][t][h][w]`.
    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let slices = slices(N: N)
        let units = N * pixels.unitsPerClip
        let blocks = groups * parts
        if slices == 1 {
            Workspace.run(self, blocks, in: scratch, pool) { number, workspace in
                let block = block(number, workspace.sums)
                sum(0..<units, block, x: x, dy: dy, workspace)
                for panel in block.panels { write(block, panel: panel, dw, workspace) }
            }
            return
        }
        let workspaces = scratch + Carving.rounded(slices * blocks * blockCount)
        Workspace.run(self, slices * blocks, in: workspaces, pool) { task, workspace in
            let slice = task / blocks
            let range = slice * units / slices..<(slice + 1) * units / slices
            sum(range, block(task % blocks, scratch + task * blockCount), x: x, dy: dy, workspace)
        }
        kernels.addSlices(slices, of: blocks * blockCount, scratch, pool)
        Workspace.run(self, panels.count * parts, in: workspaces, pool) { task, workspace in
            let panel = task / parts
            let group = (0..<groups).first { block($0 * parts, scratch).panels.contains(panel) }!
            let number = group * parts + task % parts
            write(block(number, scratch + number * blockCount), panel: panel, dw, workspace)
        }
    }
}

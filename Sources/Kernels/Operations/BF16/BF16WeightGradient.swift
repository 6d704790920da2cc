/// The gradient of a convolution's weights from pairs of bfloat16: neighbouring pixels of a row of the output, or
/// where a pixel sees only itself of the whole clip, and the pixels of the input that they see under a tap.
///
/// A task sums one slice of the output's rows into a group of panels of output channels and a part of the input channels,
/// whose sums stay in the second cache: chunk by chunk of rows, each of which is one chain of f32 additions. Slices are
/// added in order. The cut depends on the shape and the batch size only.
struct BF16WeightGradient: ConvolutionWeightGradient {
    let shape: ConvolutionShape
    let bf16: BF16Kernels
    let panels: Panels
    let pixels: PairedPixels
    /// Groups of panels, and parts of the input channels: their product is the number of blocks of sums.
    let groups: Int
    let parts: Int
    /// Floats that the sums of any block take.
    let blockCount: Int

    var kernels: MicroKernelTable { bf16.kernels }

    /// A task is worth its overhead from this many pixels on.
    private static let slicePixels = 256
    private static let wantedTasks = 16
    /// Slices stop where their partial sums would take more than this many floats.
    private static let maximumPartials = 2 << 20
    /// Floats of sums that stay in the second cache beside a chunk.
    private static let cachedSums = 1 << 16

    init(_ original: ConvolutionShape, emulated: Bool) {
        // Where a pixel sees only itself, rows may be of any length: of long ones hardly a pair is half empty.
        let s = original.isPointwise ? original.inRows(ofAtMost: PairedPixels.chunk) : original
        shape = s
        bf16 = .table(emulated: emulated)
        let kernels = bf16.kernels
        let panels = Panels(columns: s.K, lanes: kernels.lanes)
        self.panels = panels
        pixels = PairedPixels(shape: s)
        /// Floats of one panel's sums for so many tiles of the input channels, the widest panel being the first.
        func sums(_ tiles: Int) -> Int {
            (1...panels.width(0)).map { tiles * kernels.weightRows($0) * $0 * kernels.lanes }.max()! * s.kernel.count
        }
        let tiles = (s.C + kernels.weightRows(3) - 1) / kernels.weightRows(3)
        let together = min(max(Self.cachedSums / sums(tiles), 1), panels.count)
        groups = (panels.count + together - 1) / together
        let most = (panels.count + groups - 1) / groups
        let fewest = (1...3).map { (s.C + kernels.weightRows($0) - 1) / kernels.weightRows($0) }.min()!
        parts = max(1, min((most * sums(tiles) + Self.cachedSums - 1) / Self.cachedSums, fewest / 2))
        // A part may have one tile more than another.
        blockCount = most * sums((tiles + parts - 1) / parts)
    }

    /// How the input channels of a panel's sums are cut into tiles; the last begins early, so that it is full, and repeats
    /// what the one before it holds.
    struct Tiling {
        let rows: Int
        let columns: Int
        let count: Int
        private let C: Int

        init(C: Int, width: Int, _ kernels: MicroKernelTable) {
            self.C = C
            rows = kernels.weightRows(width)
            columns = width * kernels.lanes
            count = (C + rows - 1) / rows
        }

        var floats: Int { rows * columns }

        func firstChannel(_ tile: Int) -> Int { min(tile * rows, C - rows) }
    }

    func tiling(_ panel: Int) -> Tiling { Tiling(C: shape.C, width: panels.width(panel), kernels) }

    /// The tiles of a part.
    func tiles(_ part: Int, _ tiling: Tiling) -> Range<Int> {
        part * tiling.count / parts..<(part + 1) * tiling.count / parts
    }

    /// Sums of one group and part: for each panel `[tap][tile][row][column]`.
    struct Block {
        let panels: Range<Int>
        let part: Int
        let sums: UnsafeMutablePointer<Float>
    }

    private func block(_ number: Int, _ sums: UnsafeMutablePointer<Float>) -> Block {
        let group = number / parts
        return Block(
            panels: group * panels.count / groups..<(group + 1) * panels.count / groups, part: number % parts,
            sums: sums)
    }

    /// Where the sums of one of a block's panels begin.
    func place(_ panel: Int, in block: Block) -> UnsafeMutablePointer<Float> {
        block.sums + (panel - block.panels.lowerBound) * (blockCount / ((panels.count + groups - 1) / groups))
    }

    private func slices(N: Int) -> Int {
        let blocks = groups * parts
        let limit = min(N * shape.output.count / Self.slicePixels, Self.maximumPartials / (blocks * blockCount))
        return max(min((Self.wantedTasks + blocks - 1) / blocks, limit), 1)
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        // Fewer clips may make fewer slices, never more, and a single slice needs less.
        Carving.rounded(pixels.pairedCount(N: N)) + Carving.rounded(slices(N: N) * groups * parts * blockCount)
            + threads * Workspace.floats(self)
    }

    var appliesPrologue: Bool { true }

    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(Operands(N: N, x: x, prologue: nil, dy: dy, paired: scratch), dw, scratch, pool)
    }

    func run(
        N: Int, x: UnsafePointer<Float>, prologue: Prologue, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(Operands(N: N, x: x, prologue: prologue, dy: dy, paired: scratch), dw, scratch, pool)
    }

    /// What is multiplied.
    struct Operands {
        let N: Int
        let x: UnsafePointer<Float>
        let prologue: Prologue?
        let dy: UnsafePointer<Float>
        /// The input's pairs, where they are made beforehand.
        let paired: UnsafeMutablePointer<Float>
    }

    private func run(
        _ operands: Operands, _ dw: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>,
        _ pool: ThreadPool
    ) {
        let scratch = scratch + Carving.rounded(pixels.pairedCount(N: operands.N))
        if pixels.pairsBeforehand { pairInput(operands, pool) }
        let slices = slices(N: operands.N)
        let rows = operands.N * shape.output.t * shape.output.h
        let blocks = groups * parts
        if slices == 1 {
            Workspace.run(self, blocks, in: scratch, pool) { number, workspace in
                let block = block(number, workspace.sums)
                sum(0..<rows, operands, block, workspace)
                for panel in block.panels { write(block, panel: panel, dw, workspace) }
            }
            return
        }
        let workspaces = scratch + Carving.rounded(slices * blocks * blockCount)
        Workspace.run(self, slices * blocks, in: workspaces, pool) { task, workspace in
            let slice = task / blocks
            let range = slice * rows / slices..<(slice + 1) * rows / slices
            sum(range, operands, block(task % blocks, scratch + task * blockCount), workspace)
        }
        kernels.addSlices(slices, of: blocks * blockCount, scratch, pool)
        Workspace.run(self, blocks, in: workspaces, pool) { number, workspace in
            let block = block(number, scratch + number * blockCount)
            for panel in block.panels { write(block, panel: panel, dw, workspace) }
        }
    }

    /// Writes one panel's sums as `[K][C][t][h][w]`.
    private func write(_ block: Block, panel: Int, _ dw: UnsafeMutablePointer<Float>, _ space: Workspace) {
        let (tiling, kernel) = (tiling(panel), shape.kernel.count)
        let (tiles, sums) = (tiles(block.part, tiling), place(panel, in: block))
        let (firstColumn, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        // The channels that belong to the tiles, each to the first tile that has it.
        let channels = tiles.lowerBound * tiling.rows..<min(tiles.upperBound * tiling.rows, shape.C)
        for k in 0..<tiling.columns {
            space.to[k] = k < valid ? dw + (firstColumn + k) * shape.C * kernel : space.nowhere
        }
        for value in 0..<channels.count * kernel {
            let (c, tap) = (channels.lowerBound + value / kernel, value % kernel)
            let tile = c / tiling.rows
            space.from[value] = UnsafePointer(
                sums
                    + ((tap * tiles.count + tile - tiles.lowerBound) * tiling.rows + c - tiling.firstChannel(tile))
                    * tiling.columns)
        }
        kernels.turn(
            space.from, count: channels.count * kernel, columns: tiling.columns, valid: valid, to: space.to,
            channels.lowerBound * kernel)
    }
}

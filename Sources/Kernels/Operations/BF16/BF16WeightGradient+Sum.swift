/// How the pairs of pixels lie in the copies of a chunk, which is some rows of one frame of the output.
struct PairedPixels: Sendable {
    let shape: ConvolutionShape

    /// Pixels of a chunk, more only where a single row has more: the longest chain of f32 additions.
    static let chunk = 128

    /// Pairs of a row of the output; the last may be of one pixel.
    var pairs: Int { (shape.output.w + 1) / 2 }
    /// Rows of the output that make a chunk, at most.
    var rows: Int { min(max(Self.chunk / (2 * pairs), 1), shape.output.h) }
    /// From a row of the copy to the next, in rows of the input: with a single tap those between are left out.
    var rowStep: Int { shape.kernel.h == 1 ? shape.stride.h : 1 }
    /// From what a row of the output sees to what the next sees, in rows of the copy.
    var rowsPerRow: Int { shape.kernel.h == 1 ? 1 : shape.stride.h }
    /// Whether a pixel of the input is the same half of the same pair for every tap, and none that is looked at lies in the
    /// padding but for whole frames. Then all are rounded once, and not by every task for itself.
    var pairsBeforehand: Bool {
        shape.kernel.h * shape.kernel.w == 1 && shape.padding.h + shape.padding.w == 0
            && (shape.kernel.t > 1 || shape.padding.t == 0)
    }
    /// Frames of the input that are paired beforehand, and the input's frame of each.
    private var pairedFrames: Int { shape.kernel.t == 1 ? shape.output.t : shape.input.t }
    private func frame(_ paired: Int) -> Int { shape.kernel.t == 1 ? paired * shape.stride.t : paired }
    /// Pairs of pixels of the input that are made beforehand, `[n][t][h][pair][C]`, in floats.
    func pairedCount(N: Int) -> Int { pairsBeforehand ? pairedRows(N: N) * pairs * shape.C : 0 }
    /// Rows of pairs, and the first pixel of the input that row `row` of them sees.
    func pairedRows(N: Int) -> Int { N * pairedFrames * shape.output.h }
    func firstPixel(pairedRow row: Int) -> Int {
        let (n, t) = (row / (shape.output.h * pairedFrames), row / shape.output.h % pairedFrames)
        let h = row % shape.output.h * shape.stride.h
        return ((n * shape.input.t + frame(t)) * shape.input.h + h) * shape.input.w
    }
    /// The row of pairs of a row of the output at a frame of the input.
    func pairedRow(n: Int, frame t: Int, h: Int) -> Int {
        (n * pairedFrames + (shape.kernel.t == 1 ? t / shape.stride.t : t)) * shape.output.h + h
    }

    /// Floats from a tile's copy for one tap of a row to the next, for so many rows of the output. All tiles of a pixel are
    /// written one after the other: they must not fall into the same sets of the first cache.
    func copyPitch(of rows: Int, tileRows: Int) -> Int { Carving.odd(copiedRows(rows) * pairs * tileRows) }

    /// Rows of the copy for so many rows of the output.
    func copiedRows(_ rows: Int) -> Int { (rows - 1) * rowsPerRow + shape.kernel.h }
}

extension BF16WeightGradient {
    /// Each thread's memory, carved out of the scratch.
    struct Workspace: ThreadMemory {
        /// Pairs of a chunk of the output's gradient, `[panel][pair][column]`.
        let gradient: UnsafeMutablePointer<Float>
        /// Pairs of the input that a chunk sees in one frame, `[tile][tap of the row][row][pair][channel]`.
        let input: UnsafeMutablePointer<Float>
        /// A row of them before it is dealt out to the tiles, `[pair][channel]`.
        let row: UnsafeMutablePointer<Float>
        /// Where the tiles of a part begin among its channels.
        let places: UnsafeMutablePointer<Int>
        /// For each tap of a column of the kernel the runs of a chunk, three numbers each, and how many there are.
        let runs: UnsafeMutablePointer<Int>
        let runCounts: UnsafeMutablePointer<Int>
        /// The sums of a task that sums all rows.
        let sums: UnsafeMutablePointer<Float>
        /// Rows to turn, where they go, and where those go that do not exist.
        let from: UnsafeMutablePointer<UnsafePointer<Float>>
        let to: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        let nowhere: UnsafeMutablePointer<Float>

        init(_ g: BF16WeightGradient, _ carving: inout Carving) {
            let (pixels, kernel) = (g.pixels, g.shape.kernel)
            let together = (g.panels.count + g.groups - 1) / g.groups
            gradient = carving.take(together * pixels.rows * pixels.pairs * 3 * g.kernels.lanes)
            let tilings = (1...3).map { Tiling(C: g.shape.C, width: $0, g.kernels) }
            func most(_ floats: (Tiling) -> Int) -> Int {
                tilings.map { ($0.count + g.parts - 1) / g.parts * floats($0) }.max()!
            }
            let channels = most { $0.rows }
            input = carving.take(most { kernel.w * pixels.copyPitch(of: pixels.rows, tileRows: $0.rows) })
            row = carving.take(channels * pixels.pairs)
            places = carving.take(g.shape.C)
            runs = carving.take(kernel.h * pixels.rows * 3)
            runCounts = carving.take(kernel.h)
            sums = carving.take(g.blockCount)
            from = carving.take(g.shape.C * kernel.count)
            to = carving.take(3 * g.kernels.lanes)
            nowhere = carving.take(g.shape.C * kernel.count)
        }
    }

    /// Some rows of a frame of the output.
    private struct Chunk {
        let n: Int
        let t: Int
        let h: Range<Int>
    }

    /// Sums a slice of the output's rows into a block.
    func sum(_ rows: Range<Int>, _ operands: Operands, _ block: Block, _ space: Workspace) {
        block.sums.update(repeating: 0, count: blockCount)
        var row = rows.lowerBound
        while row < rows.upperBound {
            let (frame, h) = row.quotientAndRemainder(dividingBy: shape.output.h)
            let count = min(pixels.rows, shape.output.h - h, rows.upperBound - row)
            add(
                Chunk(n: frame / shape.output.t, t: frame % shape.output.t, h: h..<h + count), operands, block, space)
            row += count
        }
    }

    private func add(_ chunk: Chunk, _ operands: Operands, _ block: Block, _ space: Workspace) {
        let gradientPitch = pixels.rows * pixels.pairs * 3 * kernels.lanes
        for panel in block.panels {
            copyGradient(
                chunk, panel: panel, operands, to: space.gradient + (panel - block.panels.lowerBound) * gradientPitch)
        }
        let kernel = shape.kernel
        for dt in 0..<kernel.t {
            let t = chunk.t * shape.stride.t - shape.padding.t + dt
            guard t >= 0, t < shape.input.t else { continue }
            // Panels of one width share the input and the runs.
            var prepared = 0
            for panel in block.panels {
                let tiling = tiling(panel)
                let tiles = tiles(block.part, tiling)
                if tiling.rows != prepared {
                    copyInput(chunk, frame: t, tiles, tiling, operands, space)
                    listRuns(chunk, tiling, space)
                    prepared = tiling.rows
                }
                let multiply = kernels.weightTile(panels.width(panel))
                let pitch = pixels.copyPitch(of: chunk.h.count, tileRows: tiling.rows)
                let gradient = space.gradient + (panel - block.panels.lowerBound) * gradientPitch
                for tile in 0..<tiles.count {
                    for dh in 0..<kernel.h where space.runCounts[dh] > 0 {
                        for dw in 0..<kernel.w {
                            let tap = (dt * kernel.h + dh) * kernel.w + dw
                            multiply(
                                space.runs + dh * pixels.rows * 3, space.runCounts[dh],
                                space.input + (tile * kernel.w + dw) * pitch,
                                tiling.rows, gradient, gradient, 0,
                                place(panel, in: block) + (tap * tiles.count + tile) * tiling.floats, true)
                        }
                    }
                }
            }
        }
    }

    /// How far ahead pairs are asked for while others are dealt out.
    private static let pairsAhead = 3

    /// Rounds the input's rows that the taps see, of all frames where there are taps in time, behind what stands before the
    /// convolution.
    func pairInput(_ operands: Operands, _ pool: ThreadPool) {
        let (C, stride) = (shape.C, shape.stride.w)
        pool.run(pixels.pairedRows(N: operands.N)) { row in
            let from = operands.x + pixels.firstPixel(pairedRow: row) * C
            let to = operands.paired + row * pixels.pairs * C
            for pair in 0..<pixels.pairs {
                let low = from + 2 * pair * stride * C
                bf16.pairRows(
                    C, low, 2 * pair + 1 < shape.output.w ? low + stride * C : nil, operands.prologue?.factor,
                    operands.prologue?.offset, to + pair * C)
            }
        }
    }

    /// Copies one panel of the output's gradient, zeros where it has columns or pixels that do not exist.
    private func copyGradient(
        _ chunk: Chunk, panel: Int, _ operands: Operands, to gradient: UnsafeMutablePointer<Float>
    ) {
        let columns = panels.width(panel) * kernels.lanes
        let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        var to = gradient
        for h in chunk.h {
            let row =
                operands.dy + first
                + ((chunk.n * shape.output.t + chunk.t) * shape.output.h + h) * shape.output.w * shape.K
            for pair in 0..<pixels.pairs {
                let low = row + 2 * pair * shape.K
                bf16.pairRows(valid, low, 2 * pair + 1 < shape.output.w ? low + shape.K : nil, nil, nil, to)
                if valid < columns { (to + valid).update(repeating: 0, count: columns - valid) }
                to += columns
            }
        }
    }

    /// Copies what a chunk sees of a frame of the input to each tile, once for each tap of a row of the kernel; rows that
    /// lie in the padding are left as they are, for no run reads them.
    private func copyInput(
        _ chunk: Chunk, frame t: Int, _ tiles: Range<Int>, _ tiling: Tiling, _ operands: Operands, _ space: Workspace
    ) {
        let first = tiling.firstChannel(tiles.lowerBound)
        for tile in tiles { space.places[tile - tiles.lowerBound] = tiling.firstChannel(tile) - first }
        if pixels.pairsBeforehand {
            let row = pixels.pairedRow(n: chunk.n, frame: t, h: chunk.h.lowerBound)
            let count = chunk.h.count * pixels.pairs
            return kernels.dealRows(
                count, operands.paired + row * pixels.pairs * shape.C + first, shape.C, Self.pairsAhead, tiles.count,
                space.places, tiling.rows, space.input,
                pixels.copyPitch(of: chunk.h.count, tileRows: tiling.rows))
        }
        let channels = tiling.firstChannel(tiles.upperBound - 1) + tiling.rows - first
        let (input, kernel, copied) = (shape.input, shape.kernel, pixels.copiedRows(chunk.h.count))
        let top = chunk.h.lowerBound * shape.stride.h - shape.padding.h
        let pitch = pixels.copyPitch(of: chunk.h.count, tileRows: tiling.rows)
        for row in 0..<copied {
            let h = top + row * pixels.rowStep
            guard h >= 0, h < input.h else { continue }
            let from = operands.x + ((chunk.n * input.t + t) * input.h + h) * input.w * shape.C + first
            func pixel(_ w: Int) -> UnsafePointer<Float>? { w >= 0 && w < input.w ? from + w * shape.C : nil }
            for dw in 0..<kernel.w {
                for pair in 0..<pixels.pairs {
                    let w = 2 * pair * shape.stride.w - shape.padding.w + dw
                    bf16.pairRows(
                        channels, pixel(w), pixel(w + shape.stride.w), operands.prologue.map { $0.factor + first },
                        operands.prologue.map { $0.offset + first }, space.row + pair * channels)
                }
                kernels.dealRows(
                    pixels.pairs, space.row, channels, 1, tiles.count, space.places, tiling.rows,
                    space.input + dw * pitch + row * pixels.pairs * tiling.rows, kernel.w * pitch)
            }
        }
    }

    /// Lists, for each tap of a column of the kernel, the pairs whose row of the input is no padding: one run where rows
    /// follow one another in both copies, else one for each.
    private func listRuns(_ chunk: Chunk, _ tiling: Tiling, _ space: Workspace) {
        for dh in 0..<shape.kernel.h {
            let runs = space.runs + dh * pixels.rows * 3
            var count = 0
            for h in chunk.h {
                let seen = h * shape.stride.h - shape.padding.h + dh
                guard seen >= 0, seen < shape.input.h else { continue }
                let row = h - chunk.h.lowerBound
                if count > 0, pixels.rowsPerRow == 1 {
                    runs[3 * count - 1] += pixels.pairs
                    continue
                }
                runs[3 * count] =
                    (row * pixels.rowsPerRow + (shape.kernel.h == 1 ? 0 : dh)) * pixels.pairs * tiling.rows
                runs[3 * count + 1] = row * pixels.pairs * tiling.columns
                runs[3 * count + 2] = pixels.pairs
                count += 1
            }
            space.runCounts[dh] = count
        }
    }
}

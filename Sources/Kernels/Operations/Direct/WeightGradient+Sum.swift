extension WeightGradient {
    /// Sums a slice of the pixels into a block.
    func sum(
        _ units: Range<Int>, _ block: Block, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, _ space: Workspace
    ) {
        let (taps, most) = (pixels.taps.count, pixels.unitsPerChunk)
        let widest = tiling(block.panels.lowerBound).columns
        let chunks = max((units.count + most - 1) / most, 1)
        for chunk in 0..<chunks {
            let begin = units.lowerBound + chunk * units.count / chunks
            let end = units.lowerBound + (chunk + 1) * units.count / chunks
            let before = chunk > 0 ? units.lowerBound + (chunk - 1) * units.count / chunks..<begin : nil
            let nextPixel = chunk + 1 < chunks && asksAhead ? pixels.firstPixel(pixels.unit(end)) : nil
            // Panels of one width share the runs and the input.
            var prepared = 0
            for panel in block.panels {
                let tiling = tiling(panel)
                let tiles = tiles(block.part, tiling)
                let pitch = pitch(tiling)
                // A group has panels of two widths at most.
                let input = space.input + (tiling.columns == widest ? 0 : inputCount)
                if tiling.columns != prepared {
                    pixels.listRuns(begin..<end, pitch: pitch, columns: tiling.columns, space.runs, space.runCounts)
                    copyInput(begin..<end, after: before, tiles, tiling, from: x, to: input, space)
                    prepared = tiling.columns
                }
                copyGradient(begin..<end, panel: panel, from: dy, to: space.gradient)
                let kernel = kernels.weightTile(panels.width(panel))
                let (sums, step) = (place(panel, in: block), pixels.step(pitch: pitch))
                for tile in tiles {
                    let number = tile - tiles.lowerBound
                    let a = input + (pixels.joined ? tiling.firstRow(tile) : number * tilePitch(tiling))
                    let ahead = nextPixel.flatMap {
                        lineAhead(
                            pixel: $0, panel: panel, tile: number, row: tiling.firstRow(tile), block, x: x, dy: dy)
                    }
                    for tap in 0..<taps {
                        // The first chunk writes, zeros where it sees nothing but padding.
                        guard chunk == 0 || space.runCounts[tap] > 0 else { continue }
                        kernel(
                            space.runs + tap * most * 3, space.runCounts[tap], a, step, space.gradient,
                            ahead?.line ?? UnsafePointer(a), ahead?.step ?? 0,
                            sums + (tap * tiles.count + number) * tiling.floats, chunk > 0)
                    }
                }
            }
        }
    }

    /// Whether the tiles of a chunk ask for what the next one copies: where its pixels lie in order.
    private var asksAhead: Bool { shape.isPointwise }
    /// How many pixels further on the copies ask for, of the input and of the gradient: near, where the second cache has them.
    private var inputDistance: Int { asksAhead ? 3 : 8 }
    private var gradientDistance: Int { asksAhead ? 6 : 16 }

    /// What a tile asks for of the next chunk: the line that it begins with and the floats from pixel to pixel. Those of
    /// the first panel ask for their rows of the input, the first of the second panel for a vector of the gradient each.
    private func lineAhead(
        pixel: Int, panel: Int, tile: Int, row: Int, _ block: Block, x: UnsafePointer<Float>, dy: UnsafePointer<Float>
    ) -> (line: UnsafePointer<Float>, step: Int)? {
        let first = block.panels.lowerBound
        switch panel - first {
        case 0: return (x + pixel * shape.C + row, shape.C)
        case 1:
            let column = panels.firstColumn(first) + tile * kernels.lanes
            let end = panels.firstColumn(block.panels.upperBound - 1) + panels.validColumns(block.panels.upperBound - 1)
            return column < end ? (dy + pixel * shape.K + column, shape.K) : nil
        default: return nil
        }
    }

    /// Copies the input that some units see, for each tile its rows; or the rows of the image with their padding.
    private func copyInput(
        _ units: Range<Int>, after previous: Range<Int>?, _ tiles: Range<Int>, _ tiling: Tiling,
        from x: UnsafePointer<Float>, to input: UnsafeMutablePointer<Float>, _ space: Workspace
    ) {
        for tile in tiles { space.places[tile - tiles.lowerBound] = tiling.firstRow(tile) }
        pixels.forEachRow(units, after: previous) { slot, source, step, count in
            let from = x + source * shape.C
            if pixels.joined {
                let (to, margin) = (input + slot * shape.C, shape.padding.w * shape.C)
                to.update(repeating: 0, count: margin)
                (to + margin).update(from: from, count: count * shape.C)
                (to + margin + count * shape.C).update(repeating: 0, count: margin)
            } else if length < tiling.rows {
                for pixel in 0..<count {
                    (input + (slot + pixel) * tiling.rows).update(
                        from: from + pixel * step * shape.C, count: length)
                }
            } else {
                kernels.dealRows(
                    count, from, step * shape.C, inputDistance, tiles.count, space.places, tiling.rows,
                    input + slot * tiling.rows, tilePitch(tiling))
            }
        }
    }

    /// Copies one panel of the output's gradient, zeros where it has columns that do not exist.
    private func copyGradient(
        _ units: Range<Int>, panel: Int, from dy: UnsafePointer<Float>, to gradient: UnsafeMutablePointer<Float>
    ) {
        let columns = panels.width(panel) * kernels.lanes
        let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        var to = gradient
        for number in units {
            let unit = pixels.unit(number)
            var from = dy + pixels.firstPixel(unit) * shape.K + first
            guard valid < columns else {
                let count = pixels.columns(unit).count
                kernels.copyPanel(count, panels.width(panel), from, shape.K, gradientDistance, to)
                to += count * columns
                continue
            }
            for _ in pixels.columns(unit) {
                to.update(from: from, count: valid)
                (to + valid).update(repeating: 0, count: columns - valid)
                to += columns
                from += shape.K
            }
        }
    }
}

extension WeightGradient {
    /// Writes one panel's sums as `[K][C][t][h][w]`.
    func write(_ block: Block, panel: Int, _ dw: UnsafeMutablePointer<Float>, _ space: Workspace) {
        let (tiling, kernel) = (tiling(panel), shape.kernel.count)
        let (tiles, sums) = (tiles(block.part, tiling), place(panel, in: block))
        let (firstColumn, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
        let rowPitch = shape.C * kernel
        // The channels that belong to the tiles, each to the first tile that has it.
        let channels =
            pixels.joined
            ? 0..<shape.C : tiles.lowerBound * tiling.rows..<min(tiles.upperBound * tiling.rows, length)
        let values = channels.lowerBound * kernel..<channels.upperBound * kernel
        for k in 0..<tiling.columns {
            space.to[k] = k < valid ? dw + (firstColumn + k) * rowPitch : space.nowhere
        }
        var (c, place) = (channels.lowerBound, 0)
        for value in 0..<values.count {
            space.from[value] = UnsafePointer(sums + offset(c, place, tiles, tiling))
            place += 1
            if place == kernel { (place, c) = (0, c + 1) }
        }
        kernels.turn(
            space.from, count: values.count, columns: tiling.columns, valid: valid, to: space.to, values.lowerBound)
    }

    /// Where the sums of a channel and a place in the kernel begin.
    @inline(__always)
    private func offset(_ c: Int, _ place: Int, _ tiles: Range<Int>, _ tiling: Tiling) -> Int {
        var (tap, l) = (place, c)
        if pixels.joined {
            let place = place.quotientAndRemainder(dividingBy: shape.kernel.w)
            (tap, l) = (place.quotient, place.remainder * shape.C + c)
        }
        // Tiles follow one another without gaps, but for the last, which begins early.
        let lastFirst = (tiling.count - 1) * tiling.rows
        if l >= lastFirst { l += lastFirst - tiling.firstRow(tiling.count - 1) }
        return (tap * tiles.count * tiling.rows + l - tiles.lowerBound * tiling.rows) * tiling.columns
    }
}

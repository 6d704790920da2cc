extension WeightGradient {
    /// Channels whose canonical rows are put together at once: 8 vectors' worth stay in the first cache.
    private var channelsTogether: Int { max(128 / shape.kernel.count, 1) }

    /// Floats from one such row to the next: an odd number of cache lines, so that the rows do not fall into the same
    /// sets, as they do in the gradient itself.
    var canonicalPitch: Int { (Carving.rounded(channelsTogether * shape.kernel.count) / 16 | 1) * 16 }

    /// Writes one panel's sums as `[K][C][t][h][w]`, for some channels.
    func write(
        _ sums: Sums, panel: Int, channels: Range<Int>, _ dw: UnsafeMutablePointer<Float>,
        _ rows: UnsafeMutablePointer<Float>
    ) {
        let kernel = shape.kernel.count
        let placesPerTap = joined ? shape.kernel.w : 1
        let columns = panels.width(panel) * kernels.lanes
        let (firstColumn, valid, pitch) = (panels.firstColumn(panel), panels.validColumns(panel), canonicalPitch)
        let base = place(sums, panel: panel)
        var first = channels.lowerBound
        while first < channels.upperBound {
            let end = min(first + channelsTogether, channels.upperBound)
            for c in first..<end {
                for place in 0..<kernel {
                    let l = place % placesPerTap * shape.C + c
                    let tile = l / kernels.rows
                    let number = place / placesPerTap * sums.tiles.count + tile - sums.tiles.lowerBound
                    let row = number * kernels.rows + l - firstRow(tile)
                    let (from, to) = (base + row * columns, rows + (c - first) * kernel + place)
                    for k in 0..<valid { to[k * pitch] = from[k] }
                }
            }
            for k in 0..<valid {
                (dw + ((firstColumn + k) * shape.C + first) * kernel).update(
                    from: rows + k * pitch, count: (end - first) * kernel)
            }
            first = end
        }
    }
}

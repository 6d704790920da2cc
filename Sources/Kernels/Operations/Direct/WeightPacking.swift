/// Canonical weights `[K][C][t][h][w]` rewritten as `[panel][tap][l][column]` for a `GatherProduct`.
enum WeightPacking {
    /// Columns are K; a tap is a place in the kernel and l a channel, or a row of the kernel and l a place and a channel.
    ///
    /// The rows of a panel are cache lines apart by a round number, which makes them fall into the same few sets of a
    /// cache: pieces of them are brought together on the stack first.
    static func forward(
        _ s: ConvolutionShape, _ product: GatherProduct, weights: UnsafePointer<Float>,
        packed: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (panels, length, kernel) = (product.panels, product.plan.length, s.kernel.count)
        let placesPerTap = length / s.C
        let rowCount = s.C * kernel
        let (piece, pitch) = (128, 144)
        pool.run(panels.count) { panel in
            let columns = panels.width(panel) * panels.lanes
            let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
            let base = packed + first * product.plan.tapCount * length
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns * pitch) { buffer in
                let rows = buffer.baseAddress!
                rows.update(repeating: 0, count: columns * pitch)
                var begin = 0
                while begin < rowCount {
                    let count = min(piece, rowCount - begin)
                    for k in 0..<valid {
                        (rows + k * pitch).update(from: weights + (first + k) * rowCount + begin, count: count)
                    }
                    for i in 0..<count {
                        let (c, place) = ((begin + i) / kernel, (begin + i) % kernel)
                        let row = place / placesPerTap * length + place % placesPerTap * s.C + c
                        let (to, from) = (base + row * columns, rows + i)
                        for k in 0..<columns { to[k] = from[k * pitch] }
                    }
                    begin += count
                }
            }
        }
    }

    /// Columns are C, and l is an output channel.
    static func backwardData(
        _ s: ConvolutionShape, _ product: GatherProduct, weights: UnsafePointer<Float>,
        packed: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (panels, kernel) = (product.panels, s.kernel.count)
        pool.run(panels.count) { panel in
            let columns = panels.width(panel) * panels.lanes
            let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
            let base = packed + first * kernel * s.K
            for k in 0..<s.K {
                for tap in 0..<kernel {
                    let (to, from) = (base + (tap * s.K + k) * columns, weights + (k * s.C + first) * kernel + tap)
                    for c in 0..<valid { to[c] = from[c * kernel] }
                    for c in valid..<columns { to[c] = 0 }
                }
            }
        }
    }
}

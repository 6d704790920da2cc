/// Canonical weights `[K][C][t][h][w]` rewritten as `[panel][tap][l][column]` for a `GatherProduct`.
enum WeightPacking {
    /// Columns are K; a tap is a place in the kernel and l a channel, or a row of the kernel and l a place and a channel.
    static func forward(
        _ s: ConvolutionShape, _ product: GatherProduct, weights: UnsafePointer<Float>,
        packed: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (panels, length, kernel) = (product.panels, product.plan.length, s.kernel.count)
        let placesPerTap = length / s.C
        pool.run(panels.count) { panel in
            let columns = panels.width(panel) * panels.lanes
            let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
            let base = packed + first * product.plan.tapCount * length
            for c in 0..<s.C {
                for place in 0..<kernel {
                    let row = place / placesPerTap * length + place % placesPerTap * s.C + c
                    let (to, from) = (base + row * columns, weights + (first * s.C + c) * kernel + place)
                    for k in 0..<valid { to[k] = from[k * s.C * kernel] }
                    for k in valid..<columns { to[k] = 0 }
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

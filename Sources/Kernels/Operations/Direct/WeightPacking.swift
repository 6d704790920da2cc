/// Canonical weights `[K][C][t][h][w]` rewritten as `[panel][tap][l][column]` for a `GatherProduct`.
///
/// What lies side by side in the one lies apart in the other: pieces are brought together in the first cache and turned
/// there, a square of vectors at a time. A task takes a part of a panel.
enum WeightPacking {
    /// Values of a canonical row that a task turns.
    private static let piece = 144

    /// Columns are K; a tap is a place in the kernel and l a channel, or a row of the kernel and l a place and a channel.
    static func forward(
        _ s: ConvolutionShape, _ product: GatherProduct, weights: UnsafePointer<Float>,
        packed: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (panels, plan, kernel) = (product.panels, product.plan, s.kernel.count)
        let placesPerTap = plan.length / s.C
        let rowCount = s.C * kernel
        let turn = Turn(kernels: product.kernels)
        var numbers = [Int](repeating: -1, count: kernel / placesPerTap)
        for (number, place) in plan.places.enumerated() { numbers[place] = number }
        let pieces = (rowCount + piece - 1) / piece
        pool.run(panels.count * pieces) { task in
            let (panel, begin) = (task / pieces, task % pieces * piece)
            let count = min(piece, rowCount - begin)
            let columns = panels.width(panel) * panels.lanes
            let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
            let base = packed + first * plan.tapCount * plan.length
            func target(_ i: Int) -> UnsafeMutablePointer<Float>? {
                let (c, place) = ((begin + i) / kernel, (begin + i) % kernel)
                let number = numbers[place / placesPerTap]
                return number < 0 ? nil : base + (number * plan.length + place % placesPerTap * s.C + c) * columns
            }
            turn.run(
                rows: columns, valid: valid, count: count, source: { weights + (first + $0) * rowCount + begin },
                target: target)
        }
    }

    /// Columns are C, and l is an output channel.
    static func backwardData(
        _ s: ConvolutionShape, _ product: GatherProduct, weights: UnsafePointer<Float>,
        packed: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (panels, places, kernel) = (product.panels, product.plan.places, s.kernel.count)
        let together = 8
        let groups = (s.K + together - 1) / together
        pool.run(panels.count * groups) { task in
            let (panel, group) = (task / groups, task % groups)
            let columns = panels.width(panel) * panels.lanes
            let (first, valid) = (panels.firstColumn(panel), panels.validColumns(panel))
            let base = packed + first * places.count * s.K
            for k in group * together..<min((group + 1) * together, s.K) {
                for (number, place) in places.enumerated() {
                    let (to, from) = (
                        base + (number * s.K + k) * columns, weights + (k * s.C + first) * kernel + place
                    )
                    if kernel == 1 {
                        to.update(from: from, count: valid)
                    } else {
                        for c in 0..<valid { to[c] = from[c * kernel] }
                    }
                    for c in valid..<columns { to[c] = 0 }
                }
            }
        }
    }
}

/// Canonical weights `[K][C][t][h][w]` rounded to bfloat16 and rewritten as `[panel][tap][pair][column]` for a
/// `GatherProduct` whose steps are pairs of source channels.
struct BF16Packing {
    let shape: ConvolutionShape
    let product: GatherProduct
    let kernels: BF16Kernels

    /// Values of a canonical row that a task turns, at least; they come in pairs of channels.
    private static let piece = 144

    private func columns(_ panel: Int) -> Int { product.panels.width(panel) * product.panels.lanes }

    /// Where the pairs of a panel's tap begin, for the tap's number among the packed ones.
    private func place(
        _ packed: UnsafeMutablePointer<Float>, panel: Int, tap: Int, pair: Int
    ) -> UnsafeMutablePointer<Float> {
        let plan = product.plan
        return packed + product.panels.firstColumn(panel) * plan.tapCount * plan.length
            + (tap * plan.length + pair) * columns(panel)
    }

    /// Columns are K, and pairs are of input channels.
    func forward(_ weights: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
        let (panels, kernel, C) = (product.panels, shape.kernel.count, shape.C)
        let channelsPerPiece = 2 * max(Self.piece / kernel / 2, 1)
        let pieces = (C + channelsPerPiece - 1) / channelsPerPiece
        let turn = Turn(kernels: product.kernels)
        pool.run(panels.count * pieces) { task in
            let (panel, piece) = (task / pieces, task % pieces)
            let channels = piece * channelsPerPiece..<min((piece + 1) * channelsPerPiece, C)
            let columns = columns(panel)
            let first = weights + panels.firstColumn(panel) * C * kernel + channels.lowerBound * kernel
            withUnsafeTemporaryAllocation(byteCount: 4 * channels.count * kernel * columns, alignment: 64) { memory in
                let rows = memory.bindMemory(to: Float.self).baseAddress!
                turn.run(
                    rows: columns, valid: panels.validColumns(panel), count: channels.count * kernel,
                    source: { first + $0 * C * kernel }, target: { rows + $0 * columns })
                for (tap, place) in product.plan.places.enumerated() {
                    for c in stride(from: 0, to: channels.count, by: 2) {
                        let low = rows + (c * kernel + place) * columns
                        let high = c + 1 < channels.count ? low + kernel * columns : nil
                        kernels.pairRows(
                            columns, low, high, nil, nil,
                            self.place(packed, panel: panel, tap: tap, pair: (channels.lowerBound + c) / 2))
                    }
                }
            }
        }
    }

    /// Columns are C, and pairs are of output channels.
    func backwardData(_ weights: UnsafePointer<Float>, _ packed: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
        let (panels, kernel, K) = (product.panels, shape.kernel.count, shape.K)
        let together = 4
        let groups = (product.plan.length + together - 1) / together
        pool.run(panels.count * groups) { task in
            let (panel, group) = (task / groups, task % groups)
            let (columns, valid) = (columns(panel), panels.validColumns(panel))
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * columns) { memory in
                let rows = memory.baseAddress!
                for pair in group * together..<min((group + 1) * together, product.plan.length) {
                    for (tap, place) in product.plan.places.enumerated() {
                        for side in 0..<2 where 2 * pair + side < K {
                            let from =
                                weights + ((2 * pair + side) * shape.C + panels.firstColumn(panel)) * kernel + place
                            let to = rows + side * columns
                            for c in 0..<valid { to[c] = from[c * kernel] }
                            for c in valid..<columns { to[c] = 0 }
                        }
                        kernels.pairRows(
                            columns, rows, 2 * pair + 1 < K ? rows + columns : nil, nil, nil,
                            self.place(packed, panel: panel, tap: tap, pair: pair))
                    }
                }
            }
        }
    }
}

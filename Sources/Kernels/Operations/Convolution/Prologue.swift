/// What stands before a convolution and is not stored: its input is `relu(x * factor + offset)`, a batch norm with its
/// ReLU. Padding is zero behind it.
///
/// The product and the sum are fused, then `value > 0 ? value : 0`: the arithmetic of the micro-kernel `normalise`, so
/// that the bits are the same wherever it is computed.
public struct Prologue {
    /// C values each.
    public let factor: UnsafePointer<Float>
    public let offset: UnsafePointer<Float>

    public init(factor: UnsafePointer<Float>, offset: UnsafePointer<Float>) {
        self.factor = factor
        self.offset = offset
    }
}

/// Computes a prologue into memory, for implementations that do not apply it themselves.
struct PrologueCopy: Sendable {
    private let rows: ChannelRows
    private let kernels: MicroKernelTable

    init(C: Int, instructionSet: InstructionSet) {
        kernels = .table(for: instructionSet)
        rows = ChannelRows(C: C, lanes: kernels.lanes)
    }

    /// Floats that the copy of P pixels takes, with what is needed on the way.
    func scratchCount(P: Int) -> Int { Carving.rounded(P * rows.C) + 2 * Carving.rounded(rows.period) }

    /// `relu(x * factor + offset)` of P pixels, in memory of `carving`.
    func make(
        P: Int, x: UnsafePointer<Float>, _ prologue: Prologue, _ carving: inout Carving, pool: ThreadPool
    ) -> UnsafePointer<Float> {
        let copy: UnsafeMutablePointer<Float> = carving.take(P * rows.C)
        let factor: UnsafeMutablePointer<Float> = carving.take(rows.period)
        let offset: UnsafeMutablePointer<Float> = carving.take(rows.period)
        for c in 0..<rows.C {
            rows.fill(factor, c, prologue.factor[c])
            rows.fill(offset, c, prologue.offset[c])
        }
        rows.pieces(P, pool, fromLast: true) { begin, count in
            kernels.normalise(count, rows.period, x + begin, factor, offset, nil, true, copy + begin)
        }
        return UnsafePointer(copy)
    }
}

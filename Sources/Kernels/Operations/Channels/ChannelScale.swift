/// Each channel of a clip times a number of its own, channels last: `y[n][p][c] = x[n][p][c] s[n][c]` (Hu et al.,
/// "Squeeze-and-Excitation Networks", CVPR 2018). No call allocates.
public struct ChannelScale: Sendable {
    public let C: Int
    private let rows: ChannelRows
    private let kernels: MicroKernelTable
    private let sums: ChannelSums

    public init(C: Int, instructionSet: InstructionSet) {
        self.C = C
        kernels = .table(for: instructionSet)
        rows = ChannelRows(C: C, lanes: kernels.lanes)
        sums = ChannelSums(C: C, instructionSet: instructionSet)
    }

    /// Floats of scratch that any call for N clips of P pixels needs; 64-byte aligned.
    public func scratchCount(N: Int, P: Int) -> Int {
        max((N + 1) * Carving.rounded(rows.period), sums.scratchCount(N: N, P: P))
    }

    /// Writes `y`, which may be `x`.
    public func forward(
        N: Int, P: Int, x: UnsafePointer<Float>, s: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let pitch = Carving.rounded(rows.period)
        let zeros = scratch + N * pitch
        zeros.update(repeating: 0, count: rows.period)
        for n in 0..<N { for c in 0..<C { rows.fill(scratch + n * pitch, c, s[n * C + c]) } }
        rows.pieces(N: N, P: P, pool) { n, begin, count in
            kernels.normalise(count, rows.period, x + begin, scratch + n * pitch, zeros, nil, false, y + begin)
        }
    }

    /// Writes `ds[N][C]`, the sums over pixels of `x dy`.
    public func backwardScale(
        N: Int, P: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, ds: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        sums.run(N: N, P: P, x: x, times: dy, sums: ds, scratch: scratch, pool: pool)
    }

    /// Writes `dx = dy s`; `dx` may be `dy`.
    public func backwardData(
        N: Int, P: Int, s: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        forward(N: N, P: P, x: dy, s: s, y: dx, scratch: scratch, pool: pool)
    }
}

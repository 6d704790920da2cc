/// Sums over the P pixels of each clip, for each of C channels, channels last: gradients of biases and of
/// squeeze-and-excitation, means over whole maps. The order of the additions depends on P and C only; no call allocates.
public struct ChannelSums: Sendable {
    public let C: Int
    private let rows: ChannelRows
    private let kernels: ActivationKernels

    /// Values that a block's sums are f32 over.
    private static let blockValues = 4096
    /// Values that a task takes at least.
    private static let taskValues = 1 << 15
    private static let maximumSlices = 64

    public init(C: Int, instructionSet: InstructionSet) {
        self.C = C
        rows = ChannelRows(C: C, lanes: MicroKernelTable.table(for: instructionSet).lanes)
        kernels = .table(for: instructionSet)
    }

    /// The ranges of whole rows that a clip is cut into.
    private func slices(_ P: Int) -> Int {
        max(min(P * C / Self.taskValues, P / rows.pixels, Self.maximumSlices), 1)
    }

    /// Floats of scratch that a call for N clips of P pixels needs; 64-byte aligned.
    public func scratchCount(N: Int, P: Int) -> Int {
        let tasks = N * slices(P)
        return Carving.rounded(2 * tasks * rows.period) + Carving.rounded(tasks * rows.period)
    }

    /// Writes `sums[N][C] = factor * sum over pixels of x * y`, where `y` is given, else of x.
    public func run(
        N: Int, P: Int, x: UnsafePointer<Float>, times y: UnsafePointer<Float>? = nil, factor: Double = 1,
        sums: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (slices, count) = (slices(P), P / rows.pixels)
        let period = rows.period
        let rowsPerBlock = max(Self.blockValues / period, 1)
        var carving = Carving(scratch)
        let totals: UnsafeMutablePointer<Double> = carving.take(N * slices * period)
        let work: UnsafeMutablePointer<Float> = carving.take(N * slices * period)
        pool.run(N * slices) { task in
            let (n, slice) = (task / slices, task % slices)
            let (total, work) = (totals + task * period, work + task * period)
            total.update(repeating: 0, count: period)
            var row = slice * count / slices
            let end = (slice + 1) * count / slices
            while row < end {
                let block = min(rowsPerBlock, end - row)
                let at = n * P * C + row * period
                if let y {
                    kernels.addColumnProducts(block, period, x + at, y + at, work, total)
                } else {
                    kernels.addColumns(block, period, x + at, work, total)
                }
                row += block
            }
        }
        for n in 0..<N {
            for c in 0..<C {
                var sum = 0.0
                for slice in 0..<slices {
                    let total = totals + (n * slices + slice) * period
                    for pixel in 0..<rows.pixels { sum += total[pixel * C + c] }
                }
                for pixel in count * rows.pixels..<P {
                    let at = (n * P + pixel) * C + c
                    sum += y.map { Double(x[at]) * Double($0[at]) } ?? Double(x[at])
                }
                sums[n * C + c] = Float(sum * factor)
            }
        }
    }
}

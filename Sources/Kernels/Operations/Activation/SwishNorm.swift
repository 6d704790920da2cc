/// Batch norm and Swish in one pass over memory, with squeeze-and-excitation's numbers between them if there are any:
/// `y = swish(s (x * factor + offset))`, channels last, for N clips of P pixels, s being `[N][C]`.
///
/// The norm's statistics and coefficients are `BatchNorm`'s. Backward takes two passes: `gradientSums` behind Swish, which
/// is all that the gradient of s needs; then, when what the numbers depend on has gone backward too, `backward`. Sums are
/// f64 in an order that P and C decide. No call allocates.
public struct SwishNorm: Sendable {
    public let C: Int
    public let epsilon: Double
    private let rows: ChannelRows
    private let kernels: SwishNormKernels

    /// Values that a block's sums are f32 over; it stays in the first cache.
    private static let blockValues = 4096
    /// Values that a task takes at least.
    private static let taskValues = 1 << 15
    private static let maximumSlices = 64

    public init(C: Int, epsilon: Double, instructionSet: InstructionSet) {
        self.C = C
        self.epsilon = epsilon
        rows = ChannelRows(C: C, lanes: MicroKernelTable.table(for: instructionSet).lanes)
        kernels = .table(for: instructionSet)
    }

    /// The ranges of whole rows that a clip is cut into.
    private func slices(_ P: Int) -> Int {
        max(min(P * C / Self.taskValues, P / rows.pixels, Self.maximumSlices), 1)
    }

    /// What a call keeps in the scratch: what belongs to a channel is repeated over a row, and what belongs to a channel
    /// of a clip over a row for each clip.
    private struct Space {
        let factor: UnsafeMutablePointer<Float>
        let offset: UnsafeMutablePointer<Float>
        let mean: UnsafeMutablePointer<Float>
        let b: UnsafeMutablePointer<Float>
        let gate: UnsafeMutablePointer<Float>
        let a: UnsafeMutablePointer<Float>
        let c: UnsafeMutablePointer<Float>
        /// For each slice of each clip: two sums for each value of a row, and two rows on the way to them.
        let sums: UnsafeMutablePointer<Double>
        let work: UnsafeMutablePointer<Float>

        init(_ norm: SwishNorm, N: Int, P: Int, _ carving: inout Carving) {
            let period = norm.rows.period
            factor = carving.take(period)
            offset = carving.take(period)
            mean = carving.take(period)
            b = carving.take(period)
            gate = carving.take(N * period)
            a = carving.take(N * period)
            c = carving.take(N * period)
            sums = carving.take(N * norm.slices(P) * 2 * period)
            work = carving.take(N * norm.slices(P) * 2 * period)
        }
    }

    /// Floats of scratch that any call needs; 64-byte aligned.
    public func scratchCount(N: Int, P: Int) -> Int {
        var carving = Carving.measuring
        _ = Space(self, N: N, P: P, &carving)
        return carving.floats
    }

    /// The scratch with coefficients and numbers in rows; nil for coefficients stands for 1 and 0.
    private func space(
        _ N: Int, _ P: Int, _ coefficients: Prologue?, _ gate: UnsafePointer<Float>?,
        _ scratch: UnsafeMutablePointer<Float>
    ) -> (space: Space, gate: UnsafePointer<Float>?) {
        var carving = Carving(scratch)
        let space = Space(self, N: N, P: P, &carving)
        for c in 0..<C {
            rows.fill(space.factor, c, coefficients.map { $0.factor[c] } ?? 1)
            rows.fill(space.offset, c, coefficients.map { $0.offset[c] } ?? 0)
        }
        if let gate {
            for n in 0..<N { for c in 0..<C { rows.fill(space.gate + n * rows.period, c, gate[n * C + c]) } }
        }
        return (space, gate == nil ? nil : UnsafePointer(space.gate))
    }

    /// Writes `y`.
    ///
    /// - Parameters:
    ///   - coefficients: of the batch norm; nil where another operation has applied them.
    ///   - gate: s, or nil for none.
    public func apply(
        N: Int, P: Int, x: UnsafePointer<Float>, coefficients: Prologue?, gate: UnsafePointer<Float>?,
        y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (space, gate) = space(N, P, coefficients, gate, scratch)
        // Of x the end was written last.
        rows.pieces(N: N, P: P, pool, fromLast: true) { n, begin, count in
            kernels.apply(
                count, rows.period, x + begin, space.factor, space.offset, gate.map { $0 + n * rows.period }, y + begin)
        }
    }

    /// Writes for each clip and channel the sum of g, `dy` times the slope of Swish, and the sum of g times x's distance
    /// from the mean as f32: `sums[N][2][C]`.
    public func gradientSums(
        N: Int, P: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, coefficients: Prologue,
        gate: UnsafePointer<Float>?, mean: UnsafePointer<Double>, sums: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (space, gate) = space(N, P, coefficients, gate, scratch)
        for c in 0..<C { rows.fill(space.mean, c, Float(mean[c])) }
        let (slices, count, period) = (slices(P), P / rows.pixels, rows.period)
        let rowsPerBlock = max(Self.blockValues / period, 1)
        // Of dy the end was written last; `backward` begins where this ends.
        pool.run(N * slices, fromLast: true) { task in
            let (n, slice) = (task / slices, task % slices)
            let (total, work) = (space.sums + task * 2 * period, space.work + task * 2 * period)
            total.update(repeating: 0, count: 2 * period)
            var row = slice * count / slices
            let end = (slice + 1) * count / slices
            func add(_ rows: Int, _ at: Int, _ length: Int) {
                kernels.addSums(
                    rows, length, x + at, space.factor, space.offset, gate.map { $0 + n * period }, dy + at, space.mean,
                    work, work + period, total, total + period)
            }
            while row < end {
                let block = min(rowsPerBlock, end - row)
                add(block, n * P * C + row * period, period)
                row += block
            }
        }
        for n in 0..<N {
            let total = sums + n * 2 * C
            total.update(repeating: 0, count: 2 * C)
            for slice in 0..<slices {
                for pixel in 0..<rows.pixels {
                    let part = space.sums + (n * slices + slice) * 2 * period + pixel * C
                    for c in 0..<C {
                        total[c] += part[c]
                        total[C + c] += part[period + c]
                    }
                }
            }
            addRest(n, P, count, x, dy, space, gate, total)
        }
    }

    /// The pixels of the last, incomplete row: g alone is what the gradient is with a = 1, b = c = 0.
    private func addRest(
        _ n: Int, _ P: Int, _ rowCount: Int, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ space: Space,
        _ gate: UnsafePointer<Float>?, _ total: UnsafeMutablePointer<Double>
    ) {
        guard rowCount * rows.pixels < P else { return }
        space.a.update(repeating: 1, count: C)
        space.b.update(repeating: 0, count: C)
        space.c.update(repeating: 0, count: C)
        for pixel in rowCount * rows.pixels..<P {
            let at = (n * P + pixel) * C
            kernels.gradient(
                C, C, x + at, space.factor, space.offset, gate.map { $0 + n * rows.period }, dy + at, space.mean,
                space.a, space.b, space.c, space.work)
            for c in 0..<C {
                total[c] += Double(space.work[c])
                total[C + c] += Double(space.work[c]) * Double(x[at + c] - space.mean[c])
            }
        }
    }

    /// Writes the numbers' gradient `ds[N][C]`: the sum of g times what the norm makes of x.
    public func gateGradient(
        N: Int, sums: UnsafePointer<Double>, coefficients: Prologue, mean: UnsafePointer<Double>,
        ds: UnsafeMutablePointer<Float>
    ) {
        for n in 0..<N {
            for c in 0..<C {
                let (g, product) = (sums[n * 2 * C + c], sums[n * 2 * C + C + c])
                let centre = Double(Float(mean[c]))
                ds[n * C + c] = Float(
                    Double(coefficients.factor[c]) * (product + centre * g) + Double(coefficients.offset[c]) * g)
            }
        }
    }

    /// What a mean over each clip's pixels, taken of the norm's result, adds to its gradient.
    public struct Pooled {
        /// Of the means, `[N][C]`.
        public var gradient: UnsafePointer<Float>
        /// Of x over each clip's pixels, `[N][C]`.
        public var means: UnsafePointer<Float>

        public init(gradient: UnsafePointer<Float>, means: UnsafePointer<Float>) {
            self.gradient = gradient
            self.means = means
        }
    }

    /// Backward of everything but the numbers, where the statistics depend on `x` (`frozen` false) or not.
    ///
    /// - Parameters:
    ///   - sums: what `gradientSums` wrote.
    ///   - dx: may be `dy`.
    public func backward(
        N: Int, P: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, coefficients: Prologue,
        gate: UnsafePointer<Float>?, pooled: Pooled?, sums: UnsafePointer<Double>, scale: UnsafePointer<Float>,
        mean: UnsafePointer<Double>, variance: UnsafePointer<Double>, frozen: Bool, dx: UnsafeMutablePointer<Float>,
        dscale: UnsafeMutablePointer<Float>, dshift: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let numbers = gate
        let (space, gate) = space(N, P, coefficients, gate, scratch)
        let (period, values) = (rows.period, Double(N * P))
        for c in 0..<C {
            let inverse = 1 / (variance[c] + epsilon).squareRoot()
            let factor = Double(scale[c]) * inverse
            let rounding = Double(Float(mean[c])) - mean[c]
            var (sum, product) = (0.0, 0.0)
            for n in 0..<N {
                let s = numbers.map { Double($0[n * C + c]) } ?? 1
                let g = sums[n * 2 * C + c]
                sum += s * g
                product += s * (sums[n * 2 * C + C + c] + g * rounding)
                guard let pooled else { continue }
                let share = Double(pooled.gradient[n * C + c])
                sum += share
                product += share * (Double(pooled.means[n * C + c]) - mean[c])
            }
            product *= inverse
            dscale[c] = Float(product)
            dshift[c] = Float(sum)
            rows.fill(space.mean, c, Float(mean[c]))
            rows.fill(space.b, c, frozen ? 0 : Float(-factor * inverse * product / values))
            for n in 0..<N {
                let s = numbers.map { Double($0[n * C + c]) } ?? 1
                let share = pooled.map { Double($0.gradient[n * C + c]) / Double(P) } ?? 0
                rows.fill(space.a + n * period, c, Float(factor * s))
                rows.fill(space.c + n * period, c, Float(factor * share - (frozen ? 0 : factor * sum / values)))
            }
        }
        rows.pieces(N: N, P: P, pool) { n, begin, count in
            let row = n * period
            kernels.gradient(
                count, period, x + begin, space.factor, space.offset, gate.map { $0 + row }, dy + begin, space.mean,
                space.a + row, space.b, space.c + row, dx + begin)
        }
    }
}

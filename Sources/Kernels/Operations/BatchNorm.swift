/// Batch normalisation over P pixels (N, T, H and W together) of C channels, channels last, with an optional residual
/// and ReLU in the same pass: `y = relu((x - mean) / sqrt(variance + epsilon) * scale + shift + residual)`.
///
/// Statistics are f64 and their sums have an order that only P and C decide. No call allocates.
public struct BatchNorm: Sendable {
    public let C: Int
    /// Added to the variance.
    public let epsilon: Double
    public let instructionSet: InstructionSet
    private let kernels: MicroKernelTable
    private let channelRows: ChannelRows
    private var period: Int { channelRows.period }

    /// Values that a block's sums are f32 over; it stays in the first cache while it is read twice.
    private static let blockValues = 4096
    /// Values that a task takes at least.
    private static let taskValues = 1 << 16
    private static let maximumTasks = 64

    public init(C: Int, epsilon: Double, instructionSet: InstructionSet) {
        precondition(C >= 1 && epsilon > 0, "batch norm of \(C) channels with epsilon \(epsilon)")
        self.C = C
        self.epsilon = epsilon
        self.instructionSet = instructionSet
        kernels = .table(for: instructionSet)
        channelRows = ChannelRows(C: C, lanes: kernels.lanes)
    }

    /// Floats of scratch that any call for at most P pixels needs; 64-byte aligned.
    public func scratchCount(P: Int) -> Int {
        var carving = Carving.measuring
        _ = Space(self, tasks: tasks(P), &carving)
        return carving.floats
    }

    /// Tasks, each a range of whole rows; more pixels never make fewer.
    private func tasks(_ P: Int) -> Int {
        let rows = P / channelRows.pixels
        return max(min(rows * period / Self.taskValues, rows, Self.maximumTasks), 1)
    }

    /// What a call keeps in the scratch.
    private struct Space {
        /// What belongs to a channel, repeated over a row.
        let mean: UnsafeMutablePointer<Float>
        let a: UnsafeMutablePointer<Float>
        let b: UnsafeMutablePointer<Float>
        let c: UnsafeMutablePointer<Float>
        let factor: UnsafeMutablePointer<Float>
        let offset: UnsafeMutablePointer<Float>
        /// For each task: two sums for each value of a row, and four rows on the way to them.
        let sums: UnsafeMutablePointer<Double>
        let rows: UnsafeMutablePointer<Float>
        /// The two sums of each channel.
        let totals: UnsafeMutablePointer<Double>

        init(_ norm: BatchNorm, tasks: Int, _ carving: inout Carving) {
            mean = carving.take(norm.period)
            a = carving.take(norm.period)
            b = carving.take(norm.period)
            c = carving.take(norm.period)
            factor = carving.take(norm.period)
            offset = carving.take(norm.period)
            sums = carving.take(tasks * 2 * norm.period)
            rows = carving.take(tasks * 4 * norm.period)
            totals = carving.take(2 * norm.C)
        }
    }

    private func space(_ P: Int, _ scratch: UnsafeMutablePointer<Float>) -> Space {
        var carving = Carving(scratch)
        return Space(self, tasks: tasks(P), &carving)
    }

    /// Writes the mean and the biased variance of P pixels, f64, C each.
    public func statistics(
        P: Int, x: UnsafePointer<Float>, mean: UnsafeMutablePointer<Double>, variance: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let space = space(P, scratch)
        reduce(P, space, pool) { rows, at, work, sums in
            kernels.addStatistics(
                rows, period, x + at, work, work + period, sums, sums + period)
        } rest: { pixel, sums in
            for c in 0..<C {
                let value = Double(x[pixel * C + c])
                sums[c] += value
                sums[C + c] += value * value
            }
        }
        moments(P: P, sums: space.totals, mean: mean, variance: variance)
    }

    /// The same from sums that were taken elsewhere: C sums over P pixels, then C sums of squares.
    public func moments(
        P: Int, sums: UnsafePointer<Double>, mean: UnsafeMutablePointer<Double>,
        variance: UnsafeMutablePointer<Double>
    ) {
        for c in 0..<C {
            mean[c] = sums[c] / Double(P)
            variance[c] = max(sums[C + c] / Double(P) - mean[c] * mean[c], 0)
        }
    }

    /// What a value is multiplied with and what is added then, C each: f64, rounded once.
    public func coefficients(
        scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, mean: UnsafePointer<Double>,
        variance: UnsafePointer<Double>, factor: UnsafeMutablePointer<Float>, offset: UnsafeMutablePointer<Float>
    ) {
        for c in 0..<C {
            let product = Double(scale[c]) / (variance[c] + epsilon).squareRoot()
            factor[c] = Float(product)
            offset[c] = Float(Double(shift[c]) - mean[c] * product)
        }
    }

    /// Folds a batch norm with fixed statistics into the convolution before it: its weights `[C][...]`, `count` in all,
    /// times each channel's factor, in f64 and rounded once; the offset becomes the convolution's bias, and takes in the
    /// one that it has.
    public func fold(
        count: Int, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil, scale: UnsafePointer<Float>,
        shift: UnsafePointer<Float>,
        mean: UnsafePointer<Double>, variance: UnsafePointer<Double>, folded: UnsafeMutablePointer<Float>,
        offset: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let length = count / C
        pool.run(C) { c in
            let product = Double(scale[c]) / (variance[c] + epsilon).squareRoot()
            offset[c] = Float(Double(shift[c]) + ((bias.map { Double($0[c]) } ?? 0) - mean[c]) * product)
            for i in c * length..<(c + 1) * length { folded[i] = Float(Double(weights[i]) * product) }
        }
    }

    /// Writes `y = x * factor + offset`, with what is joined to it.
    /// - Parameters:
    ///   - residual: P x C values that are added before the ReLU, or nil.
    ///   - y: may be `x`, unless backward needs that.
    public func apply(
        P: Int, x: UnsafePointer<Float>, factor: UnsafePointer<Float>, offset: UnsafePointer<Float>,
        residual: UnsafePointer<Float>?, relu: Bool, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let space = space(P, scratch)
        for c in 0..<C {
            channelRows.fill(space.a, c, factor[c])
            channelRows.fill(space.b, c, offset[c])
        }
        // Of x the end was written last.
        channelRows.pieces(P, pool, fromLast: true) { begin, count in
            kernels.normalise(
                count, period, x + begin, space.a, space.b, residual.map { $0 + begin }, relu, y + begin)
        }
    }

    /// How backward knows what the ReLU let pass.
    public enum Mask {
        /// There was no ReLU.
        case none
        /// Where this output of `apply` is above 0.
        case output(UnsafePointer<Float>)
        /// Where `x * factor + offset` is above 0, with the same bits as in `apply` without a residual.
        case input(Prologue)
    }

    /// Backward of `apply`, where the statistics depend on `x` (`frozen` false) or not (`frozen` true).
    /// - Parameters:
    ///   - dx: may be `dy`.
    ///   - dresidual: gets the gradient behind the ReLU, which is the residual's; may be `dy` if `dx` is not. Or nil.
    public func backward(
        P: Int, x: UnsafePointer<Float>, mask: Mask, dy: UnsafePointer<Float>,
        scale: UnsafePointer<Float>, mean: UnsafePointer<Double>, variance: UnsafePointer<Double>, frozen: Bool,
        dx: UnsafeMutablePointer<Float>, dscale: UnsafeMutablePointer<Float>, dshift: UnsafeMutablePointer<Float>,
        dresidual: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let space = space(P, scratch)
        for c in 0..<C { fill(space.mean, c, mean[c]) }
        var y: UnsafePointer<Float>?
        var (factor, offset): (UnsafePointer<Float>?, UnsafePointer<Float>?)
        switch mask {
        case .none: break
        case .output(let output): y = output
        case .input(let prologue):
            for c in 0..<C {
                channelRows.fill(space.factor, c, prologue.factor[c])
                channelRows.fill(space.offset, c, prologue.offset[c])
            }
            (factor, offset) = (UnsafePointer(space.factor), UnsafePointer(space.offset))
        }
        // Of dy the end was written last; the second pass begins where this one ends.
        reduce(P, space, pool, fromLast: true) { rows, at, work, sums in
            kernels.addGradientSums(
                rows, period, x + at, y.map { $0 + at }, factor, offset, dy + at, space.mean, work, work + 2 * period,
                sums, sums + period)
        } rest: { pixel, sums in
            let at = pixel * C
            var output = y.map { $0 + at }
            if let factor, let offset {
                kernels.normalise(C, C, x + at, factor, offset, nil, true, space.rows)
                output = UnsafePointer(space.rows)
            }
            for c in 0..<C where output.map({ $0[c] > 0 }) ?? true {
                let g = Double(dy[at + c])
                sums[c] += g
                sums[C + c] += g * Double(x[at + c] - space.mean[c])
            }
        }
        for c in 0..<C {
            let inverse = 1 / (variance[c] + epsilon).squareRoot()
            let factor = Double(scale[c]) * inverse
            // The sums were taken around the mean as f32: mend the difference to the f64 mean.
            let sum = space.totals[c]
            let product = (space.totals[C + c] + sum * (Double(space.mean[c]) - mean[c])) * inverse
            dscale[c] = Float(product)
            dshift[c] = Float(sum)
            fill(space.a, c, factor)
            fill(space.b, c, frozen ? 0 : -factor * inverse * product / Double(P))
            fill(space.c, c, frozen ? 0 : -factor * sum / Double(P))
        }
        channelRows.pieces(P, pool) { begin, count in
            kernels.batchNormGradient(
                count, period, x + begin, y.map { $0 + begin }, factor, offset, dy + begin, space.mean, space.a,
                space.b, space.c, dx + begin, dresidual.map { $0 + begin })
        }
    }

    /// Writes a channel's value at each of its places in a row.
    private func fill(_ row: UnsafeMutablePointer<Float>, _ channel: Int, _ value: Double) {
        channelRows.fill(row, channel, Float(value))
    }

    /// Sums two values for each channel into `space.totals`: blocks of whole rows by tasks, then the pixels of the last,
    /// incomplete row by `rest`.
    private func reduce(
        _ P: Int, _ space: Space, _ pool: ThreadPool, fromLast: Bool = false,
        _ block: (
            _ rows: Int, _ at: Int, _ work: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Double>
        ) -> Void,
        rest: (_ pixel: Int, _ sums: UnsafeMutablePointer<Double>) -> Void
    ) {
        let (tasks, rows) = (tasks(P), P / channelRows.pixels)
        let rowsPerBlock = max(Self.blockValues / period, 1)
        pool.run(tasks, fromLast: fromLast) { task in
            let (sums, work) = (space.sums + task * 2 * period, space.rows + task * 4 * period)
            sums.update(repeating: 0, count: 2 * period)
            var row = task * rows / tasks
            let end = (task + 1) * rows / tasks
            while row < end {
                let count = min(rowsPerBlock, end - row)
                block(count, row * period, work, sums)
                row += count
            }
        }
        space.totals.update(repeating: 0, count: 2 * C)
        for task in 0..<tasks {
            for pixel in 0..<channelRows.pixels {
                let sums = space.sums + task * 2 * period + pixel * C
                for c in 0..<C {
                    space.totals[c] += sums[c]
                    space.totals[C + c] += sums[period + c]
                }
            }
        }
        for pixel in rows * channelRows.pixels..<P { rest(pixel, space.totals) }
    }
}

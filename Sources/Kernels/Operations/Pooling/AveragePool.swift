/// The mean under the window; padding counts as zeros (`includesPadding`, as in Caffe2 and torch) or not at all.
public struct AveragePool: Sendable {
    public let shape: PoolingShape
    public let includesPadding: Bool
    private let kernels: MicroKernelTable
    /// Where one window holds the whole map.
    private let sums: ChannelSums?

    public init(_ shape: PoolingShape, includesPadding: Bool = true, instructionSet: InstructionSet) {
        self.shape = shape
        self.includesPadding = includesPadding
        kernels = .table(for: instructionSet)
        sums = shape.isGlobal ? ChannelSums(C: shape.C, instructionSet: instructionSet) : nil
    }

    /// Floats of scratch that forward needs for N clips; 64-byte aligned.
    public func scratchCount(N: Int) -> Int { sums?.scratchCount(N: N, P: shape.input.count) ?? 0 }

    /// Writes `y`.
    public func forward(
        N: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        let (C, P) = (shape.C, shape.input.count)
        if let sums {
            return sums.run(N: N, P: P, x: x, factor: 1 / Double(P), sums: y, scratch: scratch, pool: pool)
        }
        pool.run(N * shape.output.count) { pixel in
            let share = share(ofOutput: pixel)
            (y + pixel * C).update(repeating: 0, count: C)
            shape.eachInput(ofOutput: pixel) { kernels.addScaled(C, share, x + $0 * C, y + pixel * C) }
        }
    }

    /// Writes `dx`. Windows may share inputs, so that a clip is one task, but for one window that holds the whole map.
    public func backward(N: Int, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let (C, P) = (shape.C, shape.input.count)
        if sums != nil {
            let (piece, share) = (max(Self.taskValues / C, 1), 1 / Float(P))
            let each = (P + piece - 1) / piece
            return pool.run(N * each) { task in
                let (n, first) = (task / each, task % each * piece)
                let from = dx + (n * P + first) * C
                for c in 0..<C { from[c] = dy[n * C + c] * share }
                for pixel in 1..<max(min(piece, P - first), 1) { (from + pixel * C).update(from: from, count: C) }
            }
        }
        pool.run(N) { n in
            (dx + n * shape.input.count * C).update(repeating: 0, count: shape.input.count * C)
            for pixel in n * shape.output.count..<(n + 1) * shape.output.count {
                let share = share(ofOutput: pixel)
                shape.eachInput(ofOutput: pixel) { kernels.addScaled(C, share, dy + pixel * C, dx + $0 * C) }
            }
        }
    }

    /// Values that a task of backward takes.
    private static let taskValues = 1 << 15

    /// What each input counts in the mean.
    private func share(ofOutput pixel: Int) -> Float {
        guard !includesPadding else { return 1 / Float(shape.kernel.count) }
        var inputs = 0
        shape.eachInput(ofOutput: pixel) { _ in inputs += 1 }
        return 1 / Float(inputs)
    }
}

/// The mean under the window; padding counts as zeros (`includesPadding`, as in Caffe2 and torch) or not at all.
public struct AveragePool: Sendable {
    public let shape: PoolingShape
    public let includesPadding: Bool
    private let kernels: MicroKernelTable

    public init(_ shape: PoolingShape, includesPadding: Bool = true, instructionSet: InstructionSet) {
        self.shape = shape
        self.includesPadding = includesPadding
        kernels = .table(for: instructionSet)
    }

    /// Writes `y`.
    public func forward(N: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let C = shape.C
        pool.run(N * shape.output.count) { pixel in
            let share = share(ofOutput: pixel)
            (y + pixel * C).update(repeating: 0, count: C)
            shape.eachInput(ofOutput: pixel) { kernels.addScaled(C, share, x + $0 * C, y + pixel * C) }
        }
    }

    /// Writes `dx`. Windows may share inputs, so that a clip is one task.
    public func backward(N: Int, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let C = shape.C
        pool.run(N) { n in
            (dx + n * shape.input.count * C).update(repeating: 0, count: shape.input.count * C)
            for pixel in n * shape.output.count..<(n + 1) * shape.output.count {
                let share = share(ofOutput: pixel)
                shape.eachInput(ofOutput: pixel) { kernels.addScaled(C, share, dy + pixel * C, dx + $0 * C) }
            }
        }
    }

    /// What each input counts in the mean.
    private func share(ofOutput pixel: Int) -> Float {
        guard !includesPadding else { return 1 / Float(shape.kernel.count) }
        var inputs = 0
        shape.eachInput(ofOutput: pixel) { _ in inputs += 1 }
        return 1 / Float(inputs)
    }
}

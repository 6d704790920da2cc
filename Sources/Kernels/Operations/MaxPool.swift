/// The largest value under the window; the gradient goes to the first that has it.
public struct MaxPool: Sendable {
    public let shape: PoolingShape
    private let kernels: MicroKernelTable

    public init(_ shape: PoolingShape, instructionSet: InstructionSet) {
        self.shape = shape
        kernels = .table(for: instructionSet)
    }

    /// Writes `y`.
    public func forward(N: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let C = shape.C
        eachRow(N, pool) { pixels in
            for pixel in pixels {
                let to = y + pixel * C
                to.update(repeating: -.infinity, count: C)
                shape.eachInput(ofOutput: pixel) { kernels.keepLargest(C, x + $0 * C, to) }
            }
        }
    }

    /// Writes `dx`. Windows may share inputs, so that a clip is one task.
    public func backward(
        N: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        dx: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (input, output) = (shape.input.count * shape.C, shape.output.count * shape.C)
        pool.run(N) { n in
            PlainReference.maxPoolBackward(
                shape, N: 1, x: x + n * input, y: y + n * output, dy: dy + n * output, dx: dx + n * input)
        }
    }

    private func eachRow(_ N: Int, _ pool: ThreadPool, _ body: (Range<Int>) -> Void) {
        let row = shape.output.w
        pool.run(N * shape.output.count / row) { body($0 * row..<($0 + 1) * row) }
    }
}

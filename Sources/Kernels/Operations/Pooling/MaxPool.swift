/// The largest value under the window; the gradient goes to the first that has it.
public struct MaxPool: Sendable {
    public let shape: PoolingShape
    private let kernels: MicroKernelTable
    private let gradients: ActivationKernels

    /// Channels of a task of backward.
    private static let blockChannels = 64

    public init(_ shape: PoolingShape, instructionSet: InstructionSet) {
        self.shape = shape
        gradients = .table(for: instructionSet)
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

    /// Writes `dx`. Windows may share inputs, so a task has all windows of some channels that may: those of a frame, or
    /// where windows share frames those of a clip.
    public func backward(
        N: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        dx: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let C = shape.C
        let frame = shape.input.h * shape.input.w * C
        pool.run(N * shape.input.t) { (dx + $0 * frame).update(repeating: 0, count: frame) }
        let groups = shape.kernel.t <= shape.stride.t ? shape.output.t : 1
        let blocks = (C + Self.blockChannels - 1) / Self.blockChannels
        let windows = shape.output.count / groups
        pool.run(N * groups * blocks) { task in
            let (group, first) = (task / blocks, task % blocks * Self.blockChannels)
            let columns = min(Self.blockChannels, C - first)
            withUnsafeTemporaryAllocation(of: Int.self, capacity: shape.kernel.count) { places in
                guard let base = places.baseAddress else { return }
                for pixel in group * windows..<(group + 1) * windows {
                    var count = 0
                    shape.eachInput(ofOutput: pixel) {
                        base[count] = $0 * C
                        count += 1
                    }
                    let at = pixel * C + first
                    gradients.maxPoolBackward(count, base, columns, x + first, y + at, dy + at, dx + first)
                }
            }
        }
    }

    private func eachRow(_ N: Int, _ pool: ThreadPool, _ body: (Range<Int>) -> Void) {
        let row = shape.output.w
        pool.run(N * shape.output.count / row) { body($0 * row..<($0 + 1) * row) }
    }
}

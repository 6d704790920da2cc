/// The largest value under the window; the gradient goes to the first that has it.
public struct MaxPool: Sendable {
    public let shape: PoolingShape
    private let kernels: ActivationKernels

    /// Channels of a task of backward.
    private static let blockChannels = 64

    public init(_ shape: PoolingShape, instructionSet: InstructionSet) {
        self.shape = shape
        // The eight channels of SlowFast's fast pathway are half a vector of AVX-512 and a whole one of AVX2. Comparisons, and
        // additions in the same order, have the same bits in both.
        let narrow = instructionSet >= .avx512 && shape.C < MicroKernelTable.table(for: instructionSet).lanes
        kernels = .table(for: narrow ? .avx2 : instructionSet)
    }

    /// Writes `y`.
    public func forward(N: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let C = shape.C
        let row = shape.output.w
        pool.run(N * shape.output.count / row) { task in
            eachWindow(task * row..<(task + 1) * row) { pixel, count, places in
                kernels.maxPool(count, places, C, x, y + pixel * C)
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
            eachWindow(group * windows..<(group + 1) * windows) { pixel, count, places in
                let at = pixel * C + first
                kernels.maxPoolBackward(count, places, columns, x + first, y + at, dy + at, dx + first)
            }
        }
    }

    /// Calls `body` with each output pixel, how many input pixels its window has, and where they lie, in floats.
    private func eachWindow(_ pixels: Range<Int>, _ body: (_ pixel: Int, _ count: Int, UnsafePointer<Int>) -> Void) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: shape.kernel.count) { places in
            guard let base = places.baseAddress else { return }
            for pixel in pixels {
                var count = 0
                shape.eachInput(ofOutput: pixel) {
                    base[count] = $0 * shape.C
                    count += 1
                }
                body(pixel, count, base)
            }
        }
    }
}

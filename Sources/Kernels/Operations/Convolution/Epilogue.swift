/// What follows a convolution and is done to its output while that is in the cache:
/// `y = relu(y + bias + residual)`, each part where it is asked for; then sums of what was written.
public struct Epilogue {
    /// K values.
    public var bias: UnsafePointer<Float>?
    /// Laid out as `y`, and other memory.
    public var residual: UnsafePointer<Float>?
    public var relu: Bool
    /// Gets the sum of each channel of `y` over all pixels, then the sums of squares: 2 K values.
    ///
    /// The order of the additions depends on the shape, the instruction set and N only.
    public var statistics: UnsafeMutablePointer<Double>?

    public init(
        bias: UnsafePointer<Float>? = nil, residual: UnsafePointer<Float>? = nil, relu: Bool = false,
        statistics: UnsafeMutablePointer<Double>? = nil
    ) {
        self.bias = bias
        self.residual = residual
        self.relu = relu
        self.statistics = statistics
    }
}

/// An epilogue in the course of one run: what implementations call for pixels that are complete.
struct EpilogueRun {
    /// Pixels whose sums are one or two chains of f32 additions, at most.
    private static let chain = 256

    private let K: Int
    private let epilogue: Epilogue
    private let y: UnsafeMutablePointer<Float>
    private let kernels: MicroKernelTable
    private let slots: Int
    /// `[slot][2][K]`: sums, then sums of squares.
    private let sums: UnsafeMutablePointer<Double>
    /// For each slot two vectors for every vector of channels, so that tasks with different channels keep apart.
    private let work: UnsafeMutablePointer<Float>

    init(
        _ epilogue: Epilogue, K: Int, y: UnsafeMutablePointer<Float>, slots: Int, kernels: MicroKernelTable,
        _ carving: inout Carving
    ) {
        self.K = K
        self.epilogue = epilogue
        self.y = y
        self.kernels = kernels.filled(by: K)
        self.slots = slots
        let kept = epilogue.statistics == nil ? 0 : slots
        sums = carving.take(kept * 2 * K)
        work = carving.take(kept * Self.workFloats(K, self.kernels))
        sums.update(repeating: 0, count: kept * 2 * K)
    }

    private static func workFloats(_ K: Int, _ kernels: MicroKernelTable) -> Int { 2 * (K + kernels.lanes) }

    /// Floats that a run with statistics takes.
    static func scratchCount(K: Int, slots: Int, kernels: MicroKernelTable) -> Int {
        Carving.rounded(slots * 4 * K) + Carving.rounded(slots * workFloats(K, kernels))
    }

    /// Finishes `count` pixels from pixel `first` of `y` on, N T H W together, for some channels.
    ///
    /// To be called exactly once for each pixel and channel, when its sum is complete and still in the cache. The calls of
    /// a slot for a channel come from one task at a time, in an order that depends on the shape and N only.
    func finish(pixels first: Int, count: Int, channels: Range<Int>, slot: Int) {
        let place = first * K + channels.lowerBound
        if epilogue.bias != nil || epilogue.residual != nil || epilogue.relu {
            kernels.finishPixels(
                count, channels.count, K, epilogue.bias.map { $0 + channels.lowerBound },
                epilogue.residual.map { $0 + place }, epilogue.relu, y + place)
        }
        guard epilogue.statistics != nil else { return }
        let sums = sums + slot * 2 * K + channels.lowerBound
        let work = work + slot * Self.workFloats(K, kernels) + 2 * channels.lowerBound
        for first in stride(from: 0, to: count, by: Self.chain) {
            kernels.addPixelStatistics(
                min(Self.chain, count - first), channels.count, K, y + place + first * K, work, sums, sums + K)
        }
    }

    /// Writes the statistics: the slots in order.
    func end() {
        guard let statistics = epilogue.statistics else { return }
        statistics.update(repeating: 0, count: 2 * K)
        for slot in 0..<slots { for i in 0..<2 * K { statistics[i] += sums[slot * 2 * K + i] } }
    }
}

/// Runs an epilogue in a pass of its own, behind implementations that do not.
enum EpiloguePass {
    /// Values that a call takes: they stay in the first cache while they are read twice.
    private static let blockValues = 4096
    private static let taskValues = 1 << 16
    private static let maximumTasks = 64

    /// Tasks over P pixels, which are the slots; more pixels never make fewer.
    static func slots(P: Int, K: Int) -> Int { max(min(P * K / taskValues, P, maximumTasks), 1) }

    static func run(_ epilogue: EpilogueRun, P: Int, K: Int, pool: ThreadPool) {
        let slots = slots(P: P, K: K)
        let block = max(blockValues / K, 1)
        pool.run(slots) { slot in
            let end = (slot + 1) * P / slots
            for first in stride(from: slot * P / slots, to: end, by: block) {
                epilogue.finish(pixels: first, count: min(block, end - first), channels: 0..<K, slot: slot)
            }
        }
    }
}

/// Convolution to a few output channels, which alone would leave most lanes of a vector empty: neighbouring pixels of a
/// row are computed together, as the channels of one pixel of a convolution with a wider kernel and stride.
///
/// Its weights are those of each pixel, shifted, with zeros between: for seven taps in a row, stride 2 and four pixels 7
/// of 13 are not zero, where two vectors are full instead of half of one.
enum NarrowConvolution: ConvolutionImplementation {
    static let name = "narrow"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        guard let plan = NarrowPlan(shape) else { return nil }
        switch pass {
        case .forward: return NarrowProduct(plan, instructionSet: instructionSet)
        // Its output channels are the many ones.
        case .backwardData: return DirectConvolution.product(shape, pass, instructionSet: instructionSet)
        }
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        NarrowPlan(shape).map { NarrowGradient($0, instructionSet: instructionSet) }
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool {
        pass != .backwardData
    }
}

/// Which pixels are computed together.
struct NarrowPlan: Sendable {
    /// The layer, and the one that computes its pixels together.
    let shape: ConvolutionShape
    let wide: ConvolutionShape
    /// Pixels of a row that are computed together.
    let pixels: Int

    /// More output channels than this fill a vector better alone.
    private static let mostChannels = 8
    /// Channels of the wide layer: enough for a vector of AVX-512, and at most.
    private static let vectorChannels = 16
    private static let wideChannels = 32

    /// Nil where too much of the wide kernel would be zeros, or rows cannot be cut.
    init?(_ s: ConvolutionShape) {
        guard s.groups == 1, s.K <= Self.mostChannels else { return nil }
        let possible = [2, 4].filter {
            s.output.w.isMultiple(of: $0) && $0 * s.K <= Self.wideChannels
                && 2 * s.kernel.w >= s.kernel.w + ($0 - 1) * s.stride.w
        }
        // No more zeros than it takes to fill a vector.
        guard let pixels = possible.first(where: { $0 * s.K >= Self.vectorChannels }) ?? possible.last
        else { return nil }
        shape = s
        self.pixels = pixels
        let width = s.kernel.w + (pixels - 1) * s.stride.w
        wide = ConvolutionShape(
            C: s.C, K: pixels * s.K, kernel: Extent3(s.kernel.t, s.kernel.h, width),
            stride: Extent3(s.stride.t, s.stride.h, pixels * s.stride.w), padding: s.padding, input: s.input)
        precondition(wide.output.count * pixels == s.output.count, "\(s) by \(pixels) pixels")
    }

    /// Calls `body` with the places of each row of taps, in the layer's weights and in the wide ones, pixel by pixel.
    private func eachRow(_ body: (_ narrow: Int, _ wide: Int) -> Void) {
        let rows = shape.K * shape.C * shape.kernel.t * shape.kernel.h
        for pixel in 0..<pixels {
            for row in 0..<rows {
                body(row * shape.kernel.w, (pixel * rows + row) * wide.kernel.w + pixel * shape.stride.w)
            }
        }
    }

    /// Writes the wide weights.
    func widen(_ weights: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        result.update(repeating: 0, count: wide.weightCount)
        eachRow { narrow, wide in (result + wide).update(from: weights + narrow, count: shape.kernel.w) }
    }

    /// Sums the wide weights' gradient over the pixels, in their order.
    func narrow(_ gradient: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        result.update(repeating: 0, count: shape.weightCount)
        eachRow { narrow, wide in
            for tap in 0..<shape.kernel.w { result[narrow + tap] += gradient[wide + tap] }
        }
    }
}

/// Forward, with the wide weights behind the packed ones.
struct NarrowProduct: ConvolutionProduct {
    private let plan: NarrowPlan
    private let direct: DirectProduct

    init(_ plan: NarrowPlan, instructionSet: InstructionSet) {
        self.plan = plan
        direct = DirectProduct(plan.wide, .forward, instructionSet: instructionSet)
    }

    private var packedPitch: Int { Carving.rounded(direct.packedCount) }
    var packedCount: Int { packedPitch + plan.wide.weightCount }

    func scratchCount(N: Int, threads: Int) -> Int { direct.scratchCount(N: N, threads: threads) }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        plan.widen(weights, into: packed + packedPitch)
        direct.pack(weights: packed + packedPitch, into: packed, pool: pool)
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        direct.run(
            N: N, source: source, packed: packed, target: target, accumulate: accumulate, scratch: scratch, pool: pool)
    }
}

/// Backward-weights: that of the wide layer, summed over the pixels.
struct NarrowGradient: ConvolutionWeightGradient {
    private let plan: NarrowPlan
    private let direct: WeightGradient

    init(_ plan: NarrowPlan, instructionSet: InstructionSet) {
        self.plan = plan
        direct = WeightGradient(plan.wide, instructionSet: instructionSet)
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        Carving.rounded(plan.wide.weightCount) + direct.scratchCount(N: N, threads: threads)
    }

    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let wide: UnsafeMutablePointer<Float> = carving.take(plan.wide.weightCount)
        direct.run(N: N, x: x, dy: dy, dw: wide, scratch: carving.rest, pool: pool)
        plan.narrow(wide, into: dw)
    }
}

/// Forward and backward-data of bfloat16: the source is rounded to pairs of neighbouring channels, then gathered and
/// multiplied as `DirectProduct` does with floats; there are half as many steps.
struct BF16Product: ConvolutionProduct {
    private let shape: ConvolutionShape
    private let pass: Convolution.Pass
    private let kernels: BF16Kernels
    private let product: GatherProduct

    /// Source pixels that a task rounds.
    private static let pixelsPerTask = 256

    init(_ shape: ConvolutionShape, _ pass: Convolution.Pass, emulated: Bool) {
        self.shape = shape
        self.pass = pass
        kernels = .table(emulated: emulated)
        let plan =
            switch pass {
            case .forward: GatherPlan.forward(Self.skips(shape) ? Self.dense(shape) : shape)
            case .backwardData: GatherPlan.backwardData(shape)
            }
        let slots = BF16Kernels.slots(plan.length)
        precondition(plan.length == plan.sourcePitch && plan.rowPadding == 0, "rows of a kernel as one tap")
        product = GatherProduct(
            GatherPlan(
                phases: plan.phases, sourceStride: plan.sourceStride, targetStride: plan.targetStride,
                source: plan.source, target: plan.target, sourcePitch: slots, length: slots, places: plan.places,
                columns: plan.columns, rowPadding: 0),
            kernels: kernels.kernels)
    }

    /// A projection leaves most source pixels out: only those that it sees are rounded, and lie side by side.
    private static func skips(_ s: ConvolutionShape) -> Bool {
        s.kernel.count == 1 && s.stride.count > 1 && s.padding == Extent3(0, 0, 0)
    }

    /// The convolution of those.
    private static func dense(_ s: ConvolutionShape) -> ConvolutionShape {
        ConvolutionShape(C: s.C, K: s.K, kernel: s.kernel, input: s.output)
    }

    private var sourceChannels: Int { pass == .forward ? shape.C : shape.K }

    var packedCount: Int { product.packedCount }

    private func roundedCount(N: Int) -> Int {
        Carving.rounded(N * product.plan.source.count * product.plan.sourcePitch)
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        roundedCount(N: N) + product.scratchCount(N: N, threads: threads)
    }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let packing = BF16Packing(shape: shape, product: product, kernels: kernels)
        switch pass {
        case .forward: packing.forward(weights, packed, pool)
        case .backwardData: packing.backwardData(weights, packed, pool)
        }
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let rounded = round(N: N, source, nil, &carving, pool)
        product.run(
            N: N, source: rounded, packed: packed, target: target, accumulate: accumulate, scratch: carving.rest,
            pool: pool)
    }

    var appliesPrologue: Bool { pass == .forward }

    func epilogueSlots(N: Int) -> Int? { product.epilogueSlots(N: N) }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let rounded = round(N: N, source, prologue, &carving, pool)
        product.run(
            N: N, source: rounded, packed: packed, target: target, accumulate: false, epilogue: epilogue,
            scratch: carving.rest, pool: pool)
    }

    /// The pairs of all source pixels, or of those that a projection sees.
    private func round(
        N: Int, _ source: UnsafePointer<Float>, _ prologue: Prologue?, _ carving: inout Carving, _ pool: ThreadPool
    ) -> UnsafePointer<Float> {
        let (channels, slots) = (sourceChannels, product.plan.sourcePitch)
        let to: UnsafeMutablePointer<Float> = carving.take(roundedCount(N: N))
        guard pass == .forward, Self.skips(shape) else {
            let pixels = N * product.plan.source.count
            pool.run((pixels + Self.pixelsPerTask - 1) / Self.pixelsPerTask) { task in
                let first = task * Self.pixelsPerTask
                kernels.roundPixels(
                    min(Self.pixelsPerTask, pixels - first), channels, source + first * channels, channels,
                    prologue?.factor, prologue?.offset, to + first * slots)
            }
            return UnsafePointer(to)
        }
        let (input, output, stride) = (shape.input, shape.output, shape.stride)
        pool.run(N * output.t) { frame in
            let (n, t) = (frame / output.t, frame % output.t * stride.t)
            for h in 0..<output.h {
                let from = ((n * input.t + t) * input.h + h * stride.h) * input.w
                kernels.roundPixels(
                    output.w, channels, source + from * channels, stride.w * channels, prologue?.factor,
                    prologue?.offset, to + (frame * output.h + h) * output.w * slots)
            }
        }
        return UnsafePointer(to)
    }
}

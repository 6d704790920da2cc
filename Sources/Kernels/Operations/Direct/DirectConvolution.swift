/// The direct convolution: gathered pixels times packed weights. It takes every shape without groups.
enum DirectConvolution: ConvolutionImplementation {
    static let name = "direct"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        guard shape.groups == 1 else { return nil }
        return DirectProduct(shape, pass, instructionSet: instructionSet)
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        guard shape.groups == 1 else { return nil }
        return WeightGradient(shape, instructionSet: instructionSet)
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool { true }
}

/// A `GatherProduct` together with the packing of its weights.
struct DirectProduct: ConvolutionProduct {
    private let shape: ConvolutionShape
    private let pass: Convolution.Pass
    private let product: GatherProduct

    init(_ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        self.shape = shape
        self.pass = pass
        let plan =
            switch pass {
            case .forward: GatherPlan.forward(shape)
            case .backwardData: GatherPlan.backwardData(shape)
            }
        product = GatherProduct(plan, instructionSet: instructionSet)
    }

    var packedCount: Int { product.packedCount }

    func scratchCount(N: Int, threads: Int) -> Int { product.scratchCount(N: N, threads: threads) }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        switch pass {
        case .forward: WeightPacking.forward(shape, product, weights: weights, packed: packed, pool: pool)
        case .backwardData: WeightPacking.backwardData(shape, product, weights: weights, packed: packed, pool: pool)
        }
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        product.run(
            N: N, source: source, packed: packed, target: target, accumulate: accumulate, scratch: scratch, pool: pool)
    }
    func epilogueSlots(N: Int) -> Int? { product.epilogueSlots(N: N) }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        precondition(prologue == nil, "a prologue, which gathered pixels cannot pass through")
        product.run(
            N: N, source: source, packed: packed, target: target, accumulate: false, epilogue: epilogue,
            scratch: scratch, pool: pool)
    }
}

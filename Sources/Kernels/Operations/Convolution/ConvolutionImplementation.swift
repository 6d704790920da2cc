/// One way to compute a convolution. `Convolution.list` orders them; each says which shapes it takes.
///
/// What is decided here depends on the shape and the instruction set, never on the batch size or the threads.
protocol ConvolutionImplementation: SendableMetatype {
    /// As in `Convolution.Choice`.
    static var name: String { get }

    /// The matrix product behind the forward or the backward-data pass, or nil where the shape is not for this
    /// implementation.
    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)?

    /// The backward-weights pass, or nil.
    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)?

    /// Whether it is worth choosing for the pass when nobody asks for it by name; nil stands for backward-weights.
    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool
}

/// Forward (source `x`, target `y`) or backward-data (source `dy`, target `dx`).
protocol ConvolutionProduct: Sendable {
    /// Floats of the packed weights.
    var packedCount: Int { get }

    /// Whether `run` reads the canonical weights: packing only copies them, and whoever has them at hand may give them as
    /// they are.
    var readsCanonical: Bool { get }

    /// Floats of scratch for at most N clips.
    func scratchCount(N: Int, threads: Int) -> Int

    /// Rewrites canonical weights `[K][C / groups][t][h][w]`.
    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool)

    /// Writes the target, or adds to it.
    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool)

    /// Whether the fused `run` takes a prologue. Otherwise `Convolution` computes it into memory before.
    var appliesPrologue: Bool { get }

    /// Slots that the fused `run` adds statistics in, or nil where it does not take an epilogue: then `Convolution` runs
    /// that in a pass of its own. More clips never make fewer slots.
    func epilogueSlots(N: Int) -> Int?

    /// Forward: writes the target together with what stands around the convolution. The prologue and the epilogue are nil
    /// where they were not asked for, or not taken.
    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool)
}

/// What holds for implementations that pack their weights and fuse nothing.
extension ConvolutionProduct {
    var readsCanonical: Bool { false }

    var appliesPrologue: Bool { false }

    func epilogueSlots(N: Int) -> Int? { nil }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        precondition(prologue == nil && epilogue == nil, "a fusion that the implementation does not take")
        run(N: N, source: source, packed: packed, target: target, accumulate: false, scratch: scratch, pool: pool)
    }
}

/// Backward-weights.
protocol ConvolutionWeightGradient: Sendable {
    /// Floats of scratch for at most N clips.
    func scratchCount(N: Int, threads: Int) -> Int

    /// Writes the canonical `dw[K][C / groups][t][h][w]`.
    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool)

    /// Whether the fused `run` exists. Otherwise `Convolution` computes the prologue into memory before.
    var appliesPrologue: Bool { get }

    /// The same, with the input behind the prologue.
    func run(
        N: Int, x: UnsafePointer<Float>, prologue: Prologue, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool)
}

/// What holds for implementations that fuse nothing.
extension ConvolutionWeightGradient {
    var appliesPrologue: Bool { false }

    func run(
        N: Int, x: UnsafePointer<Float>, prologue: Prologue, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        preconditionFailure("a prologue that the implementation does not take")
    }
}

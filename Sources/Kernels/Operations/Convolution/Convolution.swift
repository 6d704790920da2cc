public import Faults

/// One convolution layer: forward, backward-data and backward-weights of f32, channels last.
///
/// Layouts: `x[N][T][H][W][C]`, `y[N][T][H][W][K]`, weights and their gradient as in checkpoints,
/// `[K][C / groups][t][h][w]`. The weights are packed once per step into memory of the caller (`packedCount`), then serve
/// any number of calls. Results do not depend on the number of threads. No call but `pack` allocates; `scratchCount` says
/// what the caller lends.
public struct Convolution: Sendable {
    /// Which of the implementations to use.
    public enum Choice: Sendable, Equatable {
        /// For each pass the first in `Convolution.implementations` that is worth it for the shape; never `plain`.
        case auto
        /// This one for every pass that it can compute for the shape, and `auto` for the others.
        case preferring(String)
        /// This one for every pass; a fault if there is no such, or if it does not take the shape.
        case named(String)
    }

    /// What a packing of the weights is for.
    public enum Pass: Sendable {
        case forward
        case backwardData
    }

    /// Best first. The plain reference is reached by name only.
    private static let list: [any ConvolutionImplementation.Type] = [
        WinogradConvolution.self, DepthwiseConvolution.self, PlanesConvolution.self, NarrowConvolution.self,
        BF16Convolution.self, DirectConvolution.self, GroupedConvolution.self, EmulatedBF16Convolution.self,
        PlainConvolution.self,
    ]

    /// Names, best first.
    public static let implementations = list.map { $0.name }

    public let shape: ConvolutionShape
    public let instructionSet: InstructionSet
    /// The names of the implementations that were chosen for forward, backward-data and backward-weights.
    public let chosen: [String]
    private let forward: any ConvolutionProduct
    private let backwardData: any ConvolutionProduct
    private let backwardWeights: any ConvolutionWeightGradient
    private let prologueCopy: PrologueCopy

    /// The name of the implementation that was chosen, or the passes' names with slashes between where they differ.
    public var implementation: String {
        chosen.allSatisfy { $0 == chosen[0] } ? chosen[0] : chosen.joined(separator: "/")
    }

    /// - Throws: a usage `Fault` when the named implementation does not exist or does not take the shape.
    public init(
        _ shape: ConvolutionShape, instructionSet: InstructionSet, implementation choice: Choice = .auto
    ) throws(Fault) {
        self.shape = shape
        self.instructionSet = instructionSet
        prologueCopy = PrologueCopy(C: shape.C, instructionSet: instructionSet)
        let candidates = try Self.candidates(choice, instructionSet.compute)
        func first<Kernel>(
            _ pass: Pass?, _ make: (any ConvolutionImplementation.Type) -> Kernel?
        ) throws(Fault) -> (String, Kernel) {
            for (type, always) in candidates where always || type.isChosen(shape, pass, instructionSet.compute) {
                if let kernel = make(type) { return (type.name, kernel) }
            }
            throw Fault(
                .usage, "convolution '\(candidates[0].type.name)'", "it does not take \(shape)",
                mend: "choose another, or auto")
        }
        let (y, dx, dw) = (
            try first(.forward) { $0.product(shape, .forward, instructionSet: instructionSet) },
            try first(.backwardData) { $0.product(shape, .backwardData, instructionSet: instructionSet) },
            try first(nil) { $0.weightGradient(shape, instructionSet: instructionSet) }
        )
        chosen = [y.0, dx.0, dw.0]
        (forward, backwardData, backwardWeights) = (y.1, dx.1, dw.1)
    }

    /// The implementations to try in order, and whether one is taken wherever it can be.
    private static func candidates(
        _ choice: Choice, _ compute: Compute
    ) throws(Fault) -> [(type: any ConvolutionImplementation.Type, always: Bool)] {
        let auto = list.dropLast().map { (type: $0, always: false) }
        switch choice {
        case .auto: return auto
        // What is asked for is a convolution without Winograd's transforms.
        case .preferring(DirectConvolution.name) where compute == .bf16:
            return [(BF16Convolution.self, true)] + auto
        case .preferring(let name): return [(try named(name), true)] + auto
        case .named(let name): return [(try named(name), true)]
        }
    }

    private static func named(_ name: String) throws(Fault) -> any ConvolutionImplementation.Type {
        if let type = list.first(where: { $0.name == name }) { return type }
        throw Fault(
            .usage, "convolution '\(name)'", "there is no such implementation",
            mend: advice(for: name, among: implementations))
    }

    /// Whether forward and backward-weights compute a prologue as they read, without a copy of their input.
    public var appliesPrologue: Bool { forward.appliesPrologue && backwardWeights.appliesPrologue }

    private func product(_ pass: Pass) -> any ConvolutionProduct {
        switch pass {
        case .forward: forward
        case .backwardData: backwardData
        }
    }

    /// Floats that the packed weights take; the memory must be 64-byte aligned to be fast.
    public func packedCount(_ pass: Pass) -> Int { product(pass).packedCount }

    /// Whether the pass reads the canonical weights: they may be given to it in place of packed ones.
    public func readsCanonical(_ pass: Pass) -> Bool { product(pass).readsCanonical }

    /// Floats of scratch that a call for at most N clips on a pool of `threads` needs; 64-byte aligned.
    ///
    /// - Parameters:
    ///   - pass: nil stands for backward-weights.
    ///   - prologue: whether the call has one. Backward-data never has.
    ///   - statistics: whether a forward call has an epilogue that takes them.
    public func scratchCount(
        _ pass: Pass?, N: Int, threads: Int, prologue: Bool = false, statistics: Bool = false
    ) -> Int {
        func copied(_ applies: Bool) -> Int {
            prologue && !applies ? prologueCopy.scratchCount(P: N * shape.input.count) : 0
        }
        switch pass {
        case .forward:
            let sums =
                statistics
                ? EpilogueRun.scratchCount(K: shape.K, slots: slots(N: N), kernels: .table(for: instructionSet)) : 0
            return copied(forward.appliesPrologue) + sums + forward.scratchCount(N: N, threads: threads)
        case .backwardData: return backwardData.scratchCount(N: N, threads: threads)
        case nil:
            return copied(backwardWeights.appliesPrologue) + backwardWeights.scratchCount(N: N, threads: threads)
        }
    }

    /// Floats of scratch that any call needs.
    public func scratchCount(N: Int, threads: Int, prologue: Bool = false, statistics: Bool = false) -> Int {
        [.forward, .backwardData, nil].reduce(0) {
            max($0, scratchCount($1, N: N, threads: threads, prologue: prologue, statistics: statistics))
        }
    }

    private func slots(N: Int) -> Int {
        forward.epilogueSlots(N: N) ?? EpiloguePass.slots(P: N * shape.output.count, K: shape.K)
    }

    /// Rewrites canonical weights for one pass. Once per step.
    public func pack(
        weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, for pass: Pass, pool: ThreadPool
    ) {
        product(pass).pack(weights: weights, into: packed, pool: pool)
    }

    /// Writes `y`; `packed` is for `.forward`.
    public func forward(
        N: Int, x: UnsafePointer<Float>, prologue: Prologue? = nil, packed: UnsafePointer<Float>,
        y: UnsafeMutablePointer<Float>, epilogue: Epilogue? = nil, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        var (x, prologue) = (x, prologue)
        if let asked = prologue, !forward.appliesPrologue {
            x = prologueCopy.make(P: N * shape.input.count, x: x, asked, &carving, pool: pool)
            prologue = nil
        }
        let finish = epilogue.map {
            EpilogueRun(
                $0, K: shape.K, y: y, slots: slots(N: N), kernels: .table(for: instructionSet), &carving)
        }
        let fuses = forward.epilogueSlots(N: N) != nil
        forward.run(
            N: N, source: x, prologue: prologue, packed: packed, target: y, epilogue: fuses ? finish : nil,
            scratch: carving.rest, pool: pool)
        if let finish {
            if !fuses { EpiloguePass.run(finish, P: N * shape.output.count, K: shape.K, pool: pool) }
            finish.end()
        }
    }

    /// Writes `dx`, or adds to it when `accumulate` (residual joins); `packed` is for `.backwardData`.
    public func backwardData(
        N: Int, dy: UnsafePointer<Float>, packed: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        backwardData.run(
            N: N, source: dy, packed: packed, target: dx, accumulate: accumulate, scratch: scratch, pool: pool)
    }

    /// Writes the canonical `dw`.
    public func backwardWeights(
        N: Int, x: UnsafePointer<Float>, prologue: Prologue? = nil, dy: UnsafePointer<Float>,
        dw: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        guard let prologue else {
            return backwardWeights.run(N: N, x: x, dy: dy, dw: dw, scratch: scratch, pool: pool)
        }
        if backwardWeights.appliesPrologue {
            backwardWeights.run(N: N, x: x, prologue: prologue, dy: dy, dw: dw, scratch: scratch, pool: pool)
        } else {
            let copy = prologueCopy.make(P: N * shape.input.count, x: x, prologue, &carving, pool: pool)
            backwardWeights.run(N: N, x: copy, dy: dy, dw: dw, scratch: carving.rest, pool: pool)
        }
    }
}

public import Faults

/// One convolution layer: forward, backward-data and backward-weights of f32, channels last.
///
/// Layouts: `x[N][T][H][W][C]`, `y[N][T][H][W][K]`, weights and their gradient as in checkpoints, `[K][C][t][h][w]`.
/// The weights are packed once per step into memory of the caller (`packedCount`), then serve any number of calls.
/// Results do not depend on the number of threads. No call allocates; `scratchCount` says what the caller lends.
public struct Convolution: Sendable {
    /// Which of the implementations to use.
    public enum Choice: Sendable, Equatable {
        /// The first in `Convolution.implementations` that accepts the shape; never `plain`.
        case auto
        /// This one; a fault if there is no such, or if it does not accept the shape.
        case named(String)
    }

    /// What a packing of the weights is for.
    public enum Pass: Sendable {
        case forward
        case backwardData
    }

    /// Names, best first. `plain` is reached by name only.
    public static let implementations = ["direct", "plain"]

    public let shape: ConvolutionShape
    public let instructionSet: InstructionSet
    /// The name of the implementation that was chosen.
    public let implementation: String
    /// Nil for `plain`.
    private let direct: Direct?

    private struct Direct: Sendable {
        let forward: GatherProduct
        let backwardData: GatherProduct
        let backwardWeights: WeightGradient
    }

    /// - Throws: a usage `Fault` when the named implementation does not exist or does not accept the shape.
    public init(
        _ shape: ConvolutionShape, instructionSet: InstructionSet, implementation choice: Choice = .auto
    ) throws(Fault) {
        self.shape = shape
        self.instructionSet = instructionSet
        switch choice {
        case .auto: implementation = "direct"
        case .named(let name):
            guard Self.implementations.contains(name) else {
                throw Fault(
                    .usage, "convolution '\(name)'", "there is no such implementation",
                    mend: advice(for: name, among: Self.implementations))
            }
            implementation = name
        }
        direct =
            implementation == "plain"
            ? nil
            : Direct(
                forward: GatherProduct(.forward(shape), instructionSet: instructionSet),
                backwardData: GatherProduct(.backwardData(shape), instructionSet: instructionSet),
                backwardWeights: WeightGradient(shape, instructionSet: instructionSet))
    }

    /// Floats that the packed weights take; the memory must be 64-byte aligned to be fast.
    public func packedCount(_ pass: Pass) -> Int {
        guard let direct else { return shape.weightCount }
        return switch pass {
        case .forward: direct.forward.packedCount
        case .backwardData: direct.backwardData.packedCount
        }
    }

    /// Floats of scratch that any call for at most N clips on a pool of `threads` needs; 64-byte aligned.
    public func scratchCount(N: Int, threads: Int) -> Int {
        guard let direct else { return 0 }
        return max(
            direct.forward.scratchCount(N: N, threads: threads),
            direct.backwardData.scratchCount(N: N, threads: threads),
            direct.backwardWeights.scratchCount(N: N, threads: threads))
    }

    /// Rewrites canonical weights for one pass. Once per step.
    public func pack(
        weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, for pass: Pass, pool: ThreadPool
    ) {
        guard let direct else { return packed.update(from: weights, count: shape.weightCount) }
        switch pass {
        case .forward:
            WeightPacking.forward(shape, direct.forward, weights: weights, packed: packed, pool: pool)
        case .backwardData:
            WeightPacking.backwardData(shape, direct.backwardData, weights: weights, packed: packed, pool: pool)
        }
    }

    /// Writes `y`; `packed` is for `.forward`.
    public func forward(
        N: Int, x: UnsafePointer<Float>, packed: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        if let direct {
            direct.forward.run(
                N: N, source: x, packed: packed, target: y, accumulate: false, scratch: scratch, pool: pool)
        } else {
            plainRows(N * shape.output.count, pool) {
                PlainReference.convolution(shape, pixels: $0, x: x, w: packed, y: y)
            }
        }
    }

    /// Writes `dx`, or adds to it when `accumulate` (residual joins); `packed` is for `.backwardData`.
    public func backwardData(
        N: Int, dy: UnsafePointer<Float>, packed: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        if let direct {
            direct.backwardData.run(
                N: N, source: dy, packed: packed, target: dx, accumulate: accumulate, scratch: scratch, pool: pool)
        } else {
            plainRows(N * shape.input.count, pool) {
                PlainReference.convolutionBackwardData(
                    shape, pixels: $0, dy: dy, w: packed, dx: dx, accumulate: accumulate)
            }
        }
    }

    /// Writes the canonical `dw[K][C][t][h][w]`.
    public func backwardWeights(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        if let direct {
            direct.backwardWeights.run(N: N, x: x, dy: dy, dw: dw, scratch: scratch, pool: pool)
        } else {
            pool.run(shape.K) { k in
                PlainReference.convolutionBackwardWeights(shape, N: N, channels: k..<k + 1, x: x, dy: dy, dw: dw)
            }
        }
    }

    private func plainRows(_ pixels: Int, _ pool: ThreadPool, _ body: (Range<Int>) -> Void) {
        let rows = 16
        pool.run((pixels + rows - 1) / rows) { body($0 * rows..<min(($0 + 1) * rows, pixels)) }
    }
}

public import Faults

/// A fully connected layer: `y[N][K] = x[N][C] w[K][C]^T + b[K]`. Packing and scratch as in `Convolution`.
public struct Linear: Sendable {
    public let C: Int
    public let K: Int
    private let convolution: Convolution

    /// - Throws: a usage `Fault` when the named implementation does not exist.
    public init(
        C: Int, K: Int, instructionSet: InstructionSet, implementation: Convolution.Choice = .auto
    ) throws(Fault) {
        self.C = C
        self.K = K
        let one = Extent3(1, 1, 1)
        convolution = try Convolution(
            ConvolutionShape(C: C, K: K, kernel: one, input: one), instructionSet: instructionSet,
            implementation: implementation)
    }

    /// The name of the implementation that was chosen.
    public var implementation: String { convolution.implementation }
    /// Multiplications for one row.
    public var macs: Int { C * K }

    /// Floats that the packed weights take, 64-byte aligned.
    public func packedCount(_ pass: Convolution.Pass) -> Int { convolution.packedCount(pass) }

    /// Floats of scratch that any call for at most N rows on a pool of `threads` needs; 64-byte aligned.
    public func scratchCount(N: Int, threads: Int) -> Int { convolution.scratchCount(N: N, threads: threads) }

    /// Rewrites `w[K][C]` for one pass. Once per step.
    public func pack(
        weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, for pass: Convolution.Pass,
        pool: ThreadPool
    ) {
        convolution.pack(weights: weights, into: packed, for: pass, pool: pool)
    }

    /// Writes `y`; `packed` is for `.forward`.
    public func forward(
        N: Int, x: UnsafePointer<Float>, packed: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
        y: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        convolution.forward(N: N, x: x, packed: packed, y: y, scratch: scratch, pool: pool)
        guard let bias else { return }
        for n in 0..<N {
            for k in 0..<K { y[n * K + k] += bias[k] }
        }
    }

    /// Writes `dx`; `packed` is for `.backwardData`.
    public func backwardData(
        N: Int, dy: UnsafePointer<Float>, packed: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        convolution.backwardData(
            N: N, dy: dy, packed: packed, dx: dx, accumulate: false, scratch: scratch, pool: pool)
    }

    /// Writes `dw[K][C]` and, where there is a bias, `db[K]`.
    public func backwardWeights(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        db: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        convolution.backwardWeights(N: N, x: x, dy: dy, dw: dw, scratch: scratch, pool: pool)
        guard let db else { return }
        for k in 0..<K {
            var sum = 0.0
            for n in 0..<N { sum += Double(dy[n * K + k]) }
            db[k] = Float(sum)
        }
    }
}

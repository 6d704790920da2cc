public import Faults

/// A fully connected layer: `y[N][K] = x[N][C] w[K][C]^T + b[K]`. Packing and scratch as in `Convolution`.
public struct Linear: Sendable {
    /// Names, best first. Our own product comes first: its sums have an order that we know, on every processor.
    /// `plain` is reached by name only.
    public static let implementations = ["direct", "openblas", "plain"]

    public let C: Int
    public let K: Int
    /// The name of the implementation that was chosen.
    public let implementation: String
    private let convolution: Convolution
    private let library: OpenBLAS?
    private let kernels: MicroKernelTable

    /// - Throws: a usage `Fault` when the named implementation does not exist or OpenBLAS cannot be loaded for this
    ///   instruction set.
    public init(
        C: Int, K: Int, instructionSet: InstructionSet, implementation choice: Convolution.Choice = .auto
    ) throws(Fault) {
        self.C = C
        self.K = K
        let one = Extent3(1, 1, 1)
        let shape = ConvolutionShape(C: C, K: K, kernel: one, input: one)
        kernels = .table(for: instructionSet)
        if choice == .named("openblas") {
            let library = try OpenBLAS.shared.get()
            guard library.instructionSet == instructionSet else {
                throw Fault(
                    .usage, "openblas", "it was loaded for \(library.instructionSet), not for \(instructionSet)",
                    mend: "choose direct")
            }
            self.library = library
            convolution = try Convolution(shape, instructionSet: instructionSet, implementation: .named("plain"))
            implementation = "openblas"
        } else {
            if case .named(let name) = choice, !Self.implementations.contains(name) {
                throw Fault(
                    .usage, "linear '\(name)'", "there is no such implementation",
                    mend: advice(for: name, among: Self.implementations))
            }
            library = nil
            convolution = try Convolution(shape, instructionSet: instructionSet, implementation: choice)
            implementation = convolution.implementation
        }
    }

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
        if let library {
            library.multiply(m: N, n: K, k: C, a: x, b: packed, transposingB: true, c: y)
        } else {
            convolution.forward(N: N, x: x, packed: packed, y: y, scratch: scratch, pool: pool)
        }
        guard let bias else { return }
        for n in 0..<N { kernels.add(K, y + n * K, bias, y + n * K) }
    }

    /// Writes `dx`; `packed` is for `.backwardData`.
    public func backwardData(
        N: Int, dy: UnsafePointer<Float>, packed: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        if let library {
            library.multiply(m: N, n: C, k: K, a: dy, b: packed, c: dx)
        } else {
            convolution.backwardData(
                N: N, dy: dy, packed: packed, dx: dx, accumulate: false, scratch: scratch, pool: pool)
        }
    }

    /// Writes `dw[K][C]` and, where there is a bias, `db[K]`.
    public func backwardWeights(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        db: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        if let library {
            library.multiply(m: K, n: C, k: N, a: dy, transposingA: true, b: x, c: dw)
        } else {
            convolution.backwardWeights(N: N, x: x, dy: dy, dw: dw, scratch: scratch, pool: pool)
        }
        guard let db else { return }
        for k in 0..<K {
            var sum = 0.0
            for n in 0..<N { sum += Double(dy[n * K + k]) }
            db[k] = Float(sum)
        }
    }
}

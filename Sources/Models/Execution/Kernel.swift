import Faults
import Kernels

/// An entry of a program with the operation that executes it.
struct Kernel {
    enum Operation {
        case convolution(Convolution, Convolving)
        case normalise(BatchNorm, Normalisation)
        case relu
        case add
        case maxPool(MaxPool)
        case averagePool(AveragePool)
        case linear(Linear, weight: Int, bias: Int)
    }

    /// What a convolution reads, by number, and what is joined to it.
    struct Convolving {
        var weight: Int
        /// The batch norm, by its statistics, that is computed while the convolution reads that one's input.
        var prologue: Int?
        /// The batch norm, by its statistics, whose sums are taken while the output is written.
        var sums: Int?
        /// The batch norm that the weights hold, with what is joined to that.
        var folded: Fold?
    }

    struct Fold {
        var norm: BatchNorm
        var what: Normalisation
    }

    /// What a batch norm reads, by number, and what is joined to it.
    struct Normalisation {
        var statistics: Int
        var scale: Int
        var shift: Int
        /// A tensor.
        var residual: Int?
        var relu: Bool
        /// Its result is not stored: a convolution computes it.
        var isDeferred = false
        /// Its sums are taken by the convolution before it.
        var hasSums = false
        /// Whether backward can tell from the input what the ReLU let pass.
        var masksByInput: Bool { relu && residual == nil }
    }

    let operation: Operation
    /// The tensors that its result depends on; a residual is the last.
    let inputs: [Int]
    /// The tensors that it reads in their place.
    let reads: [Int]
    let output: Int
    /// Of the output, for one clip.
    let map: FeatureMap

    /// The weight that is packed for the kernel, and the floats that each packing takes.
    var packing: (weight: Int, forward: Int, backwardData: Int)? {
        switch operation {
        case .convolution(let convolution, let what):
            (what.weight, convolution.packedCount(.forward), convolution.packedCount(.backwardData))
        case .linear(let linear, let weight, _):
            (weight, linear.packedCount(.forward), linear.packedCount(.backwardData))
        case .normalise, .relu, .add, .maxPool, .averagePool: nil
        }
    }

    /// Floats of scratch to run forward on N clips, or backward (of a convolution: one of its two passes).
    func scratchCount(_ pass: Convolution.Pass?, N: Int, threads: Int) -> Int {
        switch operation {
        case .convolution(let convolution, let what):
            convolution.scratchCount(
                pass, N: N, threads: threads, prologue: what.prologue != nil, statistics: what.sums != nil)
        case .linear(let linear, _, _): linear.scratchCount(N: N, threads: threads)
        case .normalise(let norm, _): norm.scratchCount(P: N * map.positions)
        case .relu, .add, .maxPool, .averagePool: 0
        }
    }
}

import Faults
import Kernels

/// An entry of a program with the operation that executes it.
struct Kernel {
    enum Operation {
        case convolution(Convolution, Convolving)
        case normalise(BatchNorm, Normalisation)
        case relu
        case swish
        case sigmoid
        case add
        case multiplyChannels(ChannelScale)
        /// A product of channels with its Swish; the batch norm before it, by its statistics, is computed on the way.
        case gatedSwish(SwishNorm, statistics: Int?)
        /// The mean over each of N clips of P pixels behind a batch norm, by its statistics, that is not stored.
        case normMean(ChannelSums, P: Int, statistics: Int)
        case concatenate(Concatenation)
        case selectFrames(FrameSelection)
        case maxPool(MaxPool)
        case averagePool(AveragePool)
        case linear(Linear, weight: Int, bias: Int?)
        case attention(Attention)
        case dropout(Dropout)
        case softmaxMean(joint: Bool)
    }

    /// What a convolution reads, by number, and what is joined to it.
    struct Convolving {
        var weight: Int
        var bias: Int?
        /// The batch norm, by its statistics, that is computed while the convolution reads that one's input.
        var prologue: Int?
        /// The batch norm, by its statistics, whose sums are taken while the output is written.
        var sums: Int?
        /// The batch norm that the weights hold, with what is joined to that.
        var folded: Fold?
        /// Of the gradient, for the bias.
        var biasGradient: ChannelSums?
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
        /// What computes it with the Swish behind it: here, or where there is a gate at the place of that.
        var swish: SwishNorm?
        var gate: Program.Gate?
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
        default: nil
        }
    }

    /// Whether a pass reads its weight as it is, so that in training there is nothing to pack.
    func readsCanonical(_ pass: Convolution.Pass) -> Bool {
        guard case .convolution(let convolution, _) = operation else { return false }
        return convolution.readsCanonical(pass)
    }

    /// The tensors that its backward reads, besides gradients.
    ///
    /// - Parameter isFrozen: by parameter; those get no gradient.
    func readsBackward(isFrozen: [Bool]) -> [Int] {
        switch operation {
        case .convolution(_, let what): isFrozen[what.weight] ? [] : [reads[0]]
        case .normalise(_, let what):
            [inputs[0]] + (what.relu && !what.masksByInput ? [output] : []) + (what.gate.map { [$0.numbers] } ?? [])
        case .linear, .swish: [inputs[0]]
        case .relu, .sigmoid: [output]
        case .maxPool: [inputs[0], output]
        case .gatedSwish: reads
        case .multiplyChannels, .attention: inputs
        case .normMean, .dropout, .add, .averagePool, .concatenate, .selectFrames, .softmaxMean: []
        }
    }

    /// Floats of scratch to run forward on N clips, or backward (of a convolution: one of its two passes).
    func scratchCount(_ pass: Convolution.Pass?, N: Int, threads: Int) -> Int {
        let P = map.positions
        switch operation {
        case .convolution(let convolution, let what):
            let count = convolution.scratchCount(
                pass, N: N, threads: threads, prologue: what.prologue != nil, statistics: what.sums != nil)
            guard pass == nil, let sums = what.biasGradient else { return count }
            return max(count, sums.scratchCount(N: 1, P: N * P))
        case .linear(let linear, _, _): return linear.scratchCount(N: N * P, threads: threads)
        case .normalise(let norm, let what):
            guard let swish = what.swish else { return norm.scratchCount(P: N * P) }
            return max(
                norm.scratchCount(P: N * P),
                what.gate == nil ? swish.scratchCount(N: 1, P: N * P) : swish.scratchCount(N: N, P: P))
        case .gatedSwish(let swish, _): return swish.scratchCount(N: N, P: P)
        case .normMean(let sums, let P, _): return pass == nil ? 0 : sums.scratchCount(N: N, P: P)
        case .multiplyChannels(let scale): return scale.scratchCount(N: N, P: P)
        case .averagePool(let pool): return pass == nil ? 0 : pool.scratchCount(N: N)
        case .attention(let attention): return attention.scratchCount(backward: pass == nil, threads: threads)
        case .relu, .swish, .sigmoid, .add, .concatenate, .selectFrames, .maxPool, .dropout, .softmaxMean: return 0
        }
    }
}

import Faults
import Kernels

extension Kernel {
    /// How far the kernels of a network are joined beyond what `Program` always does.
    struct Joining {
        /// Batch norms with a ReLU are computed by the convolution that reads them, not stored.
        var defers: Bool
        /// Convolutions take the sums of the batch norm behind them.
        var sums: Bool
        /// Convolutions hold the batch norm behind them in their weights.
        var folds: Bool
    }

    /// The kernels of a network in forward order.
    ///
    /// - Parameter keeping: layers whose tensors are made whatever could be joined to them.
    /// - Throws: a usage `Fault` when there is no implementation of the name asked for, or when a network cannot be
    ///   trained.
    static func list(
        _ network: NetworkDescription, _ joining: Joining, training: Bool, keeping: Set<Int> = [],
        instructionSet: InstructionSet, implementation: Convolution.Choice
    ) throws(Fault) -> [Kernel] {
        let entries = Program(network, folds: joining.folds, keeping: keeping).entries
        // The batch norm that stands behind each tensor first, and the one that makes it without storing it.
        var behind: [Int: Program.Entry] = [:]
        var deferred: [Int: Program.Entry] = [:]
        // The convolution that makes each tensor, and whether the one that reads it would compute a batch norm on the way:
        // others copy their input for that, forward and backward, which takes longer than to store it once.
        var convolutions: [Int: Convolution] = [:]
        var computes: Set<Int> = []
        for entry in entries {
            guard case .convolution(let shape, _, _) = entry.operation else { continue }
            let convolution = try Convolution(shape, instructionSet: instructionSet, implementation: implementation)
            convolutions[entry.output] = convolution
            if convolution.appliesPrologue { computes.insert(entry.inputs[0]) }
        }
        for entry in entries {
            guard case .batchNorm = entry.operation, let source = entry.inputs.first else { continue }
            if joining.sums, behind[source] == nil { behind[source] = entry }
            if joining.defers, entry.deferrable, computes.contains(entry.output) { deferred[entry.output] = entry }
        }

        func batchNorm(_ layer: Int, _ entry: Program.Entry) -> (BatchNorm, Normalisation)? {
            guard case .batchNorm(let index, let scale, let shift) = network.layers[layer].operation else { return nil }
            let statistics = network.statistics[index]
            return (
                BatchNorm(C: statistics.C, epsilon: statistics.epsilon, instructionSet: instructionSet),
                Normalisation(
                    statistics: index, scale: scale, shift: shift, residual: entry.residual, relu: entry.relu)
            )
        }

        var kernels: [Kernel] = []
        var draws = 0
        for entry in entries {
            let operation: Operation
            var reads = entry.inputs
            let map = network.layers[entry.output].map
            func input(_ place: Int) -> FeatureMap { network.layers[entry.inputs[place]].map }
            switch entry.operation {
            case .input: continue
            case .convolution(let shape, let weight, let bias):
                var what = Convolving(weight: weight, bias: bias)
                if let source = deferred[entry.inputs[0]] {
                    what.prologue = batchNorm(source.layer, source)?.1.statistics
                    reads[0] = source.inputs[0]
                }
                if let norm = behind[entry.output] { what.sums = batchNorm(norm.layer, norm)?.1.statistics }
                if let layer = entry.folded, let (norm, normalisation) = batchNorm(layer, entry) {
                    what.folded = Fold(norm: norm, what: normalisation)
                }
                if bias != nil { what.biasGradient = ChannelSums(C: shape.K, instructionSet: instructionSet) }
                guard let convolution = convolutions[entry.output] else { continue }
                operation = .convolution(convolution, what)
            case .batchNorm:
                guard let (norm, described) = batchNorm(entry.layer, entry) else { continue }
                var what = described
                what.isDeferred = deferred[entry.output] != nil
                what.gate = entry.gate
                if entry.swish || entry.gate != nil {
                    what.swish = SwishNorm(C: norm.C, epsilon: norm.epsilon, instructionSet: instructionSet)
                }
                if case .convolution = network.layers[entry.inputs[0]].operation {
                    what.hasSums = behind[entry.inputs[0]]?.layer == entry.layer
                }
                operation = .normalise(norm, what)
            case .relu: operation = .relu
            case .swish: operation = .swish
            case .sigmoid: operation = .sigmoid
            case .add: operation = .add
            case .multiplyChannels where entry.swish:
                let norm = entry.norm.flatMap { batchNorm($0, entry) }
                if let layer = entry.norm { reads[0] = network.layers[layer].inputs[0] }
                operation = .gatedSwish(
                    SwishNorm(C: map.C, epsilon: norm?.0.epsilon ?? 1, instructionSet: instructionSet),
                    statistics: norm?.1.statistics)
            case .multiplyChannels:
                operation = .multiplyChannels(ChannelScale(C: map.C, instructionSet: instructionSet))
            case .concatenate:
                operation = .concatenate(Concatenation(channels: entry.inputs.indices.map { input($0).C }))
            case .selectFrames(let frames):
                operation = .selectFrames(
                    FrameSelection(frames, C: map.C, input: input(0).extent, instructionSet: instructionSet))
            case .maxPool(let shape): operation = .maxPool(MaxPool(shape, instructionSet: instructionSet))
            case .averagePool(let shape) where entry.norm != nil:
                guard let layer = entry.norm, let (_, norm) = batchNorm(layer, entry) else { continue }
                reads[0] = network.layers[layer].inputs[0]
                operation = .normMean(
                    ChannelSums(C: map.C, instructionSet: instructionSet), P: shape.input.count,
                    statistics: norm.statistics)
            case .averagePool(let shape): operation = .averagePool(AveragePool(shape, instructionSet: instructionSet))
            case .linear(let weight, let bias):
                let shape = network.parameters[weight].shape
                let linear = try Linear(
                    C: shape[1], K: shape[0], instructionSet: instructionSet, implementation: implementation)
                operation = .linear(linear, weight: weight, bias: bias)
            case .attention(let normalisation):
                let attention = try Attention(
                    P: map.positions, Q: input(1).positions, C: input(0).C, K: map.C,
                    normalisation: normalisation == .softmax ? .softmax : .positions, instructionSet: instructionSet,
                    implementation: implementation)
                operation = .attention(attention)
            case .dropout(let probability):
                let dropout = Dropout(probability: probability, firstDraw: draws, count: map.count)
                draws = dropout.endOfDraws
                operation = .dropout(dropout)
            case .softmaxMean(let joint):
                guard !training else {
                    throw Fault(
                        .usage, "layer '\(network.layers[entry.layer].name)' of \(network.name)",
                        "a fully convolutional head makes scores for tests, and has no backward",
                        mend: "train the network with its ordinary head: the weights are the same")
                }
                operation = .softmaxMean(joint: joint)
            }
            kernels.append(
                Kernel(operation: operation, inputs: entry.inputs, reads: reads, output: entry.output, map: map))
        }
        return kernels
    }
}

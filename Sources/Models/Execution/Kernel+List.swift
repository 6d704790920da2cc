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
    /// - Throws: a usage `Fault` when there is no implementation of the name asked for.
    static func list(
        _ network: NetworkDescription, _ joining: Joining, instructionSet: InstructionSet,
        implementation: Convolution.Choice
    ) throws(Fault) -> [Kernel] {
        let entries = Program(network, folds: joining.folds).entries
        // The batch norm that stands behind each tensor first, and the one that makes it without storing it.
        var behind: [Int: Program.Entry] = [:]
        var deferred: [Int: Program.Entry] = [:]
        for entry in entries {
            guard case .batchNorm = entry.operation, let source = entry.inputs.first else { continue }
            if joining.sums, behind[source] == nil { behind[source] = entry }
            if joining.defers, entry.deferrable { deferred[entry.output] = entry }
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
        for entry in entries {
            let operation: Operation
            var reads = entry.inputs
            switch entry.operation {
            case .input: continue
            case .convolution(let shape, let weight, nil):
                var what = Convolving(weight: weight)
                if let source = deferred[entry.inputs[0]] {
                    what.prologue = batchNorm(source.layer, source)?.1.statistics
                    reads[0] = source.inputs[0]
                }
                if let norm = behind[entry.output] { what.sums = batchNorm(norm.layer, norm)?.1.statistics }
                if let layer = entry.folded, let (norm, normalisation) = batchNorm(layer, entry) {
                    what.folded = Fold(norm: norm, what: normalisation)
                }
                operation = .convolution(
                    try Convolution(shape, instructionSet: instructionSet, implementation: implementation), what)
            case .batchNorm:
                guard let (norm, described) = batchNorm(entry.layer, entry) else { continue }
                var what = described
                what.isDeferred = deferred[entry.output] != nil
                if case .convolution = network.layers[entry.inputs[0]].operation {
                    what.hasSums = behind[entry.inputs[0]]?.layer == entry.layer
                }
                operation = .normalise(norm, what)
            case .relu: operation = .relu
            case .add: operation = .add
            case .maxPool(let shape): operation = .maxPool(MaxPool(shape, instructionSet: instructionSet))
            case .averagePool(let shape): operation = .averagePool(AveragePool(shape, instructionSet: instructionSet))
            case .linear(let weight, let bias?):
                let shape = network.parameters[weight].shape
                let linear = try Linear(
                    C: shape[1], K: shape[0], instructionSet: instructionSet, implementation: implementation)
                operation = .linear(linear, weight: weight, bias: bias)
            case .selectFrames, .swish, .sigmoid, .multiplyChannels, .concatenate, .attention, .dropout, .softmaxMean,
                .convolution, .linear:
                let layer = network.layers[entry.layer]
                throw Fault(
                    .usage, "layer '\(layer.name)' of \(network.name)",
                    "this version cannot execute its \(layer.operation.summary)")
            }
            kernels.append(
                Kernel(
                    operation: operation, inputs: entry.inputs, reads: reads, output: entry.output,
                    map: network.layers[entry.output].map))
        }
        return kernels
    }
}

import Faults
import Kernels

/// An entry of a program with the operation that executes it.
struct Kernel {
    enum Operation {
        case convolution(Convolution, weight: Int)
        case normalise(BatchNorm, Normalisation)
        case relu
        case add
        case maxPool(MaxPool)
        case averagePool(AveragePool)
        case linear(Linear, weight: Int, bias: Int)
    }

    /// What a batch norm reads, by number, and what is joined to it.
    struct Normalisation {
        var statistics: Int
        var scale: Int
        var shift: Int
        /// A tensor.
        var residual: Int?
        var relu: Bool
    }

    let operation: Operation
    /// The tensors that it reads; a residual is the last.
    let inputs: [Int]
    let output: Int
    /// Of the output, for one clip.
    let map: FeatureMap

    /// The kernels of a network in forward order.
    ///
    /// - Throws: a usage `Fault` when there is no implementation of the name asked for.
    static func list(
        _ network: NetworkDescription, instructionSet: InstructionSet, implementation: Convolution.Choice
    ) throws(Fault) -> [Kernel] {
        var kernels: [Kernel] = []
        for entry in Program(network).entries {
            let operation: Operation
            switch entry.operation {
            case .input: continue
            case .convolution(let shape, let weight):
                operation = .convolution(
                    try Convolution(shape, instructionSet: instructionSet, implementation: implementation),
                    weight: weight)
            case .batchNorm(let index, let scale, let shift):
                let statistics = network.statistics[index]
                operation = .normalise(
                    BatchNorm(C: statistics.C, epsilon: statistics.epsilon, instructionSet: instructionSet),
                    Normalisation(
                        statistics: index, scale: scale, shift: shift, residual: entry.residual, relu: entry.relu))
            case .relu: operation = .relu
            case .add: operation = .add
            case .maxPool(let shape): operation = .maxPool(MaxPool(shape, instructionSet: instructionSet))
            case .averagePool(let shape): operation = .averagePool(AveragePool(shape, instructionSet: instructionSet))
            case .linear(let weight, let bias):
                let shape = network.parameters[weight].shape
                let linear = try Linear(
                    C: shape[1], K: shape[0], instructionSet: instructionSet, implementation: implementation)
                operation = .linear(linear, weight: weight, bias: bias)
            }
            kernels.append(
                Kernel(
                    operation: operation, inputs: entry.inputs, output: entry.output,
                    map: network.layers[entry.output].map))
        }
        return kernels
    }

    /// Floats of scratch for N clips.
    func scratchCount(N: Int, threads: Int) -> Int {
        switch operation {
        case .convolution(let convolution, _): convolution.scratchCount(N: N, threads: threads)
        case .linear(let linear, _, _): linear.scratchCount(N: N, threads: threads)
        case .normalise(let norm, _): norm.scratchCount(P: N * map.positions)
        case .relu, .add, .maxPool, .averagePool: 0
        }
    }

    /// The weight that is packed for the kernel, and the floats that each packing takes.
    var packing: (weight: Int, forward: Int, backwardData: Int)? {
        switch operation {
        case .convolution(let convolution, let weight):
            (weight, convolution.packedCount(.forward), convolution.packedCount(.backwardData))
        case .linear(let linear, let weight, _):
            (weight, linear.packedCount(.forward), linear.packedCount(.backwardData))
        case .normalise, .relu, .add, .maxPool, .averagePool: nil
        }
    }
}

public import Faults
public import Kernels

/// A network as a value: its layers in order, its parameters and statistics by name. Nothing is allocated or computed.
public struct NetworkDescription: Sendable, Equatable {
    /// As in recipes: `r2plus1d-18`, `torchvision/r3d_18`.
    public let name: String
    public let classes: Int
    /// In forward order; the last one makes the logits.
    public let layers: [Layer]
    /// In forward order: the order of every list of parameters, gradients and chunks.
    public let parameters: [Parameter]
    /// In forward order.
    public let statistics: [RunningStatistics]

    /// The clip that the network takes.
    public var input: FeatureMap { layers[0].map }

    /// Multiply-accumulates of the convolutions and linear layers for one clip, as VMZ and the papers count them: the
    /// products of attention are left out, as are pools, norms and activations.
    public var macs: Int { layers.indices.reduce(0) { $0 + macs(layer: $1) } }

    /// Elements of the convolutions' and linear layers' weights: what VMZ's tables call parameters.
    public var weights: Int { parameters.reduce(0) { $0 + ($1.role == .weight ? $1.count : 0) } }

    /// Elements of all parameters.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// Multiply-accumulates of one layer for one clip.
    public func macs(layer index: Int) -> Int {
        switch layers[index].operation {
        case .convolution(let shape, _, _): shape.macs
        case .linear(let weight, _): parameters[weight].count * layers[index].map.positions
        default: 0
        }
    }

    /// The parameters of one layer, as numbers.
    public func parameters(ofLayer index: Int) -> [Int] {
        switch layers[index].operation {
        case .convolution(_, let weight, let bias), .linear(let weight, let bias): [weight] + (bias.map { [$0] } ?? [])
        case .batchNorm(_, let scale, let shift): [scale, shift]
        case .input, .selectFrames, .relu, .swish, .sigmoid, .add, .multiplyChannels, .concatenate, .maxPool,
            .averagePool, .attention, .dropout, .softmaxMean:
            []
        }
    }

    /// The number of the layer called `name`, as `model info --layers` prints it; `logits` is the last one.
    ///
    /// - Throws: a usage `Fault` when there is none, with the nearest name.
    public func layer(named name: String) throws(Fault) -> Int {
        if let index = layers.firstIndex(where: { $0.name == name }) { return index }
        if name == "logits" { return layers.count - 1 }
        throw Fault(
            .usage, name, "is no layer of \(self.name)",
            mend: advice(for: name, among: layers.map(\.name)) + "; `zoetrope model info` lists them")
    }

    /// How many layers read each tensor.
    var readers: [Int] {
        var counts = [Int](repeating: 0, count: layers.count)
        for layer in layers { for input in layer.inputs { counts[input] += 1 } }
        return counts
    }
}

extension NetworkDescription {
    /// Every convolution by its layer's name, in forward order.
    public var convolutions: [(name: String, shape: ConvolutionShape)] {
        layers.compactMap { layer in
            guard case .convolution(let shape, _, _) = layer.operation else { return nil }
            return (layer.name, shape)
        }
    }
}

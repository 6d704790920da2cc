public import Checkpoints
public import Faults
public import Models

extension NetworkDescription {
    /// What a checkpoint is to fill: parameters in forward order, then running statistics.
    public var tensorTargets: [TensorTarget] {
        let head = Set(headParameters)
        return parameters.enumerated().map { index, parameter in
            TensorTarget(name: parameter.name, shape: parameter.shape, isHead: head.contains(index))
        }
            + statistics.flatMap { layer in
                [layer.meanName, layer.varianceName].map { TensorTarget(name: $0, shape: [layer.C]) }
            }
    }

    /// The parameters of the layer that tells the classes, as numbers: the last layer that has any.
    public var headParameters: [Int] {
        layers.indices.reversed().lazy.map { parameters(ofLayer: $0) }.first { !$0.isEmpty } ?? []
    }

    /// How many classes the head of a checkpoint tells, or `nil` where it has no tensor that could be the head's weight.
    ///
    /// - Throws: a data `Fault` when two tensors of the file are the same one.
    public func classes(of checkpoint: Checkpoint) throws(Fault) -> Int? {
        guard let weight = tensorTargets.first(where: { $0.isHead && $0.shape.count > 1 }) else { return nil }
        return try LoadPlan(checkpoint, into: [weight], of: name).storedShapes[weight.name]?.first
    }
}

extension InferencePass {
    /// Takes every parameter and all running statistics that were loaded; what was not keeps its values.
    public func load(_ tensors: LoadedTensors) {
        for (index, parameter) in network.parameters.enumerated() {
            if let values = tensors[parameter.name] { setParameter(index, values) }
        }
        for (index, layer) in network.statistics.enumerated() {
            if let mean = tensors[layer.meanName], let variance = tensors[layer.varianceName] {
                setStatistics(index, mean: mean, variance: variance)
            }
        }
    }
}

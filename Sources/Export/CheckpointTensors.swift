public import Checkpoints
public import Faults
public import Models

extension NetworkDescription {
    /// Every tensor of the network in forward order, under the network's own names.
    ///
    /// - Parameters:
    ///   - value: a parameter's or statistic's elements by its name, row-major.
    ///   - batches: what PyTorch's batch norms count in `num_batches_tracked`; `nil` leaves the counters out. Networks of
    ///     other origins have none.
    /// - Throws: a data `Fault` for a tensor without a value.
    public func checkpointTensors(
        batches: Int64?, value: (String) -> [Float]?
    ) throws(Fault) -> [CheckpointTensor] {
        var tensors: [CheckpointTensor] = []
        func add(_ name: String, _ shape: [Int]) throws(Fault) {
            guard let values = value(name), values.count == shape.reduce(1, *) else {
                throw Fault(
                    .data, name, "has no values for \(self.name)", mend: "load a whole checkpoint of the network")
            }
            let bytes = values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Array($0) }
            tensors.append(CheckpointTensor(name: name, shape: shape, elementType: .f32, bytes: bytes))
        }
        for (index, layer) in layers.enumerated() {
            for number in parameters(ofLayer: index) { try add(parameters[number].name, parameters[number].shape) }
            guard case .batchNorm(let number, _, _) = layer.operation else { continue }
            let running = statistics[number]
            try add(running.meanName, [running.C])
            try add(running.varianceName, [running.C])
            guard let batches, let norm = Self.torchNorm(running.varianceName) else { continue }
            let count = withUnsafeBytes(of: batches.littleEndian) { Array($0) }
            tensors.append(
                CheckpointTensor(name: norm + ".num_batches_tracked", shape: [], elementType: .i64, bytes: count))
        }
        return tensors
    }

    /// The batch norm that a name of PyTorch's belongs to.
    private static func torchNorm(_ varianceName: String) -> String? {
        let suffix = ".running_var"
        return varianceName.hasSuffix(suffix) ? String(varianceName.dropLast(suffix.count)) : nil
    }
}

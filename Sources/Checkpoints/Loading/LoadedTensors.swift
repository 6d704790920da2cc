public import Faults

/// A checkpoint's values in the names and shapes of a network.
public struct LoadedTensors: Sendable {
    public let report: LoadReport
    private let values: [String: [Float]]

    /// Loads a checkpoint into the tensors of a network.
    ///
    /// - Throws: a data `Fault` for whatever does not fit and was not asked for, and for values that are no numbers.
    public init(
        _ checkpoint: Checkpoint, into targets: [TensorTarget], of network: String, options: LoadOptions = LoadOptions()
    ) throws(Fault) {
        let plan = try LoadPlan(checkpoint, into: targets, of: network, options: options)
        try plan.check()
        var values: [String: [Float]] = [:]
        for assignment in plan.assignments {
            let tensor = checkpoint.tensors[assignment.source]
            let target = targets[assignment.target]
            let stored = try Self.floats(tensor, of: checkpoint.path)
            let plane = target.shape.count == 5 ? target.shape[3] * target.shape[4] : 1
            values[target.name] = assignment.fit.apply(stored, plane: plane)
        }
        report = plan.report
        self.values = values
    }

    /// The values of a target, row-major; `nil` where it keeps its first ones.
    public subscript(target: String) -> [Float]? { values[target] }

    private static func floats(_ tensor: CheckpointTensor, of path: String) throws(Fault) -> [Float] {
        let values: [Float]
        do throws(Fault) { values = try tensor.floats() } catch {
            throw Fault(error.code, path, "tensor '\(error.thing)' \(error.reason)", mend: error.mend)
        }
        if let place = values.firstIndex(where: { !$0.isFinite }) {
            throw Fault(
                .data, path, "tensor '\(tensor.name)' holds \(values[place]) at element \(place)",
                mend: "take a checkpoint from before the training diverged")
        }
        return values
    }
}

import Checkpoints
import Evaluation
import Faults
import Models
import Reporting

extension LoadedTensors {
    /// All that the network needs: a test with random weights is none.
    ///
    /// - Throws: a data `Fault` for a checkpoint of another network, and for tensors that are missing.
    init(testing file: Checkpoint, on network: NetworkDescription, allowsUnexpected: Bool) throws(Fault) {
        if file.metadata["format"] == "zoetrope", let model = file.metadata["model"], model != network.name {
            throw Fault(
                .data, file.path, "is a checkpoint of \(model), not of \(network.name)",
                mend: "take the recipe it was trained with")
        }
        try self.init(
            file, into: network.tensorTargets, of: network.name,
            options: LoadOptions(allowsUnexpected: allowsUnexpected))
        if report.isRemarkable { standardError("zoetrope: \(report.text)\n") }
    }
}

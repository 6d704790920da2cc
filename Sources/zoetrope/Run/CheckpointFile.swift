import Coordinator
import Faults
import Reporting
import Storage
import Training

/// The file that `path` means: a run's folder stands for its newest whole checkpoint, a checkpoint's folder for its model.
///
/// - Parameter average: The moving average of the weights is meant (`optimizer.average`), not the weights.
/// - Throws: `Fault.data` when there is none.
func checkpointFile(_ path: String, average: Bool = false) throws(Fault) -> String {
    let path = try modelFile(path)
    guard average else { return path }
    let name = "/model.safetensors"
    let file = path.hasSuffix(name) ? path.dropLast(name.count) + "/average.safetensors" : ""
    guard !file.isEmpty, pathExists(file) else {
        throw Fault(
            .data, path, "has no average of the weights beside it",
            mend: "leave --average out, or train with optimizer.average")
    }
    return file
}

private func modelFile(_ path: String) throws(Fault) -> String {
    if pathExists(path + "/model.safetensors") { return path + "/model.safetensors" }
    if pathExists(path + "/checkpoints") {
        let layout = try RunFolder(path).job.layout()
        let newest = try CheckpointStore.newestWhole(run: path, layout: layout) { version, fault in
            standardError("zoetrope: the checkpoint of step \(version) is not used: \(fault)\n")
        }
        guard let newest else { throw Fault(.data, path, "holds no whole checkpoint", mend: "train first") }
        return CheckpointStore.path(run: path, version: newest) + "/model.safetensors"
    }
    guard pathExists(path) else {
        throw Fault(.data, path, "there is no such checkpoint", mend: "name a run's folder or a checkpoint file")
    }
    return path
}

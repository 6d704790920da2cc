import Coordinator
import Faults
import Storage

/// The file that `path` means: a run's folder stands for its newest checkpoint, a checkpoint's folder for its model.
///
/// - Throws: `Fault.data` when there is none.
func checkpointFile(_ path: String) throws(Fault) -> String {
    if pathExists(path + "/model.safetensors") { return path + "/model.safetensors" }
    if pathExists(path + "/checkpoints") {
        guard let newest = try CheckpointStore.versions(run: path).max() else {
            throw Fault(.data, path, "holds no checkpoint yet", mend: "train first")
        }
        return CheckpointStore.path(run: path, version: newest) + "/model.safetensors"
    }
    guard pathExists(path) else {
        throw Fault(.data, path, "there is no such checkpoint", mend: "name a run's folder or a checkpoint file")
    }
    return path
}

import Faults

/// `torch.save` since PyTorch 1.6: a zip file of `NAME/data.pkl`, which describes, and `NAME/data/KEY`, the storages.
enum TorchZipReader {
    static func read(_ source: CheckpointBytes) throws(Fault) -> Checkpoint {
        let archive = try ZipArchive(source)
        guard let pickle = archive.entries.first(where: { $0.name.hasSuffix("/data.pkl") || $0.name == "data.pkl" })
        else {
            let hint = archive.entries.contains { $0.name.hasSuffix(".npy") } ? " (NumPy's npz?)" : ""
            throw source.fault(
                at: 0, "a zip file without data.pkl\(hint) is none of torch.save's",
                mend: "if a checkpoint is packed in it, unpack it first")
        }
        let folder = String(pickle.name.dropLast("data.pkl".count))
        guard !archive.entries.contains(where: { $0.name == folder + "constants.pkl" }) else {
            throw source.fault(
                at: pickle.header, "is a TorchScript program, which would have to be run",
                mend: "save the state_dict() of the model with torch.save")
        }
        var isBigEndian = false
        if let order = archive.entries.first(where: { $0.name == folder + "byteorder" }) {
            let text = String(decoding: source.bytes[try archive.checked(order)], as: UTF8.self)
            guard text == "little" || text == "big" else {
                throw source.damaged(order.content.lowerBound, "a byte order of '\(text.prefix(16))'")
            }
            isBigEndian = text == "big"
        }
        var storages: [String: TorchStorage] = [:]
        for entry in archive.entries where entry.name.hasPrefix(folder + "data/") {
            storages[String(entry.name.dropFirst((folder + "data/").count))] = TorchStorage(
                range: try archive.checked(entry), isBigEndian: isBigEndian)
        }
        let result = try Unpickler.read(source, try archive.checked(pickle))
        let (tensors, metadata) = try TensorWalk.read(result, storages: storages)
        return Checkpoint(
            path: source.path, format: .torchZip, isCompressed: source.isExpanded, tensors: tensors, metadata: metadata)
    }
}

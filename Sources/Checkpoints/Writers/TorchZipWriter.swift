import Faults

/// Writes what `torch.save` writes since PyTorch 1.6: a zip of stored entries with the pickle and one storage for each
/// tensor, aligned so that `torch.load(mmap=True)` can map it. `torch.load(weights_only=True)` reads it.
///
/// The entry that holds torch's identifier of the file is left out, as in files of older versions: it says nothing.
struct TorchZipWriter {
    private let path: String
    private let archive: ZipWriter
    /// What torch calls the folder of a file that has no name of its own.
    private static let folder = "archive"
    private static let alignment = 64

    init(_ path: String) throws(Fault) {
        self.path = path
        archive = try ZipWriter(path, alignment: Self.alignment)
    }

    func write(_ tensors: [CheckpointTensor], key: String?) throws(Fault) {
        try add("data.pkl", try TorchPickle.bytes(of: tensors, key: key, .zip, path: path))
        try add(".format_version", Array("1".utf8))
        try add(".storage_alignment", Array("\(Self.alignment)".utf8))
        try add("byteorder", Array("little".utf8))
        for (index, tensor) in tensors.enumerated() { try add("data/\(index)", tensor.bytes) }
        try add("version", Array("3\n".utf8))
        try archive.finish()
    }

    private func add(_ name: String, _ bytes: [UInt8]) throws(Fault) {
        try archive.add("\(Self.folder)/\(name)", bytes)
    }
}

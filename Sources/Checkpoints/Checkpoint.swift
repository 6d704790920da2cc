public import Faults

/// Everything a checkpoint file holds that is a tensor, in the file's order, whatever its format.
public struct Checkpoint: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// Hugging Face's, and ours.
        case safetensors
        /// A pickled dictionary of NumPy arrays: VMZ's and PySlowFast's model zoos.
        case caffe2Pickle
        /// Records of `BlobProto`: what VMZ's `train_net` writes.
        case caffe2Minidb
        /// `torch.save` since PyTorch 1.6.
        case torchZip
        /// `torch.save` from 0.2 to 1.5.
        case torchLegacy
    }

    public let path: String
    public let format: Format
    /// Whether the file was gzip around that format.
    public let isCompressed: Bool
    public var tensors: [CheckpointTensor]
    /// Of safetensors its metadata; elsewhere the numbers and strings beside the tensors (epoch, cfg ...).
    public var metadata: [String: String]

    public init(
        path: String, format: Format, isCompressed: Bool = false, tensors: [CheckpointTensor],
        metadata: [String: String] = [:]
    ) {
        self.path = path
        self.format = format
        self.isCompressed = isCompressed
        self.tensors = tensors
        self.metadata = metadata
    }

    /// Reads a file of any format; which one is told by its bytes, never by its name.
    ///
    /// The file may come from anyone: nothing in it is executed, and nothing of a size it merely claims is allocated.
    ///
    /// - Throws: a data `Fault` that names the file, the byte, the reason and what would mend it.
    public static func read(_ path: String) throws(Fault) -> Checkpoint {
        try read(CheckpointBytes(reading: path))
    }

    /// Reads bytes as if a file of that name held them.
    package static func read(_ bytes: [UInt8], path: String) throws(Fault) -> Checkpoint {
        try read(CheckpointBytes(path: path, bytes: bytes))
    }

    private static func read(_ file: CheckpointBytes) throws(Fault) -> Checkpoint {
        var source = file
        var format = try RecognisedFormat(file, size: file.count)
        if format == .gzip {
            source = try Gunzip.expand(file) { head throws(Fault) in
                _ = try RecognisedFormat(head, size: Gunzip.bound(file.count))
            }
            format = try RecognisedFormat(source, size: source.count)
        }
        switch format {
        case .safetensors: return try SafetensorsReader.read(source)
        case .zip: return try TorchZipReader.read(source)
        case .minidb: return try MinidbReader.read(source)
        case .pickle: return try readPickle(source)
        case .gzip: throw source.fault(at: 0, "is gzip inside gzip", mend: "expand it with gunzip first")
        }
    }

    private static func readPickle(_ source: CheckpointBytes) throws(Fault) -> Checkpoint {
        let first = try Unpickler.read(source, 0..<source.count)
        if TorchLegacyReader.recognises(first) { return try TorchLegacyReader.read(source, behind: first) }
        let (tensors, metadata) = try TensorWalk.read(first)
        return Checkpoint(
            path: source.path, format: .caffe2Pickle, isCompressed: source.isExpanded, tensors: tensors,
            metadata: metadata)
    }
}

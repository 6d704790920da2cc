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
        let source = try CheckpointBytes(reading: path)
        guard SafetensorsReader.recognises(source) else {
            throw source.fault(
                at: 0, "is no checkpoint of a known format",
                mend: "known are \(Format.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return try SafetensorsReader.read(source)
    }
}

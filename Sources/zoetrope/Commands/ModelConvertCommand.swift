import ArgumentParser
import Checkpoints
import Evaluation
import Export
import Faults
import Models
import Reporting

extension Checkpoint.Format {
    /// As the command line spells it.
    var argument: String {
        switch self {
        case .safetensors: "safetensors"
        case .caffe2Pickle: "caffe2-pickle"
        case .caffe2Minidb: "caffe2-minidb"
        case .torchZip: "torch"
        case .torchLegacy: "torch-legacy"
        }
    }

    init(argument: String) throws(Fault) {
        guard let format = Self.allCases.first(where: { $0.argument == argument }) else {
            throw Fault(
                .usage, "--to \(argument)", "no such format",
                mend: advice(for: argument, among: Self.allCases.map(\.argument)))
        }
        self = format
    }
}

extension ModelCommand {
    /// `zoetrope model convert`.
    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a checkpoint in another format.",
            discussion: """
                Reads a run's checkpoint, safetensors, Caffe2 pickles and minidbs, and files of torch.save, with gzip around \
                them or not; which one it is is told by the bytes. Names, shapes and bits stay as they are.

                With --model the file is loaded into that network, whatever origin its names are of, and written with the \
                names of the network's origin: torch files with num_batches_tracked, as load_state_dict(strict=True) wants \
                them, Caffe2 files of slowfast/ networks with the blobs that PySlowFast's loader looks for.
                """)
        @Argument(help: "A checkpoint: a file, a run's folder or one of its checkpoints.")
        var input: String
        @Option(help: "The format to write: safetensors, torch, torch-legacy, caffe2-pickle or caffe2-minidb.")
        var to: String
        @Option(help: "The file to write.")
        var out: String
        @Option(help: "Of a torch file: put the tensors under this key of a dictionary, such as model_state.")
        var key: String?
        @Option(help: "The network to load the file into, as `zoetrope model list` prints it.")
        var model: String?
        @OptionGroup var clip: ClipOptions
        @OptionGroup var loading: LoadingOptions
        @OptionGroup var result: ResultOptions

        func run() throws {
            let format = try Checkpoint.Format(argument: to)
            let checkpoint = try Checkpoint.read(checkpointFile(input))
            var written = checkpoint
            if let model { written = try named(checkpoint, model, format) }
            try written.write(to: out, as: format, options: .init(key: key))
            result.report(
                [
                    "from": .string(checkpoint.format.argument), "to": .string(format.argument), "path": .string(out),
                    "tensors": .integer(written.tensors.count),
                ],
                text: "\(out): \(written.tensors.count) tensors, \(checkpoint.format.argument) to \(format.argument)")
        }

        /// The checkpoint with the tensors and names of network `model`.
        private func named(
            _ checkpoint: Checkpoint, _ model: String, _ format: Checkpoint.Format
        ) throws(Fault) -> Checkpoint {
            let network = try clip.network(model, for: checkpoint)
            let loaded = try LoadedTensors(
                checkpoint, into: network.tensorTargets, of: network.name, options: loading.options)
            standardError("zoetrope: \(loaded.report.text)\n")
            let isTorch = format == .torchZip || format == .torchLegacy
            // A run's moving averages take one step at a time, as PyTorch's take batches.
            let batches = checkpoint.metadata["step"].flatMap { Int64($0) } ?? 0
            var tensors = try network.checkpointTensors(batches: isTorch ? batches : nil) { loaded[$0] }
            let isCaffe2 = format == .caffe2Pickle || format == .caffe2Minidb
            if isCaffe2, Naming.recognising(tensors.map(\.name)) == .slowfast {
                let blobs = try NameMap.names(tensors.map(\.name), from: .slowfast, to: .slowfastBlobs)
                tensors = tensors.map {
                    CheckpointTensor(
                        name: blobs[$0.name] ?? $0.name, shape: $0.shape, elementType: $0.elementType, bytes: $0.bytes)
                }
            }
            var metadata = checkpoint.format == .safetensors ? checkpoint.metadata : [:]
            metadata["format"] = "zoetrope"
            metadata["model"] = network.name
            return Checkpoint(path: checkpoint.path, format: format, tensors: tensors, metadata: metadata)
        }
    }
}

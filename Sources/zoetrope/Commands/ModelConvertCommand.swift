import ArgumentParser
import Checkpoints
import Faults
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
                """)
        @Argument(help: "A checkpoint: a file, a run's folder or one of its checkpoints.")
        var input: String
        @Option(help: "The format to write: safetensors, torch, torch-legacy, caffe2-pickle or caffe2-minidb.")
        var to: String
        @Option(help: "The file to write.")
        var out: String
        @Option(help: "Of a torch file: put the tensors under this key of a dictionary, such as model_state.")
        var key: String?
        @OptionGroup var result: ResultOptions

        func run() throws {
            let format = try Checkpoint.Format(argument: to)
            let checkpoint = try Checkpoint.read(checkpointFile(input))
            try checkpoint.write(to: out, as: format, options: .init(key: key))
            result.report(
                [
                    "from": .string(checkpoint.format.argument), "to": .string(format.argument), "path": .string(out),
                    "tensors": .integer(checkpoint.tensors.count),
                ],
                text: "\(out): \(checkpoint.tensors.count) tensors, \(checkpoint.format.argument) to \(format.argument)"
            )
        }
    }
}

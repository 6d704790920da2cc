import ArgumentParser
import Checkpoints
import Evaluation
import Faults
import Models
import Reporting

extension ModelCommand {
    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The tensors of a checkpoint of any format; with --model, what becomes of them in a network.",
            discussion: """
                With --model it prints the load report and fails where loading would: on what is missing, unexpected or of \
                another shape and was not allowed.
                """)
        @Argument(help: "A run's folder (its newest checkpoint), one checkpoint's folder, or a file.")
        var file: String
        @Option(help: "The network's name, as `zoetrope model list` prints it.")
        var model: String?
        @Option(help: "Frames of a clip; without it, as the network was published.")
        var frames: Int?
        @Option(help: "Rows and columns of a clip, in pixels; without it, as the network was published.")
        var size: Int?
        @Option(help: "Outputs of the last layer; without it, as many as the file's head has.")
        var classes: Int?
        @OptionGroup var loading: LoadingOptions
        @OptionGroup var result: ResultOptions

        func run() throws {
            let checkpoint = try Checkpoint.read(try checkpointFile(file))
            guard let model else { return list(checkpoint) }
            let clip = try NetworkDescription.publishedClip(named: model)
            let (frames, size) = (frames ?? clip.frames, size ?? clip.size)
            var network = try NetworkDescription(named: model, classes: classes ?? 400, frames: frames, size: size)
            if classes == nil, let found = try network.classes(of: checkpoint), found != network.classes {
                network = try NetworkDescription(named: model, classes: found, frames: frames, size: size)
            }
            let plan = try LoadPlan(
                checkpoint, into: network.tensorTargets, of: network.name, options: loading.options)
            result.report(plan.report.json, text: plan.report.text)
            try plan.check()
        }

        private func list(_ checkpoint: Checkpoint) {
            let tensors = checkpoint.tensors
            let elements = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
            let naming = Naming.recognising(tensors.map(\.name))
            var lines = [
                "\(checkpoint.path): \(checkpoint.format.rawValue)\(checkpoint.isCompressed ? " in gzip" : ""), "
                    + "\(tensors.count) tensors, \(elements) elements\(naming.map { ", names of \($0.rawValue)" } ?? "")"
            ]
            for (key, value) in checkpoint.metadata.sorted(by: { $0.key < $1.key }) {
                let line = value.split(separator: "\n", maxSplits: 1).first ?? ""
                lines.append("  \(key): \(line.prefix(80))\(value.count > min(80, line.count) ? "..." : "")")
            }
            let width = tensors.map(\.name.count).max() ?? 0
            for tensor in tensors {
                lines.append(
                    "  \(padded(tensor.name, width)) \(padded(tensor.elementType.rawValue, 5)) \(tensor.shape)")
            }
            result.report(
                [
                    "path": .string(checkpoint.path), "format": .string(checkpoint.format.rawValue),
                    "compressed": .boolean(checkpoint.isCompressed), "elements": .integer(elements),
                    "naming": naming.map { .string($0.rawValue) } ?? .null,
                    "metadata": .object(
                        checkpoint.metadata.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }),
                    "tensors": .array(
                        tensors.map {
                            [
                                "name": .string($0.name), "type": .string($0.elementType.rawValue),
                                "shape": .array($0.shape.map(JSON.integer)),
                            ]
                        }),
                ], text: lines.joined(separator: "\n"))
        }
    }
}

/// What may differ between a file and the network it is loaded into.
struct LoadingOptions: ParsableArguments {
    @Option(help: "How convolutions over pictures become convolutions over clips: no, repeat or centre.")
    var inflate = "no"
    @Flag(help: "The layer of the classes starts anew, whatever the file holds.")
    var replaceHead = false
    @Flag(help: "What the file lacks starts anew.")
    var allowMissing = false
    @Flag(help: "Leave out tensors of the file that the network does not have.")
    var allowUnexpected = false

    func validate() throws {
        let choices = ["no"] + LoadOptions.Inflation.allCases.map(\.rawValue)
        guard choices.contains(inflate) else {
            throw ValidationError("--inflate \(inflate): choose \(choices.joined(separator: ", "))")
        }
    }

    var options: LoadOptions {
        LoadOptions(
            inflation: LoadOptions.Inflation(rawValue: inflate), replacesHead: replaceHead,
            allowsMissing: allowMissing, allowsUnexpected: allowUnexpected)
    }
}

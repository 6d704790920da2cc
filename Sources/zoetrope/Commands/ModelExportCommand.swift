import ArgumentParser
import Checkpoints
import Evaluation
import Export
import Faults
import Foundation
import Kernels
import Models
import Randomness
import Reporting
import Storage
import Training
import Wire
import Worker

extension ModelCommand {
    /// `zoetrope model export`.
    struct ExportONNX: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write a trained network as ONNX.",
            discussion: """
                The file has one input, `clips` (N x 3 x frames x size x size, normalised as in training, N free), and one \
                output, `logits`. With --sample it comes with two clips of noise and the logits that Zoetrope computes from \
                them, to check a runtime with: different orders of summing aside (about 1e-5 of the largest logit), it must \
                compute the same.
                """)
        @Argument(help: "The network's name; with --recipe, key=value for whatever is to be different from the recipe.")
        var arguments: [String] = []
        @Option(help: "A recipe: its network and clips.")
        var recipe: String?
        @Option(help: "A run's folder (its newest checkpoint), one checkpoint's folder, or a file of any origin.")
        var checkpoint: String
        @Option(help: "The file to write.")
        var onnx: String
        @Option(help: "Also write clips and logits to this file, as safetensors.")
        var sample: String?
        @OptionGroup var clip: ClipOptions
        @OptionGroup var loading: LoadingOptions
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard recipe != nil || arguments.count == 1 else {
                throw ValidationError("name one network, or a recipe with --recipe")
            }
            if recipe != nil, clip.frames != nil || clip.size != nil || clip.classes != nil {
                throw ValidationError("with --recipe, frames, size and classes are the recipe's")
            }
        }

        func run() throws {
            let file = try Checkpoint.read(checkpointFile(checkpoint))
            let network = try network(file)
            let loaded = try LoadedTensors(
                file, into: network.tensorTargets, of: network.name, options: loading.options)
            if loaded.report.isRemarkable { standardError("zoetrope: \(loaded.report.text)\n") }
            let extent = network.input.extent
            let model = try ONNXModel(
                exporting: network, producerVersion: Zoetrope.version,
                properties: [("model", network.name), ("layout", "NCTHW"), ("clip", extent.description)]
            ) { loaded[$0] }
            try writeWhole(try model.encoded(), to: onnx)
            if let sample { try write(sample, network, loaded) }
            result.report(
                [
                    "model": .string(network.name), "path": .string(onnx), "nodes": .integer(model.nodes.count),
                    "clip": .string(network.input.description), "classes": .integer(network.classes),
                ],
                text: "\(onnx): \(network.name) for clips of \(network.input), \(network.classes) classes, "
                    + "\(model.nodes.count) operators")
        }

        private func network(_ file: Checkpoint) throws(Fault) -> NetworkDescription {
            guard let recipe else { return try clip.network(arguments[0], for: file) }
            let document = try RunPreparation.document(recipe: recipe, assignments: arguments)
            let read = try Recipe.read(document).recipe
            guard read.model.classes == 0 else { return try read.network(classes: read.model.classes) }
            let usual = try read.network(classes: 400)
            guard let found = try usual.classes(of: file), found != usual.classes else { return usual }
            return try read.network(classes: found)
        }

        /// Two clips of noise, N C T H W, and what our own inference makes of them.
        private func write(_ path: String, _ network: NetworkDescription, _ loaded: LoadedTensors) throws(Fault) {
            let pass = try InferencePass(
                network, N: 2, pool: ThreadPool(threads: computeThreads(0)),
                instructionSet: .best)
            pass.load(loaded)
            let map = network.input
            var clips = [Float](repeating: 0, count: 2 * map.count)
            for n in 0..<2 {
                let draws = Draws(seed: 0, place: UInt64(n), purpose: .simulation)
                for c in 0..<map.C {
                    for p in 0..<map.positions {
                        let value = 2 * draws.uniform(c * map.positions + p) - 1
                        clips[(n * map.C + c) * map.positions + p] = value
                        pass.input[(n * map.positions + p) * map.C + c] = value
                    }
                }
            }
            let logits = Array(pass.run())
            let shape = [2, map.C, map.extent.t, map.extent.h, map.extent.w]
            let writer = try SafetensorsWriter(
                path,
                tensors: [
                    StoredTensor(name: "clips", type: .f32, shape: shape),
                    StoredTensor(name: "logits", type: .f32, shape: [2, network.classes]),
                ], metadata: ["model": network.name])
            try writer.write("clips", clips)
            try writer.write("logits", logits)
            try writer.finish()
        }
    }
}

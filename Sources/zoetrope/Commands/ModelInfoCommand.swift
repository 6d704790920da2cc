import ArgumentParser
import Faults
import Kernels
import Models
import Reporting

extension ModelCommand {
    /// `zoetrope model info`.
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Parameters, multiply-accumulates, activations, memory and, on request, every layer.",
            discussion: """
                `weights` counts convolutions and linear layers without biases, as VMZ's tables do; activations are the values \
                that these layers make of one clip. The memory is what a training step takes in one process for --clips \
                clips: parameters, activations, gradients and scratch; then what it is where a step has several units of so many clips, \
                so that workers keep packed weights; then with --recompute, of either, and what that computes twice.
                """)
        @Argument(help: "The network's name, as `zoetrope model list` prints it.")
        var name: String
        @Option(help: "Frames of a clip; without it, as published.")
        var frames: Int?
        @Option(help: "Rows and columns of a clip, in pixels; without it, as published.")
        var size: Int?
        @Option(help: "Outputs of the last layer.")
        var classes = 400
        @Option(help: "Clips of the training step whose memory is worked out.")
        var clips = 1
        @Option(help: "Compute threads of that step.")
        var threads = 1
        @Flag(help: "List every layer.")
        var layers = false
        @OptionGroup(title: "Network options") var network: NetworkFlags
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard (1...4096).contains(clips) else { throw ValidationError("--clips \(clips): choose 1 to 4096") }
            guard (1...1024).contains(threads) else { throw ValidationError("--threads \(threads): choose 1 to 1024") }
        }

        func run() throws {
            let published = try NetworkDescription.publishedClip(named: name)
            let network = try NetworkDescription(
                named: name, classes: classes, frames: frames ?? published.frames, size: size ?? published.size,
                options: network.options)
            var json: [(String, JSON)] = [
                ("name", .string(network.name)), ("parameters", .integer(network.parameterCount)),
                ("weights", .integer(network.weights)), ("macs", .integer(network.macs)),
                ("activations", .integer(network.activations)), ("input", .string(network.input.description)),
            ]
            var lines = [
                "\(network.name) for clips of \(network.input)",
                "  parameters    \(millions(network.parameterCount)) M, of which weights \(millions(network.weights)) M",
                "  per clip      \(billions(network.macs)) GMAC, activations \(millions(network.activations)) M",
            ]
            if self.network.convolutionalHead {
                lines.append("  training      not with the convolutional head, which is for tests")
            } else {
                func memory(recomputes: Bool = false, units: Int = 1) throws(Fault) -> TrainingMemory {
                    try TrainingMemory(
                        network, N: clips, threads: threads, instructionSet: .best,
                        policy: .ofWorker(recomputes: recomputes, units: units))
                }
                let (keeping, packed, recomputing) = (
                    try memory(), try memory(units: 2), try memory(recomputes: true)
                )
                json.append(("clips", .integer(clips)))
                json.append(("memory_bytes", .integer(keeping.bytes)))
                json.append(("units_memory_bytes", .integer(packed.bytes)))
                json.append(("recomputing_memory_bytes", .integer(recomputing.bytes)))
                json.append(("recomputed_macs", .integer(recomputing.recomputedMacs)))
                lines.append(
                    "  training      \(millions(keeping.bytes)) MB for a step on \(clips) clip\(clips == 1 ? "" : "s")")
                lines.append("  several units \(millions(packed.bytes)) MB")
                lines.append(
                    "  --recompute   \(millions(recomputing.bytes)) MB, and \(billions(recomputing.recomputedMacs)) GMAC of "
                        + "each clip a second time")
            }
            if layers {
                json.append(("layers", .array(network.layers.indices.map { object(network, $0) })))
                lines.append("  " + padded("layer", 46) + padded("", 28) + padded("output", 18) + "parameters    GMAC")
                lines += network.layers.indices.map { line(network, $0) }
            }
            result.report(.object(json), text: lines.joined(separator: "\n"))
        }

        private func parameters(_ network: NetworkDescription, _ index: Int) -> Int {
            network.parameters(ofLayer: index).reduce(0) { $0 + network.parameters[$1].count }
        }

        private func line(_ network: NetworkDescription, _ index: Int) -> String {
            let layer = network.layers[index]
            return "  " + padded(layer.name, 46) + padded(layer.operation.summary, 28)
                + padded(layer.map.description, 18) + rightAligned("\(parameters(network, index))", 10)
                + rightAligned(billions(network.macs(layer: index)), 8)
        }

        private func object(_ network: NetworkDescription, _ index: Int) -> JSON {
            let layer = network.layers[index]
            return [
                "name": .string(layer.name), "operation": .string(layer.operation.summary),
                "output": .string(layer.map.description), "parameters": .integer(parameters(network, index)),
                "macs": .integer(network.macs(layer: index)),
                "activations": .integer(network.activations(layer: index)),
            ]
        }
    }
}

import ArgumentParser
import Kernels
import Models
import Reporting

extension ModelCommand {
    /// `zoetrope model list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Every network that recipes can name, at the clip it was published with.",
            discussion: """
                Bare names are VMZ's; others say where they come from. Activations are the values that convolutions and linear \
                layers make of one clip.
                """)
        @Flag(help: "Print the table of docs/models.md, with published figures.")
        var markdown = false
        @Flag(help: "Work out the memory of a training step on one clip, too.")
        var memory = false
        @OptionGroup var result: ResultOptions

        func run() throws {
            if markdown {
                let table = try ModelTable.markdown()
                result.report(.string(table), text: table)
                return
            }
            var json: [JSON] = []
            var lines = [
                padded("network", 39) + "clip          parameters   GMAC  activations" + (memory ? "   memory" : "")
            ]
            for name in NetworkDescription.names {
                let clip = try NetworkDescription.publishedClip(named: name)
                let network = try NetworkDescription(
                    named: name, classes: 400, frames: clip.frames, size: clip.size)
                var object: [(String, JSON)] = [
                    ("name", .string(name)), ("frames", .integer(clip.frames)), ("size", .integer(clip.size)),
                    ("parameters", .integer(network.parameterCount)), ("weights", .integer(network.weights)),
                    ("macs", .integer(network.macs)), ("activations", .integer(network.activations)),
                ]
                var line =
                    padded(name, 39) + padded("\(network.input.extent)", 13)
                    + rightAligned("\(millions(network.parameterCount)) M", 11)
                    + rightAligned(billions(network.macs), 7) + rightAligned("\(millions(network.activations)) M", 13)
                if memory {
                    let bytes = try TrainingMemory(network, N: 1, threads: 1, instructionSet: .best).bytes
                    object.append(("memory_bytes", .integer(bytes)))
                    line += rightAligned("\(millions(bytes)) MB", 12)
                }
                json.append(.object(object))
                lines.append(line)
            }
            result.report(.array(json), text: lines.joined(separator: "\n"))
        }
    }
}

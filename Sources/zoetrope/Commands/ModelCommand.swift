import ArgumentParser
import Faults
import Models
import Reporting

/// `zoetrope model`: architectures, and whether our numbers are right.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Architectures and checkpoints: list, describe, check, inspect, convert, compare.",
        subcommands: [List.self, Info.self, Check.self, Inspect.self, Convert.self, Compare.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Every network that recipes can name.")
        @OptionGroup var result: ResultOptions

        func run() throws {
            let names = NetworkDescription.names
            result.report(.array(names.map(JSON.string)), text: names.joined(separator: "\n"))
        }
    }

    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Parameters, multiply-accumulates and, on request, every layer.",
            discussion: "`weights` counts convolutions and linear layers without biases, as VMZ's tables do.")
        @Argument(help: "The network's name, as `zoetrope model list` prints it.")
        var name: String
        @Option(help: "Frames of a clip.")
        var frames = 8
        @Option(help: "Rows and columns of a clip, in pixels.")
        var size = 112
        @Option(help: "Outputs of the last layer.")
        var classes = 400
        @Flag(help: "List every layer.")
        var layers = false
        @OptionGroup var result: ResultOptions

        func run() throws {
            let network = try NetworkDescription(named: name, classes: classes, frames: frames, size: size)
            let input = network.input.description
            var json: [(String, JSON)] = [
                ("name", .string(network.name)), ("parameters", .integer(network.parameterCount)),
                ("weights", .integer(network.weights)), ("macs", .integer(network.macs)), ("input", .string(input)),
            ]
            var lines = [
                "\(network.name) for clips of \(input)",
                "  parameters  \(millions(network.parameterCount)) M, of which weights \(millions(network.weights)) M",
                "  per clip    \(billions(network.macs)) GMAC",
            ]
            if layers {
                json.append(("layers", .array(network.layers.indices.map { layer(network, $0) })))
                for index in network.layers.indices {
                    let layer = network.layers[index]
                    lines.append(
                        "  \(padded(layer.name, 34)) \(padded(layer.operation.summary, 26)) "
                            + "\(padded(layer.map.description, 16)) \(billions(network.macs(layer: index)))")
                }
            }
            result.report(.object(json), text: lines.joined(separator: "\n"))
        }

        private func layer(_ network: NetworkDescription, _ index: Int) -> JSON {
            let layer = network.layers[index]
            return [
                "name": .string(layer.name), "operation": .string(layer.operation.summary),
                "output": .string(layer.map.description), "macs": .integer(network.macs(layer: index)),
            ]
        }
    }
}

/// With two digits: 33.34.
private func millions(_ count: Int) -> String { hundredths(Double(count) / 1e6) }
private func billions(_ count: Int) -> String { hundredths(Double(count) / 1e9) }

/// A number with two digits behind the point.
func hundredths(_ value: Double) -> String {
    let whole = Int((value * 100).rounded())
    let rest = abs(whole % 100)
    return "\(whole / 100).\(rest < 10 ? "0" : "")\(rest)"
}

/// `text` with spaces behind it up to `width` characters.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

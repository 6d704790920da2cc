import ArgumentParser
import Reporting

/// `zoetrope model`: architectures, and whether our numbers are right.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract:
            "Architectures and checkpoints: list, describe, check, inspect, convert, compare, export, precise statistics.",
        subcommands: [
            List.self, Info.self, Check.self, Inspect.self, Convert.self, Compare.self, ExportONNX.self,
            Precise.self,
        ])
}

/// With two digits: 33.34.
func millions(_ count: Int) -> String { hundredths(Double(count) / 1e6) }
func billions(_ count: Int) -> String { hundredths(Double(count) / 1e9) }

/// A number with two digits behind the point.
func hundredths(_ value: Double) -> String { decimals(value, 2) }

/// `text` with spaces behind it up to `width` characters.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// `text` with spaces in front of it up to `width` characters.
func rightAligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

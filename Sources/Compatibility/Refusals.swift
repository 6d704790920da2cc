import Faults

/// What cannot be followed, collected so that all of it is told at once.
struct Refusals {
    private(set) var lines: [String] = []

    /// - Parameters:
    ///   - place: `config.yaml:12`, `--opts`.
    ///   - thing: The key or flag, with its value where that is what is wrong.
    mutating func add(_ place: String, _ thing: String, _ reason: String, mend: String = "") {
        lines.append("\(place): \(thing): \(reason)" + (mend.isEmpty ? "" : "; \(mend)"))
    }

    /// - Throws: `Fault.usage` with a line for each when there are any.
    func check(_ name: String) throws(Fault) {
        guard !lines.isEmpty else { return }
        let count = lines.count == 1 ? "a setting" : "\(lines.count) settings"
        throw Fault(
            .usage, name, "\(count) cannot be followed:\n" + lines.map { "  \($0)" }.joined(separator: "\n"))
    }
}

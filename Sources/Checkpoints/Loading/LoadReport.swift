/// What became of every tensor of a file and of every tensor of a network, when the one was loaded into the other.
public struct LoadReport: Sendable, Equatable {
    /// A tensor that the network took.
    public struct Match: Sendable, Equatable {
        /// As the file says it, scopes and all.
        public var source: String
        public var target: String
    }

    /// One whose shape had to change; it is not among the matched.
    public struct Reshape: Sendable, Equatable {
        public var source: String
        public var target: String
        public var stored: [Int]
        public var wanted: [Int]
        public var fit: ShapeFit
    }

    /// One whose elements became f32; it is also among the matched or reshaped.
    public struct Conversion: Sendable, Equatable {
        public var source: String
        public var type: ElementType
    }

    /// A tensor of the network that the file does not have.
    public struct Missing: Sendable, Equatable {
        public var target: String
        public var shape: [Int]
        /// The most similar name that the file has to spare.
        public var nearest: String?
    }

    /// A tensor of the network that the file has in a shape that does not fit.
    public struct Mismatch: Sendable, Equatable {
        public var source: String
        public var target: String
        public var stored: [Int]
        public var wanted: [Int]
        public var isHead: Bool
    }

    /// A tensor of the file that the network does not have.
    public struct Unexpected: Sendable, Equatable {
        public var source: String
        public var shape: [Int]
    }

    /// A tensor of the file that belongs to no network: momentum, counters.
    public struct Ignored: Sendable, Equatable {
        public var source: String
        public var why: String
    }

    public var path: String
    public var network: String
    public var format: Checkpoint.Format
    /// How the file names its tensors and how the network does, where the schemes are known.
    public var naming: Naming?
    public var targetNaming: Naming?
    public var matched: [Match] = []
    public var reshaped: [Reshape] = []
    public var converted: [Conversion] = []
    /// Tensors of the head that keep their first values, as was asked.
    public var fresh: [String] = []
    public var missing: [Missing] = []
    public var mismatched: [Mismatch] = []
    public var unexpected: [Unexpected] = []
    public var ignored: [Ignored] = []
    /// What a person should know besides.
    public var notes: [String] = []

    /// A few lines: the counts, and up to eight names of whatever is not as it should be.
    public var text: String {
        var lines = [
            "\(path): \(format.rawValue)\(naming.map { ", names of \($0.rawValue)" } ?? ""), into \(network)",
            line("matched", matched.count, []),
        ]
        lines.append(
            line(
                "reshaped", reshaped.count,
                reshaped.map { "\($0.target) \($0.stored) to \($0.wanted): \($0.fit.description)" }))
        lines.append(line("converted", converted.count, converted.map { "\($0.source) from \($0.type.rawValue)" }))
        lines.append(line("fresh", fresh.count, fresh))
        lines.append(
            line(
                "missing", missing.count,
                missing.map { "\($0.target) \($0.shape)" + ($0.nearest.map { "; is it '\($0)'?" } ?? "") }))
        lines.append(
            line(
                "mismatched", mismatched.count,
                mismatched.map { "\($0.target) \($0.wanted) is \($0.stored) in the file" }))
        lines.append(line("unexpected", unexpected.count, unexpected.map { "\($0.source) \($0.shape)" }))
        let reasons = Dictionary(grouping: ignored, by: \.why).sorted { $0.key < $1.key }
        lines.append(line("ignored", ignored.count, reasons.map { "\($0.value.count): \($0.key)" }))
        lines += notes.map { "  note: \($0)" }
        return lines.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// Nothing is said of what there is none of, except that nothing matched.
    private func line(_ name: String, _ count: Int, _ examples: [String]) -> String {
        guard count > 0 || name == "matched" else { return "" }
        var lines = ["  \(name)\(String(repeating: " ", count: 11 - name.count))\(count)"]
        lines += examples.prefix(8).map { "    \($0)" }
        if examples.count > 8 { lines.append("    and \(examples.count - 8) more") }
        return lines.joined(separator: "\n")
    }
}

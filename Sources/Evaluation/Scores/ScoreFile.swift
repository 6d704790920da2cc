import Checkpoints
public import Faults

extension ScoreTable {
    private static let format = "zoetrope-scores"

    /// Writes the table as safetensors: `scores` f64 [V, K], `labels`, `views` and `right_views` i64 [V]; `names`,
    /// `problems` and `classes` u8, each text ended by a zero byte; what it is about as metadata. Whole or not at all.
    public func write(to path: String) throws(Fault) {
        let (V, K) = (rows.count, classes.count)
        let texts = [
            ("names", Self.joined(rows.map(\.name))), ("problems", Self.joined(rows.map(\.outcome.problem))),
            ("classes", Self.joined(classes)),
        ]
        let numbers: [(String, [Int64])] = [
            ("labels", rows.map { Int64($0.label) }), ("views", rows.map { Int64($0.outcome.views) }),
            ("right_views", rows.map { Int64($0.outcome.rightViews) }),
        ]
        let tensors =
            [StoredTensor(name: "scores", type: .f64, shape: [V, K])]
            + numbers.map { StoredTensor(name: $0.0, type: .i64, shape: [V]) }
            + texts.map { StoredTensor(name: $0.0, type: .u8, shape: [$0.1.count]) }
        var metadata = about
        metadata["format"] = Self.format
        metadata["version"] = "1"
        let writer = try SafetensorsWriter(path, tensors: tensors, metadata: metadata)
        let missing = [Double](repeating: 0, count: K)
        for (v, row) in rows.enumerated() {
            try Self.write(writer, "scores", at: 8 * v * K, row.outcome.isTested ? row.outcome.scores : missing)
        }
        for (name, values) in numbers { try Self.write(writer, name, at: 0, values) }
        for (name, bytes) in texts { try Self.write(writer, name, at: 0, bytes) }
        try writer.finish()
    }

    /// Reads what `write` wrote.
    /// - Throws: a data `Fault` for anything else, and for tables that contradict themselves.
    public init(path: String) throws(Fault) {
        let file = try SafetensorsFile(path)
        guard file.metadata["format"] == Self.format, file.metadata["version"] == "1" else {
            throw Fault(
                .data, path, "is no file of scores that this version reads",
                mend: "name a scores.safetensors that 'zoetrope test' wrote")
        }
        let classes = try Self.texts(file, "classes")
        let names = try Self.texts(file, "names")
        let problems = try Self.texts(file, "problems")
        let labels = try file.integers("labels")
        let views = try file.integers("views")
        let right = try file.integers("right_views")
        let (V, K) = (names.count, classes.count)
        guard K > 0, [problems.count, labels.count, views.count, right.count].allSatisfy({ $0 == V }),
            try file.place("scores").tensor == StoredTensor(name: "scores", type: .f64, shape: [V, K])
        else { throw Fault(.data, path, "its tensors are not of the same videos and classes") }
        var rows: [Row] = []
        var scores = [Double](repeating: 0, count: K)
        for v in 0..<V {
            try Self.read(file, "scores", at: 8 * v * K, into: &scores)
            guard (0..<Int64(K)).contains(labels[v]), views[v] >= 0, (0...views[v]).contains(right[v]),
                scores.allSatisfy(\.isFinite), problems[v].isEmpty == (views[v] > 0)
            else { throw Fault(.data, path, "video \(v) ('\(names[v])') has a label, views or scores that cannot be") }
            rows.append(
                Row(
                    name: names[v], label: Int(labels[v]),
                    outcome: problems[v].isEmpty
                        ? VideoOutcome(scores: scores, views: Int(views[v]), rightViews: Int(right[v]))
                        : VideoOutcome(problem: problems[v])))
        }
        self.init(
            classes: classes, count: K, rows: rows,
            about: file.metadata.filter { $0.key != "format" && $0.key != "version" })
    }

    private static func joined(_ texts: [String]) -> [UInt8] {
        texts.flatMap { $0.utf8.filter { $0 != 0 } + [0] }
    }

    private static func texts(_ file: SafetensorsFile, _ name: String) throws(Fault) -> [String] {
        let place = try file.place(name)
        guard place.tensor.type == .u8 else { throw Fault(.data, file.path, "tensor '\(name)' is no text") }
        var bytes = [UInt8](repeating: 0, count: place.byteCount)
        try read(file, name, at: 0, into: &bytes)
        guard bytes.last ?? 0 == 0 else { throw Fault(.data, file.path, "tensor '\(name)' has no end") }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private static func write<Element: BitwiseCopyable>(
        _ writer: SafetensorsWriter, _ name: String, at offset: Int, _ values: [Element]
    ) throws(Fault) {
        var failure: Fault?
        values.withUnsafeBytes { bytes in
            do throws(Fault) { try writer.write(name, at: offset, bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private static func read<Element: BitwiseCopyable>(
        _ file: SafetensorsFile, _ name: String, at offset: Int, into values: inout [Element]
    ) throws(Fault) {
        var failure: Fault?
        values.withUnsafeMutableBytes { bytes in
            do throws(Fault) { try file.read(name, from: offset, into: bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

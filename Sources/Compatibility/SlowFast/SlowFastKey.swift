/// A key of PySlowFast's configuration (`slowfast/config/defaults.py`) and what becomes of it.
public struct SlowFastKey: Sendable {
    /// `DATA.NUM_FRAMES`.
    public let name: String
    /// What PySlowFast takes where nothing is said; values of other kinds are refused.
    public let standard: Literal
    public let treatment: Treatment

    /// - Parameter standard: Python source, which the tables beside this file hold.
    init(_ name: String, _ standard: String, _ treatment: Treatment) {
        self.name = name
        self.standard = Literal(python: standard) ?? .string(standard)
        self.treatment = treatment
    }

    /// Every key, in the order of PySlowFast's file.
    public static let all: [SlowFastKey] =
        training + testing + network + input + solver + multigrid + machine + elsewhere

    static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// `TRAIN`, `TENSORBOARD.HISTOGRAM`: what stands before a key.
    static let sections: Set<String> = Set(
        all.flatMap { key -> [String] in
            let parts = key.name.split(separator: ".")
            return parts.indices.dropFirst().map { parts[..<$0].joined(separator: ".") }
        })

    /// Whether a value of this kind may stand here: whole numbers are numbers, and where the default is None anything is.
    func takes(_ value: Literal) -> Bool {
        switch (standard, value) {
        case (.none, _), (_, .none), (.boolean, .boolean), (.integer, .integer), (.real, .real), (.real, .integer),
            (.string, .string), (.list, .list):
            true
        default: false
        }
    }

    /// The table of docs/from-slowfast.md.
    public static var markdown: String {
        var lines = ["| key | default | here |", "|---|---|---|"]
        var told: Set<String> = []
        for key in all {
            let section = String(key.name.prefix { $0 != "." })
            if others.contains(where: { $0.section == section && $0.isWhole }) {
                guard told.insert(section).inserted, let other = others.first(where: { $0.section == section }) else {
                    continue
                }
                lines.append("| `\(section).*` | | of no matter: \(other.reason) |")
                continue
            }
            lines.append("| `\(key.name)` | `\(key.standard)` | \(key.treatment.cell) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Treatment {
    /// In a table, after the default.
    var cell: String {
        switch self {
        case .honoured(let text): text
        case .immaterial(let reason): "of no matter: \(reason)"
        case .limited(let values, let reason, let stage):
            "refused\(stage == .any ? "" : ", when \(stage.rawValue),") unless "
                + (values.isEmpty ? "the default" : values.map { "`\($0)`" }.joined(separator: " or ")) + ": \(reason)"
        }
    }
}

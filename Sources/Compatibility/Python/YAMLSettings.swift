import Faults
import Yams

/// The leaves of a YAML file of sections, in the file's order: `SECTION.KEY`, its value and its line.
struct YAMLSettings {
    struct Setting {
        let key: String
        let value: Literal
        /// As it is written, where that is one word.
        let text: String?
        /// From 1.
        let line: Int
    }

    /// More than any configuration has.
    private static let mostValues = 20_000

    private(set) var settings: [Setting] = []
    private let name: String
    private var values = 0

    /// - Parameter name: The file, for messages.
    /// - Throws: `Fault.usage` with file and line when it is not YAML, or not made of sections.
    init(text: String, name: String) throws(Fault) {
        self.name = name
        try Self.refuseAliases(text, name)
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw Self.fault(error, name) }
        guard let root else { return }
        guard case .mapping(let sections) = root else {
            throw Fault(
                .usage, "\(name):\(root.mark?.line ?? 1)", "holds no sections of keys",
                mend: "write for example TRAIN: and below it, indented, BATCH_SIZE: 64")
        }
        try take(sections, prefix: "", depth: 0)
    }

    private mutating func take(_ mapping: Node.Mapping, prefix: String, depth: Int) throws(Fault) {
        guard depth < 8 else { throw tooMuch(mapping.mark) }
        for (key, value) in mapping {
            guard case .scalar(let name) = key else {
                throw Fault(
                    .usage, "\(self.name):\(key.mark?.line ?? 1)", "a key is not a word", mend: "correct the line")
            }
            let path = prefix + name.string
            if case .mapping(let inner) = value {
                try take(inner, prefix: path + ".", depth: depth + 1)
                continue
            }
            let line = key.mark?.line ?? value.mark?.line ?? 1
            let text: String? = if case .scalar(let scalar) = value { scalar.string } else { nil }
            settings.append(Setting(key: path, value: try literal(value, depth: 0), text: text, line: line))
        }
    }

    private mutating func literal(_ node: Node, depth: Int) throws(Fault) -> Literal {
        values += 1
        guard depth < 32, values < Self.mostValues else { throw tooMuch(node.mark) }
        switch node {
        case .scalar(let scalar):
            return scalar.style == .plain
                ? Literal(yaml: scalar.string) : Literal(python: scalar.string) ?? .string(scalar.string)
        case .sequence(let sequence):
            var out: [Literal] = []
            for element in sequence { out.append(try literal(element, depth: depth + 1)) }
            return .list(out)
        case .mapping, .alias:
            throw Fault(
                .usage, "\(name):\(node.mark?.line ?? 1)", "holds sections inside a list", mend: "correct the line")
        }
    }

    /// Aliases multiply what a small file holds, and no configuration has any.
    private static func refuseAliases(_ text: String, _ name: String) throws(Fault) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var before: Character = " "
            for character in line.prefix(while: { $0 != "#" }) {
                if character == "*", before.isWhitespace || "[{,:?-".contains(before) {
                    throw Fault(
                        .usage, "\(name):\(index + 1)", "holds an alias of YAML", mend: "write the value itself")
                }
                before = character
            }
        }
    }

    private func tooMuch(_ mark: Mark?) -> Fault {
        Fault(.usage, "\(name):\(mark?.line ?? 1)", "is nested too deeply, or holds too much", mend: "correct the file")
    }

    private static func fault(_ error: any Error, _ name: String) -> Fault {
        func fault(_ mark: Mark, _ problem: String) -> Fault {
            Fault(
                .usage, "\(name):\(mark.line):\(mark.column)", "is not YAML: \(problem)", mend: "correct the line")
        }
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return fault(mark, problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            return fault(context.mark, "it says \(duplicates.joined(separator: ", ")) more than once")
        case .reader(let problem, _, _, _):
            return Fault(.usage, name, "is not YAML: \(problem)", mend: "write it as UTF-8 text")
        default: return Fault(.usage, name, "is not YAML: \(error)", mend: "correct the file")
        }
    }
}

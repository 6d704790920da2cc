public import Faults
import TOMLKit

/// A TOML document as dotted keys, each value with where it came from.
///
/// Later values win: read a file, then `set` what the command line says.
public struct Document: Sendable, Equatable {
    /// A value and its origin: a path, or `command line`.
    public struct Entry: Sendable, Equatable {
        public let value: Value
        public let origin: String
    }

    /// What the document is called in messages: a path.
    public let name: String
    /// By dotted key; a table's members stand under their own keys, a list of tables under its name.
    public private(set) var entries: [String: Entry] = [:]

    /// An empty document, every key at its default.
    public init(name: String) { self.name = name }

    /// Parses TOML text.
    /// - Throws: `Fault.usage` with line and column when it is not TOML.
    public init(toml text: String, name: String) throws(Fault) {
        self.name = name
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw Fault(
                .usage, "\(name):\(error.source.begin.line):\(error.source.begin.column)",
                "is not TOML: \(error.description)", mend: "correct the line")
        } catch { throw Fault(.usage, name, "is not TOML: \(error)", mend: "correct the file") }
        try flatten(table, prefix: "")
    }

    /// Sets a key to what was found out on the way: the number of classes of a data set, a machine's instruction set.
    public mutating func set(_ key: String, to value: Value, origin: String) {
        entries[key] = Entry(value: value, origin: origin)
    }

    private mutating func flatten(_ table: TOMLTable, prefix: String) throws(Fault) {
        for (key, value) in table {
            if let inner = value.table {
                try flatten(inner, prefix: prefix + key + ".")
            } else {
                entries[prefix + key] = Entry(value: try Document.convert(value, key: prefix + key), origin: name)
            }
        }
    }

    /// Takes `key=value` from a command line. The value is TOML where it parses as such, else a plain string.
    /// - Throws: `Fault.usage` when there is no `=` or no key.
    public mutating func set(_ assignment: String) throws(Fault) {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw Fault(.usage, assignment, "is not key=value", mend: "write for example seed=1")
        }
        let key = String(assignment[..<equals])
        let text = String(assignment[assignment.index(after: equals)...])
        var value = Value.string(text)
        if let table = try? TOMLTable(string: "value = \(text)"), table.count == 1, let parsed = table["value"] {
            value = try Document.convert(parsed, key: key)
        }
        entries[key] = Entry(value: value, origin: "command line")
    }

    mutating func insert(_ key: String, _ value: Value) { entries[key] = Entry(value: value, origin: name) }

    private static func convert(_ value: any TOMLValueConvertible, key: String) throws(Fault) -> Value {
        switch value.type {
        case .string: return .string(value.string ?? "")
        case .int: return .integer(value.int ?? 0)
        case .double: return .real(value.double ?? 0)
        case .bool: return .boolean(value.bool ?? false)
        case .array:
            var values: [Value] = []
            for element in value.array ?? [] { values.append(try convert(element, key: key)) }
            return .list(values)
        case .table:
            var members: [String: Value] = [:]
            for (name, member) in value.table ?? [:] { members[name] = try convert(member, key: "\(key).\(name)") }
            return .table(members)
        case .date, .time, .dateTime:
            throw Fault(.usage, key, "is a date or time, which no key takes", mend: "write it in quotes")
        }
    }
}

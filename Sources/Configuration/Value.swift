import Faults

/// A value of a configuration file.
public enum Value: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case real(Double)
    case boolean(Bool)
    case list([Value])
    case table([String: Value])

    /// As TOML writes it; reading it back gives the same value.
    public var toml: String {
        switch self {
        case .string(let text): text.quoted
        case .integer(let number): String(number)
        case .real(let number): number.isFinite ? "\(number)" : number.isNaN ? "nan" : number > 0 ? "inf" : "-inf"
        case .boolean(let flag): flag ? "true" : "false"
        case .list(let values): "[" + values.map(\.toml).joined(separator: ", ") + "]"
        case .table(let table):
            "{ "
                + table.sorted { $0.key < $1.key }.map { "\($0.key.quoted) = \($0.value.toml)" }
                .joined(separator: ", ") + " }"
        }
    }

    /// What it is, in words, for messages.
    var kind: String {
        switch self {
        case .string: "a string"
        case .integer: "a whole number"
        case .real: "a number"
        case .boolean: "true or false"
        case .list: "a list"
        case .table: "a table"
        }
    }
}

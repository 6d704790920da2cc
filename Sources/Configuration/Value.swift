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
        case .string(let text): Value.quoted(text)
        case .integer(let number): String(number)
        case .real(let number): number.isFinite ? "\(number)" : number.isNaN ? "nan" : number > 0 ? "inf" : "-inf"
        case .boolean(let flag): flag ? "true" : "false"
        case .list(let values): "[" + values.map(\.toml).joined(separator: ", ") + "]"
        case .table(let table):
            "{ "
                + table.sorted { $0.key < $1.key }.map { "\(Value.quoted($0.key)) = \($0.value.toml)" }
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

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

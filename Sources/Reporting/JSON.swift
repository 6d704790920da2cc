import Faults

/// A JSON value whose object members keep the order they were written in.
public enum JSON: Sendable, Equatable {
    case string(String)
    case integer(Int)
    /// Not finite becomes `null`, which is all JSON has for it.
    case number(Double)
    case boolean(Bool)
    case null
    case array([JSON])
    case object([(String, JSON)])

    /// On one line, without spaces.
    public var text: String {
        switch self {
        case .string(let value): value.quoted
        case .integer(let value): String(value)
        case .number(let value): value.isFinite ? JSON.shortest(value) : "null"
        case .boolean(let value): value ? "true" : "false"
        case .null: "null"
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\($0.0.quoted):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    public static func == (a: JSON, b: JSON) -> Bool { a.text == b.text }

    /// The shortest decimal that reads back as the same double, whole numbers without a fraction.
    private static func shortest(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(arrayLiteral values: JSON...) { self = .array(values) }
    public init(dictionaryLiteral members: (String, JSON)...) { self = .object(members) }
}

/// A value as Python writes it: what the configurations of Python programs hold. Tuples are lists.
public enum Literal: Sendable, Equatable {
    case none
    case boolean(Bool)
    case integer(Int)
    case real(Double)
    case string(String)
    case list([Literal])

    /// Reads a Python literal, as `ast.literal_eval` does; `nil` for anything else.
    public init?(python text: some StringProtocol) {
        var parser = LiteralParser(text)
        guard let value = parser.whole() else { return nil }
        self = value
    }

    /// Reads a plain scalar of YAML 1.1 as PyYAML does, and what is a string there as Python, as yacs does: `1e-4`, which
    /// YAML takes for a string, is a number.
    init(yaml text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .none
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": self = .boolean(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": self = .boolean(false)
        default: self = Literal(python: text) ?? .string(text)
        }
    }

    /// What it is, in words.
    var kind: String {
        switch self {
        case .none: "None"
        case .boolean: "True or False"
        case .integer: "a whole number"
        case .real: "a number"
        case .string: "a string"
        case .list: "a list"
        }
    }
}

extension Literal: CustomStringConvertible {
    /// As Python writes it.
    public var description: String {
        switch self {
        case .none: "None"
        case .boolean(let flag): flag ? "True" : "False"
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .string(let text): "'\(text)'"
        case .list(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
        }
    }
}

/// Numbers, strings, `True`, `False`, `None`, lists and tuples.
private struct LiteralParser {
    /// Deeper than any configuration; keeps a hostile file from using up the stack.
    private static let deepest = 32
    private let text: [Character]
    private var at = 0

    init(_ text: some StringProtocol) { self.text = Array(text) }

    mutating func whole() -> Literal? {
        guard let value = value(depth: 0) else { return nil }
        skipBlanks()
        return at == text.count ? value : nil
    }

    private mutating func value(depth: Int) -> Literal? {
        skipBlanks()
        guard let first = peek, depth < Self.deepest else { return nil }
        switch first {
        case "[", "(": return list(closing: first == "[" ? "]" : ")", depth: depth)
        case "'", "\"": return string(quote: first)
        default: return word()
        }
    }

    private mutating func list(closing: Character, depth: Int) -> Literal? {
        at += 1
        var values: [Literal] = []
        var commas = 0
        while true {
            skipBlanks()
            if peek == closing {
                at += 1
                // One value in parentheses without a comma is that value.
                return closing == ")" && values.count == 1 && commas == 0 ? values[0] : .list(values)
            }
            guard values.count == commas, let value = value(depth: depth + 1) else { return nil }
            values.append(value)
            skipBlanks()
            if peek == "," {
                at += 1
                commas += 1
            }
        }
    }

    private mutating func string(quote: Character) -> Literal? {
        at += 1
        var out = ""
        while let character = peek {
            at += 1
            if character == quote { return .string(out) }
            guard character == "\\" else {
                out.append(character)
                continue
            }
            guard let escaped = peek else { return nil }
            at += 1
            switch escaped {
            case "n": out.append("\n")
            case "t": out.append("\t")
            case "\\", "'", "\"": out.append(escaped)
            default: return nil
            }
        }
        return nil
    }

    private mutating func word() -> Literal? {
        let start = at
        while let character = peek, !character.isWhitespace, !",[]()'\"".contains(character) { at += 1 }
        let word = String(text[start..<at])
        switch word {
        case "True": return .boolean(true)
        case "False": return .boolean(false)
        case "None": return Literal.none
        default: return Self.number(word)
        }
    }

    private static func number(_ word: String) -> Literal? {
        let digits = word.drop { $0 == "-" || $0 == "+" }
        guard word.count - digits.count <= 1, digits.first?.isNumber == true || digits.first == "." else { return nil }
        // Python has no decimal numbers that begin with a 0, and YAML takes them for octal ones.
        let isPadded = digits.count > 1 && digits.first == "0" && digits.dropFirst().first?.isNumber == true
        guard !isPadded, digits.allSatisfy({ $0.isASCII && ($0.isNumber || ".eE+-_".contains($0)) }) else { return nil }
        let plain = word.replacing("_", with: "")
        if let whole = Int(plain) { return .integer(whole) }
        // A whole number too large for us is no real number either.
        guard plain.contains(where: { ".eE".contains($0) }), let real = Double(plain) else { return nil }
        return .real(real)
    }

    private var peek: Character? { at < text.count ? text[at] : nil }

    private mutating func skipBlanks() {
        while let character = peek, character.isWhitespace { at += 1 }
    }
}

public import Faults

/// Takes the values out of a document, one key at a time, with types, ranges and defaults; whatever nobody asked for is
/// refused by name at the end.
///
///     var reader = Reader(document)
///     let epochs = try reader.real("schedule.epochs", default: 45, in: 0...100_000)
///     let resolved = try reader.finish()
public struct Reader {
    private let document: Document
    private var asked: [String] = []
    private var resolved: [Resolved] = []

    /// One key as it was decided: for `recipe.toml` with the origin of each value.
    public struct Resolved: Sendable, Equatable {
        public let key: String
        public let value: Value
        /// A path, `command line` or `default`.
        public let origin: String
    }

    public init(_ document: Document) { self.document = document }

    public mutating func string(_ key: String, default standard: String? = nil) throws(Fault) -> String {
        guard case .string(let text) = try take(key, standard.map(Value.string)) else {
            throw wrong(key, "a string")
        }
        return text
    }

    /// One of the names in `allowed`.
    public mutating func choice(
        _ key: String, of allowed: [String], default standard: String? = nil
    ) throws(Fault) -> String {
        let text = try string(key, default: standard)
        guard allowed.contains(text) else {
            throw Fault(
                .usage, place(key), "'\(text)' is not one of \(allowed.joined(separator: ", "))",
                mend: nearestName(to: text, among: allowed).map { "did you mean '\($0)'?" } ?? "choose one of them")
        }
        return text
    }

    public mutating func integer(
        _ key: String, default standard: Int? = nil, in range: ClosedRange<Int>
    ) throws(Fault) -> Int {
        guard case .integer(let number) = try take(key, standard.map(Value.integer)) else {
            throw wrong(key, "a whole number")
        }
        guard range.contains(number) else { throw outside(key, "\(number)", "\(range)") }
        return number
    }

    /// A finite number; whole numbers are taken too.
    public mutating func real(
        _ key: String, default standard: Double? = nil, in range: ClosedRange<Double>
    ) throws(Fault) -> Double {
        let number: Double
        switch try take(key, standard.map(Value.real)) {
        case .real(let value): number = value
        case .integer(let value): number = Double(value)
        default: throw wrong(key, "a number")
        }
        guard range.contains(number) else { throw outside(key, "\(number)", "\(range)") }
        return number
    }

    public mutating func boolean(_ key: String, default standard: Bool? = nil) throws(Fault) -> Bool {
        guard case .boolean(let flag) = try take(key, standard.map(Value.boolean)) else {
            throw wrong(key, "true or false")
        }
        return flag
    }

    /// A list of finite numbers.
    public mutating func reals(
        _ key: String, default standard: [Double]? = nil, count: ClosedRange<Int>
    ) throws(Fault) -> [Double] {
        guard case .list(let values) = try take(key, standard.map { .list($0.map(Value.real)) }) else {
            throw wrong(key, "a list of numbers")
        }
        var numbers: [Double] = []
        for value in values {
            switch value {
            case .real(let number) where number.isFinite: numbers.append(number)
            case .integer(let number): numbers.append(Double(number))
            default: throw wrong(key, "a list of numbers")
            }
        }
        guard count.contains(numbers.count) else { throw outside(key, "\(numbers.count) numbers", "\(count)") }
        return numbers
    }

    /// A list of whole numbers, each within `range`.
    public mutating func integers(
        _ key: String, default standard: [Int]? = nil, count: ClosedRange<Int>, in range: ClosedRange<Int>
    ) throws(Fault) -> [Int] {
        guard case .list(let values) = try take(key, standard.map { .list($0.map(Value.integer)) }) else {
            throw wrong(key, "a list of whole numbers")
        }
        var numbers: [Int] = []
        for value in values {
            guard case .integer(let number) = value else { throw wrong(key, "a list of whole numbers") }
            guard range.contains(number) else { throw outside(key, "\(number)", "\(range)") }
            numbers.append(number)
        }
        guard count.contains(numbers.count) else { throw outside(key, "\(numbers.count) numbers", "\(count)") }
        return numbers
    }

    public mutating func strings(
        _ key: String, default standard: [String]? = nil
    ) throws(Fault) -> [String] {
        guard case .list(let values) = try take(key, standard.map { .list($0.map(Value.string)) }) else {
            throw wrong(key, "a list of strings")
        }
        var texts: [String] = []
        for value in values {
            guard case .string(let text) = value else { throw wrong(key, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    /// A list of pairs of a string and a finite number: `[["fc.*", 10.0]]`.
    public mutating func pairs(
        _ key: String, default standard: [(String, Double)]? = nil
    ) throws(Fault) -> [(String, Double)] {
        let standard = standard.map { pairs in Value.list(pairs.map { .list([.string($0.0), .real($0.1)]) }) }
        guard case .list(let values) = try take(key, standard) else { throw wrong(key, "a list of pairs") }
        var pairs: [(String, Double)] = []
        for value in values {
            guard case .list(let pair) = value, pair.count == 2, case .string(let text) = pair[0] else {
                throw wrong(key, "a list of pairs of a string and a number")
            }
            switch pair[1] {
            case .real(let number) where number.isFinite: pairs.append((text, number))
            case .integer(let number): pairs.append((text, Double(number)))
            default: throw wrong(key, "a list of pairs of a string and a number")
            }
        }
        return pairs
    }

    /// A list of tables (`[[host]]`), each with a reader of its own; `body` must finish it. Absent: an empty list.
    public mutating func tables<T>(
        _ key: String, _ body: (inout Reader) throws(Fault) -> T
    ) throws(Fault) -> [T] {
        guard case .list(let values) = try take(key, .list([])) else { throw wrong(key, "a list of tables") }
        var out: [T] = []
        for (i, value) in values.enumerated() {
            guard case .table(let members) = value else { throw wrong(key, "a list of tables") }
            var reader = Reader(Document(table: members, name: "\(document.name): \(key)[\(i)]"))
            out.append(try body(&reader))
            _ = try reader.finish()
        }
        return out
    }

    /// Whether the document itself gives `key`.
    public func has(_ key: String) -> Bool { document.entries[key] != nil }

    /// Ends the reading.
    /// - Returns: every key that was asked for, in that order, with its value and origin.
    /// - Throws: `Fault.usage` naming the first key of the document that nobody asked for, and the nearest right one.
    public func finish() throws(Fault) -> [Resolved] {
        let known = Set(asked)
        if let stray = document.entries.keys.sorted().first(where: { !known.contains($0) }) {
            throw Fault(.usage, place(stray), "there is no such key", mend: advice(for: stray, among: asked))
        }
        return resolved
    }

    /// Where `key` stands, for messages: `recipe.toml: batch.units`.
    public func place(_ key: String) -> String { "\(document.entries[key]?.origin ?? document.name): \(key)" }

    private mutating func take(_ key: String, _ standard: Value?) throws(Fault) -> Value {
        asked.append(key)
        let entry = document.entries[key]
        guard let value = entry?.value ?? standard else {
            throw Fault(.usage, place(key), "is missing and has no default", mend: "add it to \(document.name)")
        }
        resolved.append(Resolved(key: key, value: value, origin: entry?.origin ?? "default"))
        return value
    }

    private func wrong(_ key: String, _ wanted: String) -> Fault {
        let found = document.entries[key]?.value
        return Fault(
            .usage, place(key), "is \(found?.kind ?? "nothing")\(found.map { " (\($0.toml))" } ?? ""), not \(wanted)",
            mend: "write \(wanted)")
    }

    private func outside(_ key: String, _ found: String, _ range: String) -> Fault {
        Fault(.usage, place(key), "\(found) is outside \(range)", mend: "choose a value within")
    }
}

extension Document {
    fileprivate init(table: [String: Value], name: String) {
        self.init(name: name)
        for (key, value) in table { insert(key, value) }
    }
}

extension [Reader.Resolved] {
    /// As a TOML document in sections, with the origin of every value behind it; `Document(toml:name:)` reads it back.
    public func toml(header: String) -> String {
        var out = header.isEmpty ? "" : header.split(separator: "\n").map { "# \($0)\n" }.joined()
        let topLevel = filter { !$0.key.contains(".") }
        for entry in topLevel { out += "\(entry.key) = \(entry.value.toml)  # \(entry.origin)\n" }
        var sections: [String] = []
        for entry in self where entry.key.contains(".") {
            let section = String(entry.key[..<(entry.key.lastIndex(of: ".") ?? entry.key.startIndex)])
            if !sections.contains(section) { sections.append(section) }
        }
        for section in sections {
            out += "\n[\(section)]\n"
            for entry in self where entry.key.hasPrefix(section + ".") {
                let name = entry.key.dropFirst(section.count + 1)
                if !name.contains(".") { out += "\(name) = \(entry.value.toml)  # \(entry.origin)\n" }
            }
        }
        return out
    }
}

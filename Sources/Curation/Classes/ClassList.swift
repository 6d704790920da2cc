import Clips
public import Faults
import Foundation
import Storage

/// The classes of a data set in the order of their labels, and how other people write their names.
///
/// Names are found whatever their quotes (`"\"air drumming\""`), with `_` for spaces (folders) and, where that is still
/// one class, in other letters. Sources: video-nonlocal-net's `classids.json`, UCF101's `classInd.txt`, lists of names.
public struct ClassList: Sendable, Equatable {
    /// By label.
    public let names: [String]
    /// What it was read or made from, for people.
    public let origin: String
    private let labels: [String: Int]

    /// What a saved list is called, beside the lists that use it.
    public static let fileName = "classes.txt"
    private static let mostBytes = 64 << 20

    /// - Throws: a data `Fault` when there is none, one is empty, or two are the same to readers who do not tell `_`
    ///   from a space.
    public init(names: [String], origin: String) throws(Fault) {
        guard !names.isEmpty else { throw Fault(.data, origin, "names no class") }
        var labels: [String: Int] = [:]
        var folded: [String: Int?] = [:]
        for (label, name) in names.enumerated() {
            guard !name.isEmpty, !name.unicodeScalars.contains(where: { $0.value < 32 }) else {
                throw Fault(.data, origin, "the name of class \(label) is empty or has control characters")
            }
            let key = Self.plain(name)
            if let other = labels.updateValue(label, forKey: key) {
                throw Fault(.data, origin, "'\(name)' is class \(other) and class \(label)")
            }
            let lower = key.lowercased()
            folded[lower] = folded.keys.contains(lower) ? .some(nil) : label
        }
        for (key, label) in folded {
            if let label, labels[key] == nil { labels[key] = label }
        }
        self.names = names
        self.origin = origin
        self.labels = labels
    }

    /// Reads a file of classes: a JSON object of names and labels, or text with a name a line, which may have its
    /// number before it (`1 ApplyEyeMakeup`, `0,abseiling`) or behind a comma.
    /// - Throws: a `Fault` when it cannot be read, or the labels are not 0 to N−1 (or 1 to N) each once.
    public init(path: String) throws(Fault) {
        let bytes = try readWhole(path, limit: Self.mostBytes)
        let isObject = bytes.first { !" \t\r\n\u{FEFF}".utf8.contains($0) } == UInt8(ascii: "{")
        try self.init(names: isObject ? Self.object(bytes, path) : Self.lines(bytes, path), origin: path)
    }

    /// The classes of `labels` in the order of their bytes, which is the published order of Kinetics-400 and UCF101.
    public init(alphabetical labels: some Sequence<String>, origin: String) throws(Fault) {
        var byKey: [String: String] = [:]
        for label in labels {
            let name = Self.unquoted(label)
            byKey[Self.plain(name)] = min(byKey[Self.plain(name)] ?? name, name)
        }
        let sorted = byKey.values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        try self.init(names: sorted, origin: origin)
    }

    /// The label of a class, however its name is written; `nil` when there is none of that name.
    public func label(of name: String) -> Int? {
        let key = Self.plain(name)
        return labels[key] ?? labels[key.lowercased()]
    }

    /// Whether labels are the ranks of the names in the order of their bytes.
    public var isAlphabetical: Bool {
        zip(names, names.dropFirst()).allSatisfy { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A name a line.
    public var text: String { names.map { $0 + "\n" }.joined() }

    /// Without the quotes and the white space around it.
    static func unquoted(_ name: String) -> String {
        var rest = name[...]
        while let first = rest.first, first == "\"" || first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last == "\"" || last.isWhitespace { rest.removeLast() }
        return String(rest)
    }

    /// What names that mean the same class have in common.
    static func plain(_ name: String) -> String {
        unquoted(name).split { $0 == "_" || $0.isWhitespace }.joined(separator: " ")
    }

    private static func object(_ bytes: [UInt8], _ path: String) throws(Fault) -> [String] {
        let labels: [String: Int]
        do { labels = try JSONDecoder().decode([String: Int].self, from: Data(bytes)) } catch {
            throw Fault(.data, path, "is not a JSON object of class names and whole numbers")
        }
        return try ordered(labels.map { ($1, unquoted($0)) }, path)
    }

    private static func lines(_ bytes: [UInt8], _ path: String) throws(Fault) -> [String] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(.data, path, "is not UTF-8 text", mend: "save the file as UTF-8")
        }
        var rows: [(line: Int, text: String)] = []
        let body = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        for (i, line) in body.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let name = line.trimmingCharacters(in: .whitespaces)
            if !name.isEmpty { rows.append((i + 1, name)) }
        }
        if let first = rows.first, rows.count > 1, numbered(first.text) == nil, first.text.contains(","),
            rows.dropFirst().allSatisfy({ numbered($0.text) != nil })
        {
            rows.removeFirst()
        }
        // One name that has a number, as some may, does not make a numbered list.
        let pairs = rows.compactMap { numbered($0.text) }
        return pairs.count == rows.count ? try ordered(pairs, path) : rows.map { unquoted($0.text) }
    }

    /// `12 name`, `12,name`, `12<tab>name` or `name,12`.
    private static func numbered(_ line: String) -> (Int, String)? {
        if let end = line.firstIndex(where: { " ,\t".contains($0) }), let number = Int(line[..<end]) {
            return (number, unquoted(String(line[line.index(after: end)...])))
        }
        if let comma = line.lastIndex(of: ","),
            let number = Int(line[line.index(after: comma)...].trimmingCharacters(in: .whitespaces))
        {
            return (number, unquoted(String(line[..<comma])))
        }
        return nil
    }

    private static func ordered(_ pairs: [(Int, String)], _ path: String) throws(Fault) -> [String] {
        let sorted = pairs.sorted { $0.0 < $1.0 }
        // UCF101 counts from 1.
        let first = sorted.first?.0 ?? 0
        guard first == 0 || first == 1 else { throw Fault(.data, path, "its labels begin at \(first) and not at 0") }
        for (i, pair) in sorted.enumerated() where pair.0 != first + i {
            let problem = pair.0 < first + i ? "there are two classes \(pair.0)" : "there is no class \(first + i)"
            throw Fault(.data, path, "\(problem); labels must be \(first) to N, each once")
        }
        return sorted.map(\.1)
    }
}

extension ClassList {
    /// Saves the list in `directory`, unless other classes are saved there already.
    /// - Throws: a `Fault` that names the first class that differs.
    public func save(in directory: String) throws(Fault) {
        let path = directory + "/" + Self.fileName
        if pathExists(path) { try checkEqual(try ClassList(path: path)) }
        try writeWhole(text, to: path)
    }

    /// - Throws: a data `Fault` when `other` gives some label another name.
    public func checkEqual(_ other: ClassList) throws(Fault) {
        guard names != other.names else { return }
        let label =
            zip(names, other.names).enumerated().first { $1.0 != $1.1 }?.offset ?? min(names.count, other.names.count)
        let mine = label < names.count ? "'\(names[label])'" : "missing"
        let theirs = label < other.names.count ? "'\(other.names[label])'" : "missing"
        throw Fault(
            .data, other.origin, "has other classes than \(origin): class \(label) is \(theirs) and not \(mine)",
            mend: "use one file of classes for all lists (--classes), or remove the old one")
    }
}

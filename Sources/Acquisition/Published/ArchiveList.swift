public import Faults

/// The archives that a published list names.
public struct ArchiveList: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public let address: WebAddress
        /// What the file is called, without a folder.
        public let name: String
        /// What `--parts` counts: the number in `part_N` where every name has one, else the place in the list, from 0.
        public let part: Int
    }

    public let entries: [Entry]

    /// Reads a list: one URL a line, with LF or CRLF; blank lines and a byte-order mark are passed over.
    ///
    /// - Parameters:
    ///   - path: names the list in faults.
    ///   - base: stands in for the published base address (a mirror); addresses elsewhere are refused.
    /// - Throws: a data `Fault` with the line: no URL, a place that is not the published one, a name that is no archive's
    ///   or would leave the folder, a name that comes twice; an empty list.
    public init(_ bytes: [UInt8], path: String, base: String = PublishedSet.base) throws(Fault) {
        var text = bytes[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        var found: [(address: WebAddress, name: String)] = []
        var lines: [String: Int] = [:]
        for (i, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let place = "\(path):\(i + 1)"
            guard let line = String(validating: line, as: UTF8.self) else {
                throw Fault(.data, place, "is not UTF-8")
            }
            let trimmed = line.trimmed
            if trimmed.isEmpty { continue }
            guard !trimmed.hasPrefix("<") else { throw Fault(.data, place, "is a web page and no list of archives") }
            let address = try Self.address(trimmed, place: place, base: base)
            let name = try Self.name(of: address, place: place)
            if let first = lines.updateValue(i + 1, forKey: name) {
                throw Fault(.data, place, "names '\(name)', which line \(first) names already")
            }
            found.append((address, name))
        }
        guard !found.isEmpty else { throw Fault(.data, path, "names no archive") }
        let numbers = found.map { Self.number(in: $0.name) }
        let isNumbered = !numbers.contains(nil) && Set(numbers).count == numbers.count
        entries = found.enumerated().map { i, entry in
            Entry(address: entry.address, name: entry.name, part: isNumbered ? numbers[i] ?? i : i)
        }
    }

    private static func address(_ text: String, place: String, base: String) throws(Fault) -> WebAddress {
        for alias in PublishedSet.aliases + [base] where text.hasPrefix(alias + "/") {
            do throws(Fault) { return try WebAddress(base + text.dropFirst(alias.count)) } catch {
                throw Fault(.data, place, error.reason)
            }
        }
        throw Fault(.data, place, "'\(text.prefix(200))' does not lie below \(PublishedSet.base)")
    }

    private static func name(of address: WebAddress, place: String) throws(Fault) -> String {
        guard let name = address.lastName, isPlainName(name) else {
            throw Fault(.data, place, "'\(address.text.suffix(200))' has no name that a file may have")
        }
        guard [".tar.gz", ".tgz", ".tar"].contains(where: name.lowercased().hasSuffix) else {
            throw Fault(.data, place, "'\(name)' is no archive: its name ends neither in .tar.gz nor in .tgz or .tar")
        }
        return name
    }

    /// 12 of `part_12.tar.gz`.
    private static func number(in name: String) -> Int? {
        guard name.hasPrefix("part_") else { return nil }
        let digits = name.dropFirst(5).prefix { $0 != "." }
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(digits) : nil
    }
}

/// Whether a file may have this name in a folder: no way out of it, nothing hidden, nothing a terminal would obey.
func isPlainName(_ name: some StringProtocol) -> Bool {
    // As the system reads it: an accent behind a slash makes one letter of both.
    !name.isEmpty && name.utf8.count <= 240 && name.utf8.first != UInt8(ascii: ".")
        && !name.unicodeScalars.contains {
            $0.value < 0x20 || [0x2F, 0x5C, 0x7F].contains($0.value) || $0.properties.generalCategory == .format
        }
}

extension StringProtocol {
    /// Without spaces, tabs and carriage returns at either end.
    var trimmed: String {
        let isSpace = { (c: Character) in c == " " || c == "\t" || c == "\r" || c == "\r\n" }
        var rest = self[...]
        while let first = rest.first, isSpace(first) { rest = rest.dropFirst() }
        while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
        return String(rest)
    }
}

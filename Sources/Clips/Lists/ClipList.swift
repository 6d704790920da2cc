public import Faults
import Storage

/// A list of labelled videos: which file belongs to which class.
///
/// Two formats are read. VMZ's CSV has a header that names the columns `org_video`, `label` and, if it likes,
/// `start_frm` and `video_id`, in any order, others ignored; fields may be quoted as in RFC 4180. The other has a path
/// and a label on each line, with white space or a comma between them; the path may hold spaces.
public struct ClipList: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        /// As it stands in the list.
        public let name: String
        /// Where the file is: relative names are looked up beside the list, then in the working directory.
        public let path: String
        /// Zero-based.
        public let label: Int
        /// Where its clips are to begin, in frames.
        public let startFrame: Int?
        public let videoID: Int?
        /// Line in the list, from 1.
        public let line: Int
    }

    /// The path of the list.
    public let name: String
    public let entries: [Entry]

    /// Reads the list at `path`.
    /// - Throws: `Fault` when it cannot be read or a line makes no sense; the line is named.
    public init(path: String) throws(Fault) {
        let bytes = try readWhole(path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(.data, path, "is not a list: it is not UTF-8 text")
        }
        let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        try self.init(text: text, name: path, folder: folder)
    }

    /// Reads a list from memory; relative names are looked up in `folder`.
    public init(text: String, name: String, folder: String) throws(Fault) {
        self.name = name
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        let first = lines.firstIndex { !$0.allSatisfy(\.isWhitespace) } ?? lines.endIndex
        guard first < lines.endIndex else { throw Fault(.data, name, "is an empty list") }
        let header = try Self.fields(lines[first], name, first + 1)
        let columns = header.contains("org_video") ? try Columns(header, name) : nil
        var entries: [Entry] = []
        for index in lines.indices.dropFirst(columns == nil ? first : first + 1) {
            let line = lines[index]
            if line.allSatisfy(\.isWhitespace) { continue }
            let at = "\(name):\(index + 1)"
            let row: Row
            if let columns {
                row = try columns.row(try Self.fields(line, name, index + 1), at)
            } else {
                row = try Self.pair(line, at)
            }
            entries.append(
                Entry(
                    name: row.path, path: Self.locate(row.path, folder), label: row.label, startFrame: row.start,
                    videoID: row.id, line: index + 1))
        }
        guard !entries.isEmpty else { throw Fault(.data, name, "lists no video") }
        self.entries = entries
    }

    private static func locate(_ name: String, _ folder: String) -> String {
        if name.hasPrefix("/") { return name }
        let beside = folder + "/" + name
        return !pathExists(beside) && pathExists(name) ? name : beside
    }

    fileprivate typealias Row = (path: String, label: Int, start: Int?, id: Int?)

    /// `path label` or `path,label`.
    private static func pair(_ line: Substring, _ at: String) throws(Fault) -> Row {
        let trimmed = line.drop { $0.isWhitespace }
        guard let separator = trimmed.trimmingEnd().lastIndex(where: { $0.isWhitespace || $0 == "," }) else {
            throw Fault(.data, at, "'\(trimmed)' is not a path and a label", mend: "write for example a.mp4 0")
        }
        let path = trimmed[..<separator].trimmingEnd()
        let label = try Self.label(trimmed[trimmed.index(after: separator)...], at)
        return (path.hasSuffix(",") ? String(path.dropLast()) : String(path), label, nil, nil)
    }

    fileprivate static func label(_ text: Substring, _ at: String) throws(Fault) -> Int {
        let label = try number(text, "label", at)
        guard (0..<mostClasses).contains(label) else {
            throw Fault(.data, at, "label \(label) is out of range", mend: "labels begin at 0")
        }
        return label
    }

    fileprivate static func number(_ text: Substring, _ what: String, _ at: String) throws(Fault) -> Int {
        guard let number = Int(text.drop { $0.isWhitespace }.trimmingEnd()) else {
            throw Fault(.data, at, "the \(what) '\(text)' is not a whole number")
        }
        return number
    }

    /// More classes than any data set has; what a label must stay below.
    static let mostClasses = 1 << 20

    /// The comma-separated fields of a line, without quotes (RFC 4180; a field may not span lines).
    static func fields(_ line: Substring, _ name: String, _ number: Int) throws(Fault) -> [String] {
        var fields: [String] = []
        var field = ""
        var quoted = false
        var rest = line.trimmingEnd()
        while let character = rest.popFirst() {
            switch character {
            case "\"" where quoted && rest.first == "\"":
                field.append("\"")
                rest.removeFirst()
            case "\"" where quoted: quoted = false
            case "\"" where field.isEmpty: quoted = true
            case "," where !quoted:
                fields.append(field)
                field = ""
            default: field.append(character)
            }
        }
        guard !quoted else { throw Fault(.data, "\(name):\(number)", "a quotation mark is not closed") }
        return fields + [field]
    }

    /// Where VMZ's columns stand.
    private struct Columns {
        let path: Int
        let label: Int
        let start: Int?
        let id: Int?
        let count: Int

        init(_ header: [String], _ name: String) throws(Fault) {
            let names = header.map { String($0.drop { $0.isWhitespace }) }
            guard let path = names.firstIndex(of: "org_video"), let label = names.firstIndex(of: "label") else {
                throw Fault(
                    .data, name, "its header has no column 'label'", mend: "the columns are org_video and label")
            }
            (self.path, self.label) = (path, label)
            (start, id) = (names.firstIndex(of: "start_frm"), names.firstIndex(of: "video_id"))
            count = names.count
        }

        func row(_ fields: [String], _ at: String) throws(Fault) -> Row {
            guard fields.count == count else {
                throw Fault(.data, at, "has \(fields.count) fields and the header \(count)")
            }
            func optional(_ column: Int?, _ what: String) throws(Fault) -> Int? {
                guard let column, !fields[column].isEmpty else { return nil }
                return try ClipList.number(fields[column][...], what, at)
            }
            guard !fields[path].isEmpty else { throw Fault(.data, at, "names no video") }
            let start = try optional(start, "start_frm")
            guard start ?? 0 >= 0 else { throw Fault(.data, at, "start_frm \(start ?? 0) is negative") }
            return (fields[path], try ClipList.label(fields[label][...], at), start, try optional(id, "video_id"))
        }
    }
}

extension Substring {
    fileprivate func trimmingEnd() -> Substring {
        var text = self
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

public import Faults
import Storage

/// A list of labelled videos: which file belongs to which class.
///
/// Two formats are read. VMZ's CSV has a header that names the columns `org_video`, `label` and, if it likes,
/// `start_frm` and `video_id`, in any order, others ignored; fields may be quoted as in RFC 4180 (`CSVReader`). The other has a path
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
        let rows = try Self.rows(text, name)
        guard !rows.isEmpty else { throw Fault(.data, name, "lists no video") }
        entries = rows.map { row, line in
            Entry(
                name: row.path, path: Self.locate(row.path, folder), label: row.label, startFrame: row.start,
                videoID: row.id, line: line)
        }
    }

    private static func rows(_ text: String, _ name: String) throws(Fault) -> [(Row, line: Int)] {
        var table = CSVReader(Array(text.utf8), name: name)
        // In a list of paths a quotation mark may mean nothing.
        if let header = try? table.next(), header.fields.contains(where: { $0.trimmed() == "org_video" }) {
            let columns = try Columns(header.fields, name)
            var rows: [(Row, line: Int)] = []
            while let record = try table.next() {
                rows.append((try columns.row(record.fields, "\(name):\(record.line)"), record.line))
            }
            return rows
        }
        var rows: [(Row, line: Int)] = []
        let body = text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text[...]
        for (index, line) in body.split(omittingEmptySubsequences: false, whereSeparator: \.endsLine).enumerated() {
            if line.allSatisfy(\.isWhitespace) { continue }
            rows.append((try pair(line, "\(name):\(index + 1)"), index + 1))
        }
        return rows
    }

    private static func locate(_ name: String, _ folder: String) -> String {
        if name.hasPrefix("/") { return name }
        let beside = folder + "/" + name
        return !pathExists(beside) && pathExists(name) ? name : beside
    }

    fileprivate typealias Row = (path: String, label: Int, start: Int?, id: Int?)

    /// `path label` or `path,label`.
    private static func pair(_ line: Substring, _ at: String) throws(Fault) -> Row {
        let trimmed = line.trimmed()
        guard let separator = trimmed.lastIndex(where: { $0.isWhitespace || $0 == "," }) else {
            throw Fault(.data, at, "'\(trimmed)' is not a path and a label", mend: "write for example a.mp4 0")
        }
        let path = trimmed[..<separator].trimmed()
        let label = try Self.label(trimmed[trimmed.index(after: separator)...], at)
        return (path.hasSuffix(",") ? String(path.dropLast()) : String(path), label, nil, nil)
    }

    fileprivate static func label(_ text: some StringProtocol, _ at: String) throws(Fault) -> Int {
        let label = try number(text, "label", at)
        guard (0..<mostClasses).contains(label) else {
            throw Fault(.data, at, "label \(label) is out of range", mend: "labels begin at 0")
        }
        return label
    }

    fileprivate static func number(_ text: some StringProtocol, _ what: String, _ at: String) throws(Fault) -> Int {
        guard let number = Int(text.trimmed()) else {
            throw Fault(.data, at, "the \(what) '\(text)' is not a whole number")
        }
        return number
    }

    /// More classes than any data set has; what a label must stay below.
    static let mostClasses = 1 << 20

    /// Where VMZ's columns stand.
    private struct Columns {
        let path: Int
        let label: Int
        let start: Int?
        let id: Int?
        let count: Int

        init(_ header: [String], _ name: String) throws(Fault) {
            let names = header.map { String($0.trimmed()) }
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
                return try ClipList.number(fields[column], what, at)
            }
            guard !fields[path].isEmpty else { throw Fault(.data, at, "names no video") }
            let start = try optional(start, "start_frm")
            guard (0...Manifest.mostFrames).contains(start ?? 0) else {
                throw Fault(.data, at, "start_frm \(start ?? 0) is out of range: 0 to \(Manifest.mostFrames)")
            }
            return (fields[path], try ClipList.label(fields[label], at), start, try optional(id, "video_id"))
        }
    }
}

extension Character {
    /// Whether a line of a list ends here: as files have it, and not at whatever else Unicode ends lines with, which may stand
    /// in names.
    package var endsLine: Bool { self == "\n" || self == "\r\n" || self == "\r" }
}

extension StringProtocol {
    /// Without white space at both ends.
    package func trimmed() -> Substring {
        var rest = Substring(self)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}

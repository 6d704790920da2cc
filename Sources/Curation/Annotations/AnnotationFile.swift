import Clips
public import Faults
import Storage

/// A file of annotations in whichever dialect, read whole; lines that make no sense are problems and not the end.
public struct AnnotationFile: Sendable, Equatable {
    public enum Dialect: String, Sendable {
        /// `label,youtube_id,time_start,time_end,split,is_cc` of the CVDF and ActivityNet, with columns missing, in any
        /// order under a header, and without one.
        case annotations
        /// A header with `org_video` or `path`: VMZ's and ours.
        case columns = "columns of paths"
        /// `path label` of PySlowFast and video-nonlocal-net.
        case pairs = "path and label"
        case ucf101 = "UCF101 split"
        case hmdb51 = "HMDB51 split"
        case folders = "folder per class"
    }

    public let name: String
    public let dialect: Dialect
    public let rows: [Annotation]
    public let problems: [ListProblem]

    static let mostBytes = 1 << 30

    /// Reads the file at `path`.
    /// - Parameters:
    ///   - separator: what stands between path and label; `nil` finds it in each line.
    /// - Throws: a data `Fault` when it cannot be read, is no text, is empty, or has a quotation mark that is not closed.
    public init(path: String, separator: UInt8? = nil) throws(Fault) {
        try self.init(try readWhole(path, limit: Self.mostBytes), name: path, separator: separator)
    }

    /// Reads annotations from memory; `name` is what they are called, which tells the split where no column does.
    public init(_ bytes: [UInt8], name: String, separator: UInt8? = nil) throws(Fault) {
        self.name = name
        let file = name.split(separator: "/").last.map(String.init) ?? name
        var reading = Reading(name: name, split: Split(inNameOf: file))
        if let found = hmdbClass(file) {
            dialect = .hmdb51
            try reading.lines(bytes) { line, place in hmdbRow(line, class: found, place) }
        } else if isUCFList(file) {
            dialect = .ucf101
            try reading.lines(bytes) { line, place in ucfRow(line, place) }
        } else if separator == nil, let columns = try Self.columns(bytes, name) {
            dialect = columns.path == nil ? .annotations : .columns
            try reading.records(bytes, columns)
        } else {
            dialect = .pairs
            try reading.lines(bytes) { line, place in pairRow(line, separator, place) }
        }
        guard !reading.rows.isEmpty || !reading.problems.isEmpty else { throw Fault(.data, name, "lists no video") }
        (rows, problems) = (reading.rows, reading.problems)
    }

    /// Annotations that folders make: `[split/]class/file`.
    public init(foldersOf videos: VideoIndex) {
        name = videos.root
        dialect = .folders
        var rows: [Annotation] = []
        var problems: [ListProblem] = []
        for file in videos.files {
            let folders = file.path.split(separator: "/").dropLast()
            let place = Place(file: videos.root + "/" + file.path, line: 0)
            guard let parent = folders.last.map(String.init), Split(word: parent) == nil || folders.count > 1 else {
                problems.append(ListProblem(place, .noLabel, "lies in no folder of a class"))
                continue
            }
            let split = folders.count > 1 ? Split(word: String(folders[folders.startIndex])) : nil
            rows.append(
                Annotation(
                    video: .file(file.path, anywhere: false), label: .name(parent), split: split, place: place))
        }
        (self.rows, self.problems) = (rows, problems)
    }

    private static func columns(_ bytes: [UInt8], _ name: String) throws(Fault) -> AnnotationColumns? {
        // In a list of paths and labels the first field may well begin with a quotation mark that means nothing.
        var reader = CSVReader(bytes, name: name)
        guard let first = try? reader.next() else { return nil }
        return AnnotationColumns(header: first.fields) ?? AnnotationColumns(firstRow: first.fields)
    }

    private struct Reading {
        let name: String
        let split: Split?
        var rows: [Annotation] = []
        var problems: [ListProblem] = []

        mutating func take(_ row: RowResult) {
            switch row {
            case .row(var row):
                row.split = row.split ?? split
                rows.append(row)
            case .problem(let problem): problems.append(problem)
            case .nothing: break
            }
        }

        mutating func records(_ bytes: [UInt8], _ columns: AnnotationColumns) throws(Fault) {
            var reader = CSVReader(bytes, name: name)
            if columns.hasHeader { _ = try reader.next() }
            while let record = try reader.next() {
                take(columns.row(record.fields, Place(file: name, line: record.line)))
            }
        }

        mutating func lines(_ bytes: [UInt8], _ row: (Substring, Place) -> RowResult) throws(Fault) {
            var line = 0
            let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            for piece in bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
                line += 1
                guard !piece.contains(0), let text = String(validating: piece, as: UTF8.self) else {
                    throw Fault(.data, "\(name):\(line)", "is not UTF-8 text", mend: "save the file as UTF-8")
                }
                let trimmed = text.trimmed()
                if !trimmed.isEmpty { take(row(trimmed, Place(file: name, line: line))) }
            }
        }
    }
}

/// What a line turned out to be.
enum RowResult {
    case row(Annotation)
    case problem(ListProblem)
    /// Of no concern, such as a video that a split leaves out.
    case nothing
}

import Checkpoints
public import Faults
import Foundation
import Reporting
import Storage

/// A file of features under construction: for each row a clip (or a video), for each layer an array of f32.
///
/// Rows go to files beside the result, so that a table larger than memory can be made; the result appears
/// whole or not at all.
public final class FeatureTable {
    public enum Format: String, Sendable, CaseIterable {
        /// One file: a tensor `[rows, ...]` for each layer, `video`, `start_frame`, `label` and `video_id` (`[rows]`, I64), and
        /// the videos' names as a JSON array in the metadata `videos`.
        case safetensors
        /// A folder: `LAYER.npy` for each layer (NumPy's format 1.0, with `/` of a name as `_`) and `rows.csv` with
        /// `row,video,start_frame,label,video_id`.
        case npy
    }

    public struct Column: Sendable, Equatable {
        public var name: String
        /// Of one row; row-major.
        public var shape: [Int]
        var count: Int { shape.reduce(1, *) }

        public init(name: String, shape: [Int]) {
            self.name = name
            self.shape = shape
        }
    }

    public let path: String
    public let columns: [Column]
    private let format: Format
    private let spools: [AtomicFile]
    private var videos: [String] = []
    private var numbers: [(video: Int, start: Int, label: Int, id: Int)] = []

    public var rows: Int { numbers.count }

    /// - Parameter path: of the file or folder to be made; its parent must exist.
    /// - Throws: a usage `Fault` when two columns would have one name, a data `Fault` when nothing can be written there.
    public init(_ path: String, _ format: Format, columns: [Column]) throws(Fault) {
        let reserved: Set = ["video", "start_frame", "label", "video_id"]
        let names = columns.map { format == .npy ? Self.fileName($0.name) : $0.name }
        if let twice = names.first(where: { name in reserved.contains(name) || names.count { $0 == name } > 1 }) {
            throw Fault(.usage, twice, "would name two columns of the table", mend: "ask for each layer once")
        }
        self.path = path
        self.format = format
        self.columns = columns
        // Never given a name: what is in them goes with them.
        var spools: [AtomicFile] = []
        for i in columns.indices { spools.append(try AtomicFile("\(path).column-\(i)")) }
        self.spools = spools
    }

    /// Begins the rows of another video.
    public func begin(video name: String) { videos.append(name) }

    /// Adds a row of the video begun last.
    ///
    /// - Parameters:
    ///   - start: the clip's first frame; -1 for a whole video.
    ///   - label, videoID: `nil`, -1 in the file, where there is none.
    ///   - values: by column.
    public func append(
        start: Int, label: Int?, videoID: Int?, values: [UnsafeBufferPointer<Float>]
    ) throws(Fault) {
        precondition(!videos.isEmpty && values.count == columns.count, "\(values.count) arrays of a row")
        for (i, column) in columns.enumerated() {
            precondition(values[i].count == column.count, "\(values[i].count) numbers of \(column.name)")
            try spools[i].write(UnsafeRawBufferPointer(values[i]), at: 4 * column.count * rows)
        }
        numbers.append((videos.count - 1, start, label ?? -1, videoID ?? -1))
    }

    /// Takes back the rows of the video begun last, and the video.
    public func dropVideo() throws(Fault) {
        guard !videos.isEmpty else { return }
        videos.removeLast()
        while let last = numbers.last, last.video == videos.count { numbers.removeLast() }
    }

    /// Writes the table under its name.
    public func finish() throws(Fault) {
        switch format {
        case .safetensors: try writeSafetensors()
        case .npy: try writeFolder()
        }
    }

    private func writeSafetensors() throws(Fault) {
        let integers: [(String, [Int])] = [
            ("video", numbers.map(\.video)), ("start_frame", numbers.map(\.start)), ("label", numbers.map(\.label)),
            ("video_id", numbers.map(\.id)),
        ]
        let tensors =
            columns.map { StoredTensor(name: $0.name, type: .f32, shape: [rows] + $0.shape) }
            + integers.map { StoredTensor(name: $0.0, type: .i64, shape: [rows]) }
        let names = JSON.array(videos.map { .string($0) }).text
        let writer = try SafetensorsWriter(
            path, tensors: tensors, metadata: ["format": "zoetrope features", "videos": names])
        for (i, column) in columns.enumerated() {
            try read(i) { bytes, offset throws(Fault) in try writer.write(column.name, at: offset, bytes) }
        }
        for (name, values) in integers {
            let bytes = values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
            try bytes.withFault { (raw: UnsafeRawBufferPointer) throws(Fault) in try writer.write(name, raw) }
        }
        try writer.finish()
    }

    private func writeFolder() throws(Fault) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw Fault(
                .data, path, "cannot be made a folder: \(error.localizedDescription)", mend: "name another --out")
        }
        for (i, column) in columns.enumerated() {
            let file = try AtomicFile("\(path)/\(Self.fileName(column.name)).npy")
            let header = NumpyHeader.bytes(shape: [rows] + column.shape)
            try file.write(header, at: 0)
            try read(i) { bytes, offset throws(Fault) in try file.write(bytes, at: header.count + offset) }
            try file.commit()
        }
        var text = "row,video,start_frame,label,video_id\n"
        for (row, entry) in numbers.enumerated() {
            text += "\(row),\(csvField(videos[entry.video])),\(entry.start),\(entry.label),\(entry.id)\n"
        }
        try writeWhole(text, to: path + "/rows.csv")
    }

    /// Gives the values of a column to `body` in pieces, each with its offset in bytes.
    private func read(
        _ column: Int, _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(Fault) -> Void
    ) throws(Fault) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 64)
        defer { buffer.deallocate() }
        let count = 4 * columns[column].count * rows
        for offset in stride(from: 0, to: count, by: buffer.count) {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, count - offset)])
            guard try spools[column].read(into: piece, at: offset) == piece.count else {
                throw Fault(.data, path, "a row cannot be read back", mend: "check the disk")
            }
            try body(UnsafeRawBufferPointer(piece), offset)
        }
    }

    private static func fileName(_ layer: String) -> String { layer.replacing("/", with: "_") }
}

/// The header of a `.npy` file, format 1.0, of little-endian f32 in C order ("A simple file format for NumPy arrays", NEP 1).
enum NumpyHeader {
    static func bytes(shape: [Int]) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }"
        while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
        text += "\n"
        let count = text.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [
            1, 0, UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8),
        ]
            + Array(text.utf8)
    }
}

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
public func csvField(_ text: String) -> String {
    text.contains { $0 == "," || $0 == "\"" || $0.isNewline } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
}

extension [UInt8] {
    fileprivate func withFault(_ body: (UnsafeRawBufferPointer) throws(Fault) -> Void) throws(Fault) {
        var failure: Fault?
        withUnsafeBytes { bytes in
            do throws(Fault) { try body(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

public import Faults
import Foundation
import Storage
import Wire

/// What unpacking somebody else's container wrote.
public struct UnpackReport: Sendable, Equatable {
    /// VMZ's columns, with paths beside the list.
    public var list: String
    public var videos: Int
    /// Files that an earlier run had written already.
    public var resumed: Int
    /// What was left out, and why.
    public var problems: [ListProblem]
}

/// Takes the videos out of VMZ's LMDB or of webdataset's tar files, as loose files with a list, which `data pack` reads.
///
/// A run that was ended goes on: files that are there with the same bytes are not written again. The list comes last.
public struct Unpacking {
    private let directory: String
    private var rows: [(path: String, label: Int, start: Int?, id: Int?)] = []
    private var classes: [Int: String] = [:]
    private var resumed = 0
    private var problems: [ListProblem] = []

    /// Files of one folder; more make some file systems slow.
    private static let folderFiles = 1000

    /// - Throws: a `Fault` when the folder cannot be made.
    public init(into directory: String) throws(Fault) {
        self.directory = directory
        try makeDirectories(directory)
    }

    /// Takes a database as `create_video_db.py` writes it; of one that holds paths only the list is made.
    /// - Throws: a `Fault` when it is no such database, or the disk fails.
    public mutating func takeVMZ(_ path: String) throws {
        let database = try LMDBFile(path)
        try database.visit { key, value in
            let name = "record '\(String(decoding: key, as: UTF8.self))' of \(path)"
            let tensors: [Caffe2Tensor]
            do {
                tensors = try value.withUnsafeBytes { try Caffe2Tensors.decode($0) }
            } catch let fault as Fault { throw Fault(.data, name, fault.reason) }
            let record = try VMZRecord(tensors: tensors, place: name)
            switch record.video {
            case .path(let file): rows.append((file, record.label, record.startFrame, record.videoID))
            case .bytes(let bytes):
                let file = try write(bytes, containerExtension(bytes) ?? "video")
                rows.append((file, record.label, record.startFrame, record.videoID))
            }
        }
    }

    /// Takes a tar file of webdataset: of each sample the video, and its label from `.cls` or from `label` in `.json`.
    /// - Throws: a `Fault` when it is no tar file, or the disk fails.
    public mutating func takeTar(_ path: String, names: ClassList? = nil) throws {
        var sample = Sample(key: "")
        try TarFile(path).visit { member, content in
            let parts = member.split(separator: "/")
            guard let base = parts.last, !base.hasPrefix(".") else { return }
            // webdataset's rule: the key ends at the first dot of the last part.
            let dot = base.firstIndex(of: ".") ?? base.endIndex
            let key = (parts.dropLast().map(String.init) + [String(base[..<dot])]).joined(separator: "/")
            if key != sample.key {
                try finish(sample, path, names)
                sample = Sample(key: key)
            }
            sample.take(base[dot...].dropFirst().lowercased(), content)
        }
        try finish(sample, path, names)
    }

    /// Writes the list, and the classes where every label has a name.
    /// - Throws: a `Fault` when there is no video, or the disk fails.
    public func finish() throws(Fault) -> UnpackReport {
        guard !rows.isEmpty else { throw Fault(.data, directory, "got no video", mend: "look at what was left out") }
        let starts = rows.contains { $0.start != nil }
        let ids = rows.contains { $0.id != nil }
        var text = "org_video,label\(starts ? ",start_frm" : "")\(ids ? ",video_id" : "")\n"
        for row in rows {
            text += "\(ListWriter.quoted(row.path)),\(row.label)"
            if starts { text += "," + (row.start.map(String.init) ?? "") }
            if ids { text += "," + (row.id.map(String.init) ?? "") }
            text += "\n"
        }
        let list = directory + "/list.csv"
        let count = (rows.map(\.label).max() ?? 0) + 1
        if (0..<count).allSatisfy({ classes[$0] != nil }) {
            try ClassList(names: (0..<count).compactMap { classes[$0] }, origin: list).save(in: directory)
        }
        try writeWhole(text, to: list)
        return UnpackReport(list: list, videos: rows.count, resumed: resumed, problems: problems)
    }

    private struct Sample {
        let key: String
        var video: (ending: String, bytes: [UInt8])?
        /// Videos that came before it.
        var others = 0
        var label: String?
        var description: SampleDescription?

        init(key: String) { self.key = key }

        mutating func take(_ ending: String, _ content: [UInt8]) {
            switch ending {
            case "cls": label = String(decoding: content, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            case "json": description = try? JSONDecoder().decode(SampleDescription.self, from: Data(content))
            case _ where VideoIndex.extensions.contains(ending):
                if video != nil { others += 1 }
                video = (ending, content)
            default: break
            }
        }
    }

    private mutating func finish(_ sample: Sample, _ tar: String, _ names: ClassList?) throws(Fault) {
        guard !sample.key.isEmpty else { return }
        let name = "sample '\(tabless(sample.key))'"
        func leaveOut(_ reason: String) {
            problems.append(ListProblem(Place(file: tar, line: 0), .noLabel, "\(name) \(reason)"))
        }
        if sample.others > 0 {
            problems.append(
                ListProblem(
                    Place(file: tar, line: 0), .duplicate,
                    "\(sample.others) of the videos of \(name): the last one is taken"))
        }
        guard let video = sample.video else { return leaveOut("has no video") }
        let text = sample.label ?? sample.description?.label.map(String.init)
        guard let text else { return leaveOut("has no label") }
        guard let label = Int(text) ?? names?.label(of: text), label >= 0, label < 1 << 20 else {
            return leaveOut("has the label '\(tabless(text))', which is no number and no class")
        }
        let file = try write(video.bytes, video.ending)
        if let name = sample.description?.class { classes[label] = name }
        rows.append((file, label, sample.description?.startFrame, sample.description?.videoID))
    }

    /// Writes the next video. Its name is its number among all that were taken, of whatever containers: keys begin anew in
    /// each.
    private mutating func write(_ bytes: [UInt8], _ ending: String) throws(Fault) -> String {
        let name = "\(Self.padded(rows.count)).\(ending)"
        let folder = "videos/\(Self.padded(rows.count / Self.folderFiles))"
        try makeDirectories(directory + "/" + folder)
        let path = directory + "/" + folder + "/" + name
        if case .file(let size) = try fileKind(path), size == bytes.count, try fileDigest(path) == Digest(of: bytes) {
            resumed += 1
        } else {
            try writeWhole(bytes, to: path)
        }
        return folder + "/" + name
    }

    private static func padded(_ number: Int) -> String {
        String(repeating: "0", count: max(0, 9 - String(number).count)) + String(number)
    }
}

/// What a sample's `.json` says, as `data export` writes it.
struct SampleDescription: Codable {
    var label: Int?
    var `class`: String?
    var name: String?
    var startFrame: Int?
    var videoID: Int?

    private enum CodingKeys: String, CodingKey {
        case label, `class`, name
        case startFrame = "start_frm"
        case videoID = "video_id"
    }
}

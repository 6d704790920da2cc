public import Clips
import Faults
import Foundation
import Storage
import Wire

/// The containers that a packed set is given out in.
public enum ExportFormat: String, Sendable, CaseIterable {
    /// The database of `create_video_db.py`, with the bytes of the videos.
    case vmz
    /// Tar files of `.mp4`, `.cls` and `.json`.
    case webdataset
    /// A folder for each class, with a list.
    case files
}

/// Writes a split of a packed set for others, whole or not at all, and the same bytes for the same set.
public struct Exporting {
    public var format: ExportFormat
    /// A tar file is closed when it holds this many bytes.
    public var shardBytes = 1 << 30
    /// VMZ's `--use_start_frame` and `--use_video_id`: records get these tensors, 0 and the rank where the list has none.
    public var startFrames = false
    public var videoIDs = false

    public init(format: ExportFormat) { self.format = format }

    /// - Parameter directory: replaced if it is an earlier export of this format.
    /// - Throws: a usage `Fault` when something else is there; a `Fault` when the set is damaged or the disk fails.
    public func write(_ set: PackedSet, to directory: String) throws {
        guard try isReplaceable(directory) else {
            throw Fault(
                .usage, directory, "is a folder of something else than such an export, which would replace it",
                mend: "choose another --out, or remove it first")
        }
        let staged = try StagedDirectory(directory)
        switch format {
        case .vmz: try writeVMZ(set, staged.staging + "/data.mdb")
        case .webdataset: try writeTars(set, staged.staging)
        case .files: try writeFiles(set, staged.staging)
        }
        try staged.commit()
    }

    /// Keys are ranks in decimal digits without zeros in front. Ranks follow digests, so that a reader that takes records in
    /// the order of keys, as Caffe2's does, gets classes mixed.
    private func writeVMZ(_ set: PackedSet, _ path: String) throws {
        let payload = set.records.reduce(0) { $0 + $1.byteCount }
        let environment = try LMDBEnvironment(
            creating: path, capacity: payload + payload / 8 + set.count * 3 * 4096 + (16 << 20))
        let ranks = (0..<set.count).map { (key: Array(String($0).utf8), rank: $0) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        var next = 0
        while next < ranks.count {
            try environment.write { transaction in
                var pending = 0
                repeat {
                    let (key, rank) = ranks[next]
                    let record = set.records[rank]
                    try set.withVideo(at: rank) { bytes in
                        let value = Caffe2Tensors.encode(
                            VMZRecord(
                                video: .bytes(Array(bytes)), label: record.label,
                                startFrame: startFrames ? record.startFrame ?? 0 : nil,
                                videoID: videoIDs ? record.videoID ?? rank : nil
                            ).tensors)
                        try value.withUnsafeBytes { try transaction.append(key: key, value: $0) }
                        pending += value.count
                    }
                    next += 1
                } while next < ranks.count && pending < 64 << 20
            }
        }
        try environment.synchronize()
    }

    private func writeTars(_ set: PackedSet, _ folder: String) throws {
        var rank = 0
        var number = 0
        while rank < set.count {
            var tar = try TarWriter("\(folder)/shard-\(Self.padded(number, 6)).tar")
            repeat {
                let record = set.records[rank]
                let key = Self.padded(rank, 9)
                try set.withVideo(at: rank) { bytes in
                    let ending = containerExtension(Array(bytes.prefix(512))) ?? "mp4"
                    try tar.append("\(key).\(ending)", bytes)
                }
                try Array("\(record.label)".utf8).withUnsafeBytes { try tar.append("\(key).cls", $0) }
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                let description = try encoder.encode(
                    SampleDescription(
                        label: record.label, class: set.classes[record.label], name: record.name,
                        startFrame: record.startFrame, videoID: record.videoID))
                try Array(description).withUnsafeBytes { try tar.append("\(key).json", $0) }
                rank += 1
            } while rank < set.count && tar.byteCount < shardBytes
            try tar.finish()
            number += 1
        }
    }

    private func writeFiles(_ set: PackedSet, _ folder: String) throws {
        try ClassList(names: set.classes, origin: set.directory).save(in: folder)
        var list = "org_video,label,start_frm,video_id\n"
        for rank in 0..<set.count {
            let record = set.records[rank]
            // A class may have a name that is none for a folder.
            let name = set.classes[record.label].replacing("/", with: "_").replacing("..", with: "_")
            try makeDirectories(folder + "/" + name)
            try set.withVideo(at: rank) { bytes in
                let ending = containerExtension(Array(bytes.prefix(512))) ?? "mp4"
                let path = "\(name)/\(Self.padded(rank, 9)).\(ending)"
                let file = try AtomicFile(folder + "/" + path)
                try file.write(bytes, at: 0)
                try file.commit()
                list += "\(ListWriter.quoted(path)),\(record.label),"
                list += "\(record.startFrame.map(String.init) ?? ""),\(record.videoID.map(String.init) ?? "")\n"
            }
        }
        try writeWhole(list, to: folder + "/list.csv")
    }

    /// Whether nothing is there, or nothing but what `write` writes.
    private func isReplaceable(_ directory: String) throws(Fault) -> Bool {
        guard try fileKind(directory) == .directory else { return true }
        let names = try directoryNames(directory)
        guard !names.isEmpty else { return true }
        switch format {
        case .vmz: return Set(names).isSubset(of: ["data.mdb", "lock.mdb"])
        case .webdataset: return names.allSatisfy { $0.hasPrefix("shard-") && $0.hasSuffix(".tar") }
        case .files:
            let lists: Set = ["list.csv", ClassList.fileName]
            guard lists.isSubset(of: names) else { return false }
            for name in names where !lists.contains(name) {
                guard try fileKind(directory + "/" + name) == .directory,
                    try directoryNames(directory + "/" + name).allSatisfy(Self.isNumbered)
                else { return false }
            }
            return true
        }
    }

    /// Nine digits and an ending, as `writeFiles` names videos.
    private static func isNumbered(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[0].count == 9 && parts[0].allSatisfy(\.isNumber)
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        String(repeating: "0", count: max(0, digits - String(number).count)) + String(number)
    }
}

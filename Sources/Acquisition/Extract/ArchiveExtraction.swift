import Faults
import Glibc
import Storage

/// Takes the videos out of one archive, in one pass. For one thread.
///
/// They go to a hidden folder first. When the archive's end proved it whole and everything is flushed, they get their
/// names, and then the record is written: a process that ends in between leaves whole videos, and does it again.
struct ArchiveExtraction {
    let archive: String
    /// Where the videos go.
    let folder: String
    let record: String
    /// Runs what gives videos their names alone, because two archives may hold the same one.
    let publish: (() -> Result<[String], Fault>) -> Result<[String], Fault>
    let cancellation: Cancellation

    static let stagingPrefix = ".staging-"

    /// - Returns: what came out, and names that were there with another content.
    func run() throws(Fault) -> (record: ExtractionRecord, conflicts: [String]) {
        let staging = folder + "/" + Self.stagingPrefix + (archive.split(separator: "/").last ?? "")
        try removeTree(staging)
        try makeDirectories(staging)
        defer { try? removeTree(staging) }
        let found = try unpack(into: staging)
        try flush(found.videos, in: staging)
        let conflicts = try publish { Result { () throws(Fault) in try giveNames(found.videos, from: staging) } }.get()
        try makeDirectories(directory(of: record))
        try writeWhole(found.text, to: record)
        return (found, conflicts)
    }

    private func unpack(into staging: String) throws(Fault) -> ExtractionRecord {
        let reader = try TarReader(archive)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var videos: [String: ExtractionRecord.Video] = [:]
        var skipped: [(name: String, reason: String)] = []
        var taken = 0
        while let entry = try reader.next() {
            guard !cancellation.isCancelled else { throw Fault(.stoppedEarly, archive, "its extraction was stopped") }
            switch EntryRules.verdict(name: entry.name, kind: entry.kind, size: entry.size) {
            case .refuse(let reason): throw Fault(.data, archive, "is refused: \(reason)")
            case .skip(let reason):
                if entry.kind != .folder {
                    let name = EntryRules.printable(String(decoding: entry.name ?? [], as: UTF8.self))
                    skipped.append((name, reason))
                }
            case .take(let name):
                // As with tar, the last of two of a name counts.
                if videos[name] != nil { skipped.append((name, "comes again in the same archive")) }
                videos[name] = try write(name, size: entry.size, after: taken, from: reader, into: staging, buffer)
                taken += entry.size
            }
        }
        let digest = try reader.finish()
        return ExtractionRecord(archive: digest, videos: videos.values.sorted { $0.name < $1.name }, skipped: skipped)
    }

    /// - Parameter taken: bytes of the videos before it.
    private func write(
        _ name: String, size: Int, after taken: Int, from reader: TarReader, into staging: String,
        _ buffer: UnsafeMutableRawBufferPointer
    ) throws(Fault) -> ExtractionRecord.Video {
        let file = try Descriptor(staging + "/" + name, O_WRONLY | O_CREAT | O_TRUNC)
        var hasher = Digest.Hasher()
        var offset = 0
        while true {
            let count = try reader.read(into: buffer)
            guard count > 0 else { break }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            guard offset + count <= size else { throw Fault(.data, archive, "'\(name)' is larger than it claims") }
            guard taken + offset + count <= 2 * reader.expandedBytes + EntryRules.mostHoleBytes else {
                throw Fault(.data, archive, "'\(name)' is a file with holes, of far more bytes than the archive holds")
            }
            hasher.update(bytes)
            try file.write(bytes, at: offset)
            offset += count
        }
        guard offset == size else { throw Fault(.data, archive, "'\(name)' ends after \(offset) of its \(size) bytes") }
        return ExtractionRecord.Video(name: name, bytes: size, digest: hasher.finish())
    }

    /// All at the archive's end: by then the kernel has written most of them, and waits little for each.
    private func flush(_ videos: [ExtractionRecord.Video], in staging: String) throws(Fault) {
        for video in videos { try Descriptor(staging + "/" + video.name, O_RDONLY).synchronize() }
    }

    /// Of two videos of a name the larger one stays, and of equally large ones that with the larger digest: the same one
    /// whichever archive was faster.
    private func giveNames(_ videos: [ExtractionRecord.Video], from staging: String) throws(Fault) -> [String] {
        var conflicts: [String] = []
        for video in videos {
            let path = folder + "/" + video.name
            if let bytes = try? fileSize(path) {
                let digest = try fileDigest(path)
                if digest == video.digest { continue }
                conflicts.append(video.name)
                if (bytes, digest) > (video.bytes, video.digest) { continue }
            }
            guard rename(staging + "/" + video.name, path) == 0 else {
                throw systemFault(path, "give it its name", errno)
            }
        }
        try synchronizeDirectory(folder)
        return conflicts
    }
}

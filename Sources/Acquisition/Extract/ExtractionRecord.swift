import Faults
import Storage

/// What came out of an archive: written when all of it is on the disk, so that nothing is extracted twice.
struct ExtractionRecord: Sendable, Equatable {
    struct Video: Sendable, Equatable {
        var name: String
        var bytes: Int
        var digest: Digest
    }

    /// SHA-256 of the archive.
    var archive: Digest
    var videos: [Video]
    /// Entries that were left out, with the reason.
    var skipped: [(name: String, reason: String)]

    static func folder(out: String) -> String { out + "/videos/.extracted" }

    static func path(out: String, split: String, archive: String) -> String {
        "\(folder(out: out))/\(split)/\(archive).tsv"
    }

    var text: String {
        tabSeparated(
            [["archive", "\(archive)"]] + videos.map { ["video", $0.name, "\($0.bytes)", "\($0.digest)"] }
                + skipped.map { ["skipped", $0.name, $0.reason] })
    }

    init(archive: Digest, videos: [Video], skipped: [(name: String, reason: String)]) {
        (self.archive, self.videos, self.skipped) = (archive, videos, skipped)
    }

    /// The record in a file; `nil` when there is none, or one that this program did not write.
    static func read(_ path: String) -> ExtractionRecord? {
        guard let bytes = try? readWhole(path, limit: 512 << 20), let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        var record: ExtractionRecord?
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch (fields.first, fields.count) {
            case ("archive", 2):
                guard let digest = Digest(hexadecimal: fields[1]) else { return nil }
                record = ExtractionRecord(archive: digest, videos: [], skipped: [])
            case ("video", 4):
                guard isPlainName(fields[1]), let bytes = Int(fields[2]), let digest = Digest(hexadecimal: fields[3])
                else { return nil }
                record?.videos.append(Video(name: fields[1], bytes: bytes, digest: digest))
            case ("skipped", 3): record?.skipped.append((fields[1], fields[2]))
            default: return nil
            }
        }
        return record
    }

    static func == (a: ExtractionRecord, b: ExtractionRecord) -> Bool { a.text == b.text }
}

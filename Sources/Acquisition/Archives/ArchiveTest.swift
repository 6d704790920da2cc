import Faults
import Storage

/// What reading an archive to its end found.
struct ArchiveTest: Sendable, Equatable {
    let digest: Digest
    /// Videos in it, and everything else.
    let videos: Int
    let others: Int

    /// Reads it all: gzip's checksum, tar's headers, names that have no place here.
    /// - Throws: a data `Fault` that says what is wrong.
    init(_ path: String) throws(Fault) {
        let reader = try TarReader(path)
        var (videos, others) = (0, 0)
        while let entry = try reader.next() {
            switch EntryRules.verdict(name: entry.name, kind: entry.kind, size: entry.size) {
            case .take: videos += 1
            case .skip: others += 1
            case .refuse(let reason): throw Fault(.data, path, "is refused: \(reason)")
            }
        }
        (self.videos, self.others) = (videos, others)
        digest = try reader.finish()
    }
}

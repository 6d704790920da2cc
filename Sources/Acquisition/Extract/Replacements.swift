import Faults
import Glibc
import Storage

/// Puts published replacements in the place of videos that were published damaged.
struct Replacements {
    /// Where they lie, and the folders of the splits.
    let folder: String
    let splits: [String]

    struct Report: Sendable, Equatable {
        /// Put in place now, and before.
        var applied = 0
        var standing = 0
        /// Replacements of videos that are not here.
        var unused = 0
    }

    /// What can replace something, by name.
    static func names(in folder: String) throws(Fault) -> Set<String> {
        guard pathExists(folder) else { return [] }
        return Set(try directoryNames(folder).filter { !$0.hasPrefix(".") })
    }

    /// Replaces videos of the same name, and where there is none of it the only one of the same YouTube identity.
    func apply() throws(Fault) -> Report {
        var report = Report()
        let names = try Self.names(in: folder).sorted()
        guard !names.isEmpty else { return report }
        var used = Set<String>()
        for split in splits where pathExists(split) {
            let videos = try directoryNames(split).filter { !$0.hasPrefix(".") }
            let known = Set(videos)
            let byIdentity = Dictionary(grouping: videos) { $0.prefix(Self.identityLetters) }
            for name in names {
                let target: String
                if known.contains(name) {
                    target = name
                } else {
                    let same = byIdentity[name.prefix(Self.identityLetters)] ?? []
                    guard same.count == 1, name.count > Self.identityLetters else { continue }
                    target = same[0]
                }
                used.insert(name)
                if try put(folder + "/" + name, at: split + "/" + target) {
                    report.applied += 1
                } else {
                    report.standing += 1
                }
            }
            try synchronizeDirectory(split)
        }
        report.unused = names.count - used.count
        return report
    }

    static let stagingPrefix = ".replacement-"

    /// YouTube's identities have 11 letters.
    private static let identityLetters = 11

    /// A second name for the file, so that it takes no space twice; a copy where the file system has no links.
    /// - Returns: whether it was not there yet.
    private func put(_ source: String, at target: String) throws(Fault) -> Bool {
        guard try fileDigest(source) != fileDigest(target) else { return false }
        let temporary = directory(of: target) + "/\(Self.stagingPrefix)\(getpid())"
        unlink(temporary)
        if link(source, temporary) == 0 {
            guard rename(temporary, target) == 0 else { throw systemFault(target, "replace it", errno) }
        } else {
            try writeWhole(try readWhole(source, limit: EntryRules.mostBytes), to: target)
        }
        return true
    }
}

import Clips
import Configuration
import Faults
import Storage

/// `RUN/dataset.toml`: which clips the run draws, for audits and for whoever continues it.
struct RunDataSet: Equatable {
    let clips: Int
    /// `PackedSet.digest`, in hexadecimal.
    let digest: String
    /// Where it was when the run began; it may move.
    let directory: String
    let split: String

    init(_ set: PackedSet) {
        (clips, digest, directory, split) = (set.count, "\(set.digest)", set.directory, set.split)
    }

    /// What the run in `path` was begun with; `nil` for a new one, and for one that release 0.1.0 began.
    init?(run path: String) throws(Fault) {
        let file = Self.path(path)
        guard pathExists(file) else { return nil }
        let text = String(decoding: try readWhole(file, limit: 1 << 20), as: UTF8.self)
        var reader = Reader(try Document(toml: text, name: file))
        clips = try reader.integer("clips", in: 1...Int(1e15))
        digest = try reader.string("digest")
        directory = try reader.string("directory")
        split = try reader.string("split")
        _ = try reader.finish()
    }

    func write(to run: String) throws(Fault) {
        let entries: [(String, Value)] = [
            ("clips", .integer(clips)), ("digest", .string(digest)), ("directory", .string(directory)),
            ("split", .string(split)),
        ]
        try writeWhole(entries.map { "\($0.0) = \($0.1.toml)\n" }.joined(), to: Self.path(run))
    }

    /// - Throws: `Fault.usage` when another data set is meant than the one that the run was begun with.
    func require(_ other: RunDataSet, run: String) throws(Fault) {
        guard digest != other.digest || clips != other.clips else { return }
        throw Fault(
            .usage, run,
            "holds a run of another data set: \(clips) clips, digest \(digest) there, and \(other.clips) clips, digest "
                + "\(other.digest) in \(other.directory)",
            mend: "continue with the data set it was begun with (then in \(directory)), or name a new folder")
    }

    private static func path(_ run: String) -> String { run + "/dataset.toml" }
}

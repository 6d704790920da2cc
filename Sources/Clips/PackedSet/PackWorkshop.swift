import Faults
import Glibc
import Storage
import Video

/// What a packing keeps beside its split until the split is whole, for the next one where this one is ended.
///
/// `SPLIT.examined` holds what was found out about files, `SPLIT.videos/` the videos that were written anew, each under its
/// digest, `SPLIT.sealed` which shards are whole, and `SPLIT.tmp/` those shards.
struct PackWorkshop {
    /// A video as it goes into a shard.
    struct Prepared: Sendable {
        let examination: Examination
        let file: String
    }

    let directory: String
    let split: String
    /// Where the whole set goes.
    var target: String { directory + "/" + split }
    private var journal: String { target + ".examined" }
    private var sealedJournal: String { target + ".sealed" }
    private var videos: String { target + ".videos" }

    /// For the one who holds the lock: what writers that were killed left half is removed.
    init(_ directory: String, _ split: String) throws(Fault) {
        (self.directory, self.split) = (directory, split)
        for folder in [directory, videos] where pathExists(folder) {
            for name in try directoryNames(folder) where Self.isHalf(name, in: folder == videos) {
                try removeTree(folder + "/" + name)
            }
        }
    }

    private static let half = "new-"

    /// `AtomicFile` writes to `NAME.tmp-PID-n`; children that write videos anew to names of their own.
    private static func isHalf(_ name: String, in videos: Bool) -> Bool {
        name.split(separator: ".").last?.hasPrefix("tmp-") == true || videos && name.hasPrefix(half)
    }

    /// Which shards are whole.
    func sealed() throws(Fault) -> FindingsJournal { try FindingsJournal(sealedJournal, version: "zoetrope-shards 1") }

    /// Nothing of it is needed once the set is whole and described.
    func clear() throws(Fault) {
        for path in [journal, sealedJournal] { try removeTree(path) }
        // Under another name nobody who is late puts anything into it.
        let gone = videos + ".tmp-gone"
        if rename(videos, gone) == 0 { try removeTree(gone) }
    }

    /// Examines every file of the list once, and writes it anew first where that is asked for.
    /// - Returns: what came of each path, and how many an earlier packing had done.
    /// - Throws: what ends the packing as a whole.
    func prepare(
        _ list: ClipList, _ options: PackOptions
    ) throws(Fault) -> (found: [String: Result<Prepared, Fault>], resumed: Int) {
        // Lists with start frames name the same file many times.
        let paths = Array(Set(list.entries.map(\.path))).sorted()
        let names = Dictionary(list.entries.map { ($0.path, $0.name) }, uniquingKeysWith: { first, _ in first })
        let how = options.transcoding.map { "as \($0.name)" } ?? (options.decodes ? "decoded" : "opened")
        let findings = try FindingsJournal(journal, version: "zoetrope-pack 1 \(how) \(VideoLibraries.versions)")
        if options.transcoding != nil { try makeDirectories(videos) }
        let done = Counter()
        let resumed = Counter()
        let results = mapOnThreads(count: paths.count, threads: options.threads) { i -> Result<Prepared, Fault> in
            defer { options.progress?(done.increment(), paths.count) }
            let path = paths[i]
            do throws(Fault) {
                let name = names[path] ?? path
                guard let stamp = try FileStamp(path: path) else { throw Fault(.data, name, "is missing") }
                if let text = findings.finding(of: path, stamp), let known = try kept(text, path, name, options) {
                    _ = resumed.increment()
                    return known
                }
                let result = prepare(path, name, i, options)
                switch result {
                case .success(let video): try findings.add(video.examination.text, of: path, stamp)
                case .failure(let fault) where fault.code == .data:
                    try findings.add(Self.refused + fault.reason.oneLine, of: path, stamp)
                case .failure: break
                }
                return result
            } catch { return .failure(error) }
        }
        for case .failure(let fault) in results where fault.code == .stoppedEarly || fault.code == .internal {
            throw fault
        }
        return (Dictionary(uniqueKeysWithValues: zip(paths, results)), resumed.value)
    }

    /// What the journal says of a file that nothing could be made of.
    private static let refused = "refused\t"

    /// What an earlier packing found out about a file, and the video it wrote where that is still there.
    private func kept(
        _ text: String, _ path: String, _ name: String, _ options: PackOptions
    ) throws(Fault) -> Result<Prepared, Fault>? {
        if text.hasPrefix(Self.refused) {
            return .failure(Fault(.data, name, String(oneLine: text.dropFirst(Self.refused.count))))
        }
        guard let known = Examination(text: text) else { return nil }
        guard options.transcoding != nil else { return .success(Prepared(examination: known, file: path)) }
        let file = videos + "/\(known.digest).mp4"
        guard try FileStamp(path: file)?.byteCount == known.byteCount else { return nil }
        return .success(Prepared(examination: known, file: file))
    }

    private func prepare(
        _ path: String, _ name: String, _ number: Int, _ options: PackOptions
    ) -> Result<Prepared, Fault> {
        Result { () throws(Fault) in
            if let transcoding = options.transcoding { return try writeAnew(path, name, number, transcoding) }
            return Prepared(
                examination: try Examination(path: path, name: name, decodes: options.decodes), file: path)
        }
    }

    private func writeAnew(
        _ path: String, _ name: String, _ number: Int, _ transcoding: Transcoding
    ) throws(Fault) -> Prepared {
        // A child of a packing that was killed may still be at its own.
        let new = videos + "/\(Self.half)\(getpid())-\(number).mp4"
        try transcoding.write(path, new)
        let examination = try Examination(path: new, name: name, decodes: true)
        if let damage = examination.damage {
            throw Fault(.internal, name, "was written anew as \(transcoding.name), and that does not decode: \(damage)")
        }
        let file = videos + "/\(examination.digest).mp4"
        guard rename(new, file) == 0 else { throw systemFault(file, "give it its name", errno) }
        return Prepared(examination: examination, file: file)
    }
}

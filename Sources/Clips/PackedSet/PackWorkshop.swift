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
    /// The name of `videos` while they are removed.
    private var doneWith: String { Temporary.name(of: videos, writer: "gone") }

    /// For the one who holds the lock: what writers that were killed left half is removed.
    init(_ directory: String, _ split: String) throws(Fault) {
        (self.directory, self.split) = (directory, split)
        if pathExists(videos) {
            for name in try directoryNames(videos) where name.hasPrefix(Self.half) {
                try removeTree(videos + "/" + name)
            }
        }
        try removeTree(doneWith)
    }

    /// How the names begin that children write videos anew to.
    private static let half = "new-"

    /// Which shards are whole.
    func sealed() throws(Fault) -> FindingsJournal { try FindingsJournal(sealedJournal, version: "zoetrope-shards 1") }

    /// Nothing of it is needed once the set is whole and described.
    func clear() throws(Fault) {
        for path in [journal, sealedJournal] { try removeTree(path) }
        // Under another name nobody who is late puts anything into it.
        if rename(videos, doneWith) == 0 { try removeTree(doneWith) }
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
                if let text = findings.finding(of: path, stamp), let known = PackFinding(text: text),
                    try isThere(known, options)
                {
                    _ = resumed.increment()
                    return result(of: known, path, name, options)
                }
                let finding = try find(path, name, i, options)
                try findings.add(finding.text, of: path, stamp)
                return result(of: finding, path, name, options)
            } catch { return .failure(error) }
        }
        for case .failure(let fault) in results where fault.code == .stoppedEarly || fault.code == .internal {
            throw fault
        }
        return (Dictionary(uniqueKeysWithValues: zip(paths, results)), resumed.value)
    }

    private func written(_ digest: Digest) -> String { videos + "/\(digest).mp4" }

    /// Whether a video that was written anew is still where it was put.
    private func isThere(_ finding: PackFinding, _ options: PackOptions) throws(Fault) -> Bool {
        guard options.transcoding != nil, case .sound(let examination) = finding else { return true }
        return try FileStamp(path: written(examination.digest))?.byteCount == examination.byteCount
    }

    private func result(
        of finding: PackFinding, _ path: String, _ name: String, _ options: PackOptions
    ) -> Result<Prepared, Fault> {
        switch finding {
        case .refused(let reason): .failure(Fault(.data, name, reason))
        case .sound(let examination):
            .success(
                Prepared(
                    examination: examination, file: options.transcoding == nil ? path : written(examination.digest)))
        }
    }

    /// - Throws: what is no property of the file: time or memory that a child was refused and the next one may get.
    private func find(
        _ path: String, _ name: String, _ number: Int, _ options: PackOptions
    ) throws(Fault) -> PackFinding {
        if let transcoding = options.transcoding { return .sound(try writeAnew(path, name, number, transcoding)) }
        guard let examine = options.examine else { return PackFinding(examining: path, decodes: options.decodes) }
        let answer = try examine(path)
        guard let finding = PackFinding(text: answer) else { throw Fault(.data, name, "the decoder answered nonsense") }
        return finding
    }

    private func writeAnew(
        _ path: String, _ name: String, _ number: Int, _ transcoding: Transcoding
    ) throws(Fault) -> Examination {
        // A child of a packing that was killed may still be at its own.
        let new = videos + "/\(Self.half)\(getpid())-\(number).mp4"
        try transcoding.write(path, new)
        let examination = try Examination(path: new, name: name, decodes: true)
        if let damage = examination.damage {
            throw Fault(.internal, name, "was written anew as \(transcoding.name), and that does not decode: \(damage)")
        }
        let file = written(examination.digest)
        guard rename(new, file) == 0 else { throw systemFault(file, "give it its name", errno) }
        return examination
    }
}

import Faults
import Glibc
import Storage
import Threads
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
    /// - Returns: what came of each path, how many an earlier packing had done, and where that is written down.
    /// - Throws: what ends the packing as a whole.
    func prepare(
        _ list: ClipList, _ options: PackOptions
    ) throws(Fault) -> (found: [String: Result<Prepared, Fault>], resumed: Int, findings: FindingsJournal) {
        // Lists with start frames name the same file many times.
        let paths = Array(Set(list.entries.map(\.path))).sorted()
        let names = Dictionary(list.entries.map { ($0.path, $0.name) }, uniquingKeysWith: { first, _ in first })
        let how = options.transcoding.map { "as \($0.name)" } ?? (options.decodes ? "decoded" : "opened")
        let findings = try FindingsJournal(journal, version: "zoetrope-pack 1 \(how) \(VideoLibraries.versions)")
        if options.transcoding != nil { try makeDirectories(videos) }
        let done = Counter()
        let step: @Sendable () -> Void = { options.progress?(done.increment(), paths.count) }
        let looks = mapOnThreads(name: "packing", count: paths.count, threads: options.threads) { i in
            look(at: paths[i], names[paths[i]] ?? paths[i], findings, options)
        }
        var found: [String: Result<Prepared, Fault>] = [:]
        var wanted: [PackWork.Video] = []
        var resumed = 0
        for (path, look) in zip(paths, looks) {
            switch look {
            case .missing(let fault): found[path] = .failure(fault)
            case .known(let result):
                found[path] = result
                resumed += 1
            case .wanted(let video):
                wanted.append(video)
                continue
            }
            step()
        }
        let work = PackWork(wanted, self, options, findings, progress: step)
        if let sharing = options.sharing {
            try sharing(work)
        } else {
            _ = mapOnThreads(name: "packing", count: wanted.count, threads: options.threads) {
                work.record($0, work.find($0))
            }
        }
        found.merge(work.results()) { _, new in new }
        for path in paths {
            if case .failure(let fault)? = found[path], fault.code == .stoppedEarly || fault.code == .internal {
                throw fault
            }
        }
        return (found, resumed, findings)
    }

    /// What is known of a file before anybody opens it.
    private enum Look: Sendable {
        case missing(Fault)
        case known(Result<Prepared, Fault>)
        case wanted(PackWork.Video)
    }

    private func look(at path: String, _ name: String, _ findings: FindingsJournal, _ options: PackOptions) -> Look {
        do throws(Fault) {
            guard let stamp = try FileStamp(path: path) else { return .missing(Fault(.data, name, "is missing")) }
            if let text = findings.finding(of: path, stamp), let known = PackFinding(text: text),
                try isThere(known, options)
            {
                return .known(result(of: known, path, name, options))
            }
            return .wanted(PackWork.Video(path: path, name: name, stamp: stamp))
        } catch {
            guard case .failure(let fault) = result(of: .unread(error.reason), path, name, options) else {
                return .missing(error)
            }
            return .missing(fault)
        }
    }

    /// A path for a video that is being written anew. A child of a packing that was killed may still be at its own.
    func draft(_ number: Int) -> String { videos + "/\(Self.half)\(getpid())-\(number).mp4" }

    /// Where a video of that digest stands that was written anew.
    func written(_ digest: Digest) -> String { videos + "/\(digest).mp4" }

    /// Whether a video that was written anew is still where it was put.
    private func isThere(_ finding: PackFinding, _ options: PackOptions) throws(Fault) -> Bool {
        guard options.transcoding != nil, case .sound(let examination) = finding else { return true }
        return try FileStamp(path: written(examination.digest))?.byteCount == examination.byteCount
    }

    func result(
        of finding: PackFinding, _ path: String, _ name: String, _ options: PackOptions
    ) -> Result<Prepared, Fault> {
        switch finding {
        case .unread(let reason) where options.endsAtUnread:
            .failure(
                Fault(
                    .stoppedEarly, name, reason,
                    mend: "run the same command again, which goes on; what can never be read has to leave the list"))
        case .refused(let reason), .unread(let reason): .failure(Fault(.data, name, reason))
        case .sound(let examination):
            .success(
                Prepared(
                    examination: examination, file: options.transcoding == nil ? path : written(examination.digest)))
        }
    }
}

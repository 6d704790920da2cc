internal import Clips
public import Faults
internal import Storage
import Synchronization
internal import Wire

/// Where a worker's clips come from: its own folder, the coordinator's where this machine sees it, or others, who get from
/// it in turn what it has.
public final class ClipSupply: Sendable {
    /// The folder of what was pulled, and how many bytes it may have (0: nine tenths of what is free).
    public struct Cache: Sendable {
        public var folder: String
        public var limit: Int

        public init(folder: String, limit: Int) {
            self.folder = folder
            self.limit = limit
        }
    }

    private let pulling: ShardPulling
    private let note: @Sendable (String) -> Void
    /// What others may have.
    private let serving = Mutex<PackedSet?>(nil)
    let fetcher: ContentFetcher

    /// - Parameters:
    ///   - cache: Asked when it is needed first: a worker with a data set of its own needs none.
    ///   - note: What is worth a line in the log. Called on any thread.
    public init(
        fetcher: ContentFetcher, cache: @escaping @Sendable () throws(Fault) -> Cache,
        note: @escaping @Sendable (String) -> Void
    ) {
        self.fetcher = fetcher
        self.note = note
        pulling = ShardPulling(
            cache: { () throws(Fault) in
                let cache = try cache()
                let made = try FileCache(folder: cache.folder, limit: cache.limit, note: note)
                note("pulled clips are kept in \(made.folder), \(made.limit) bytes at most")
                return made
            }, fetch: { file throws(Fault) in try fetcher.fetch(file) }, note: note)
    }

    /// The file with that SHA-256, if it is here.
    func path(of digest: [UInt8]) -> String? {
        guard let digest = Digest(bytes: digest) else { return nil }
        return serving.withLock { $0 }?.path(of: digest)
    }

    /// The training clips of the run. Blocks while the manifest is pulled.
    /// - Parameter data: The folder that this worker was told to use.
    func open(_ welcome: Welcome, data: String?) throws(Fault) -> PackedSet {
        let set = try find(welcome, data)
        serving.withLock { $0 = set }
        return set
    }

    private func find(_ welcome: Welcome, _ data: String?) throws(Fault) -> PackedSet {
        // A coordinator of an older release has nothing to pull.
        guard !welcome.dataSet.isEmpty else {
            return try PackedSet(directory: data ?? welcome.data, split: Self.split)
        }
        let theirs = try DataSetDescription(text: welcome.dataSet, name: "the coordinator's dataset.toml")
        guard let data else {
            let folder = Self.folder(welcome.data, holds: theirs) ? welcome.data : nil
            if folder == nil { note("no data set here: clips are pulled from the coordinator and other workers") }
            return try PackedSet(
                pulling: pulling, description: theirs, manifestBytes: welcome.manifestBytes, split: Self.split,
                folder: folder)
        }
        let ours = try DataSetDescription(directory: data)
        // Another cut of the same clips has shards that nobody else knows.
        let isSame = ours.splits[Self.split]?.manifest == theirs.splits[Self.split]?.manifest
        return try PackedSet(
            pulling: pulling, description: ours, manifestBytes: isSame ? welcome.manifestBytes : 0,
            split: Self.split, folder: data)
    }

    private static let split = "train"

    /// Whether this machine sees the same data set at the coordinator's path.
    private static func folder(_ path: String, holds theirs: DataSetDescription) -> Bool {
        guard let here = try? DataSetDescription(directory: path) else { return false }
        return here.splits[split] == theirs.splits[split]
    }
}

public import Clips
public import Faults
public import Storage
import Synchronization

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

    /// The split that is offered, from a folder here or from others. Blocks while its manifest is pulled.
    /// - Parameter data: The folder that this worker was told to use.
    /// - Throws: a `Fault` when that folder has no such split, or the split cannot be had from elsewhere.
    public func open(_ offered: OfferedSplit, data: String?) throws(Fault) -> PackedSet {
        let set = try find(offered, data)
        serving.withLock { $0 = set }
        return set
    }

    /// A file that the coordinator has, from the cache or pulled into it; it stays as long as the result lives. Blocks.
    /// - Throws: a `Fault` when nobody has a good copy, or the cache is too small for it.
    public func hold(_ file: CachedFile) throws(Fault) -> HeldFile { try pulling.hold(file) }

    /// Nobody gets anything any more.
    public func close() { fetcher.close() }

    private func find(_ offered: OfferedSplit, _ data: String?) throws(Fault) -> PackedSet {
        let split = offered.split
        // A coordinator of an older release has nothing to pull.
        guard !offered.description.isEmpty else {
            return try PackedSet(directory: data ?? offered.directory, split: split)
        }
        let theirs = try DataSetDescription(text: offered.description, name: "the coordinator's dataset.toml")
        guard let data else {
            let folder = Self.folder(offered.directory, holds: split, of: theirs) ? offered.directory : nil
            if folder == nil { note("no data set here: clips are pulled from who has them") }
            return try PackedSet(
                pulling: pulling, description: theirs, manifestBytes: offered.manifestBytes, split: split,
                folder: folder)
        }
        let ours = try DataSetDescription(directory: data)
        // Another cut of the same clips has shards that nobody else knows.
        let isSame = ours.splits[split]?.manifest == theirs.splits[split]?.manifest
        return try PackedSet(
            pulling: pulling, description: ours, manifestBytes: isSame ? offered.manifestBytes : 0, split: split,
            folder: data)
    }

    /// Whether this machine sees the same data set at the coordinator's path.
    private static func folder(_ path: String, holds split: String, of theirs: DataSetDescription) -> Bool {
        guard let here = try? DataSetDescription(directory: path) else { return false }
        return here.splits[split] == theirs.splits[split]
    }
}

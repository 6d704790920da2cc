public import Faults
public import Storage
import Synchronization

/// How a machine without the data set, or with a bad copy of it, comes by its files.
public struct ShardPulling: Sendable {
    /// Where pulled files are kept; made when the first is needed.
    let cache: @Sendable () throws(Fault) -> FileCache
    /// Fills a file from whoever has it, and has it checked. Blocks.
    let fetch: @Sendable (PartialFile) throws(Fault) -> Void
    /// What is worth a line in the log.
    let note: @Sendable (String) -> Void

    /// - Parameter cache: Called once.
    public init(
        cache: @escaping @Sendable () throws(Fault) -> FileCache,
        fetch: @escaping @Sendable (PartialFile) throws(Fault) -> Void,
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let box = Once(cache)
        self.cache = { () throws(Fault) in try box.value() }
        self.fetch = fetch
        self.note = note
    }

    /// A file of the cache, pulled if it is not there, and locked as long as the result lives. Blocks.
    /// - Throws: what `FileCache.hold` throws, or a `Fault` when nobody has a good copy.
    public func hold(_ file: CachedFile) throws(Fault) -> HeldFile { try cache().hold(file, fill: fetch) }
}

extension PackedSet {
    /// Opens a split whose files are in `folder` as far as it has good copies, and are pulled from others where not.
    ///
    /// - Parameters:
    ///   - description: What the data set is, as `dataset.toml` says.
    ///   - manifestBytes: The size of the manifest that it names, for where it has to be pulled.
    ///   - folder: The data set's folder on this machine, if there is one.
    /// - Throws: a `Fault` when the manifest cannot be had, or the cache is too small for a shard.
    public convenience init(
        pulling: ShardPulling, description: DataSetDescription, manifestBytes: Int, split: String, folder: String?
    ) throws(Fault) {
        let directory = folder ?? "the coordinator's data set"
        let expected = try description.split(split, of: directory).manifest
        let local = folder.map { "\($0)/\(split)/\(Manifest.fileName)" }
        var problem: Fault?
        if let local {
            do throws(Fault) {
                let bytes = try Self.readManifest(local, expected)
                try self.init(pulling, description, split, folder, directory, manifest: bytes, at: local)
                return
            } catch { problem = error }
        }
        // A set that makes no sense makes none from elsewhere either.
        if let problem, let local, problem.thing != local || manifestBytes == 0 { throw problem }
        guard manifestBytes > 0 else { throw Fault(.data, directory, "nobody says how large its manifest is") }
        if let problem { pulling.note("\(problem.thing): \(problem.reason); it is pulled from others") }
        let file = CachedFile(digest: expected, byteCount: manifestBytes, name: "\(split)/\(Manifest.fileName)")
        let held = try pulling.hold(file)
        let bytes = try Self.readManifest(held.path, expected)
        try self.init(pulling, description, split, folder, directory, manifest: bytes, at: held.path)
    }

    private convenience init(
        _ pulling: ShardPulling, _ description: DataSetDescription, _ split: String, _ folder: String?,
        _ directory: String, manifest: [UInt8], at path: String
    ) throws(Fault) {
        try self.init(directory: directory, split: split, description, manifest: manifest, manifestPath: path) {
            shards throws(Fault) in
            try PulledShards(shards, split: split, folder: folder.map { "\($0)/\(split)" }, pulling)
        }
    }
}

/// A value that is made when it is asked for first; again when that failed.
private final class Once: Sendable {
    private let made: Mutex<FileCache?>
    private let make: @Sendable () throws(Fault) -> FileCache

    init(_ make: @escaping @Sendable () throws(Fault) -> FileCache) {
        made = Mutex(nil)
        self.make = make
    }

    func value() throws(Fault) -> FileCache {
        let result: Result<FileCache, Fault> = made.withLock { made in
            if let made { return .success(made) }
            do throws(Fault) {
                let new = try make()
                made = new
                return .success(new)
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}

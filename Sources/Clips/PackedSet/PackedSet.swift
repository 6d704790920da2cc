public import Faults
public import Storage

/// One split of a data set: encoded videos in sealed LMDB shards, and a manifest that ranks its clips.
///
/// Rank i is the i-th clip in the order of (content digest, label, start frame, ordinal): it does not depend on file
/// names or on the order of the list. Any number of threads may read at once.
public final class PackedSet: Sendable {
    /// The data set's folder, or what stands for one where its files come from elsewhere, and which split of it this is.
    public let directory: String
    public let split: String
    /// What `dataset.toml` says.
    public let description: DataSetDescription
    /// By rank.
    public let records: [ClipRecord]
    /// Names what training sees of the set.
    public let digest: Digest
    /// What the split is made of: the manifest, then the shards in order.
    public let files: [CachedFile]
    private let shards: any ShardSource
    private let manifestPath: String?

    public var count: Int { records.count }
    /// In the order of labels.
    public var classes: [String] { description.classes }
    var shardCount: Int { files.count - 1 }

    /// Opens a split of the data set in `directory`.
    /// - Throws: a `Fault` when it is missing, damaged or not ours.
    public convenience init(directory: String, split: String) throws(Fault) {
        let description = try DataSetDescription(directory: directory)
        let summary = try description.split(split, of: directory)
        let folder = directory + "/" + split
        let bytes = try Self.readManifest(folder + "/" + Manifest.fileName, summary.manifest)
        try self.init(
            directory: directory, split: split, description, manifest: bytes,
            manifestPath: folder + "/" + Manifest.fileName
        ) { shards throws(Fault) in try FolderShards(shards, folder: folder) }
    }

    /// - Parameter manifest: Its digest was found right.
    init(
        directory: String, split: String, _ description: DataSetDescription, manifest bytes: [UInt8],
        manifestPath: String?, open: ([Manifest.Shard]) throws(Fault) -> any ShardSource
    ) throws(Fault) {
        let summary = try description.split(split, of: directory)
        let folder = directory + "/" + split
        let manifest = try Manifest(
            text: String(decoding: bytes, as: UTF8.self), path: folder + "/" + Manifest.fileName)
        self.directory = directory
        self.split = split
        self.description = description
        self.manifestPath = manifestPath
        records = manifest.records
        digest = records.setDigest
        let classes = description.classes.count
        guard digest == summary.digest, records.allSatisfy({ $0.label < classes }) else {
            throw Fault(.data, folder, "does not hold what \(DataSetDescription.fileName) says", mend: "pack it again")
        }
        files =
            [CachedFile(digest: summary.manifest, byteCount: bytes.count, name: "\(split)/\(Manifest.fileName)")]
            + manifest.shards.map { $0.cached(split) }
        shards = try open(manifest.shards)
    }

    /// Gives the encoded video of the clip at `rank` to `body`, in place in the mapped shard.
    /// - Throws: a data `Fault` when its digest is wrong, which is an error of the disk and not of the video, and there is no
    ///   other copy; what `body` throws.
    public func withVideo<Result>(at rank: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let record = records[rank]
        do { return try read(record, body) } catch let damaged as DamagedRecord { throw damaged.fault }
    }

    /// A file of the split by its digest, where it is here and not known to be damaged: for others who need it.
    public func path(of digest: Digest) -> String? {
        guard let index = files.firstIndex(where: { $0.digest == digest }) else { return nil }
        return index == 0 ? manifestPath : shards.path(index - 1)
    }

    private func read<Result>(
        _ record: ClipRecord, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try shards.withShard(record.shard) { shard in
            try shard.read { transaction in
                guard let bytes = try transaction.value(of: record.digest.bytes) else {
                    throw DamagedRecord(shard.path, "lacks the video of '\(record.name)'")
                }
                guard bytes.count == record.byteCount, Digest(of: bytes) == record.digest else {
                    throw DamagedRecord(shard.path, "the video of '\(record.name)' has a wrong digest")
                }
                return try body(bytes)
            }
        }
    }

    /// The bytes of a manifest, when they are those that `dataset.toml` names.
    static func readManifest(_ path: String, _ expected: Digest) throws(Fault) -> [UInt8] {
        let bytes: [UInt8]
        do throws(Fault) { bytes = try readWhole(path, limit: 8 << 30) } catch {
            throw Fault(.data, error.thing, error.reason, mend: "pack the set again")
        }
        guard Digest(of: bytes) == expected else {
            throw Fault(
                .data, path, "is not the manifest that \(DataSetDescription.fileName) names", mend: "pack the set again"
            )
        }
        return bytes
    }
}

extension Manifest.Shard {
    /// As a cache knows it.
    func cached(_ split: String) -> CachedFile {
        CachedFile(digest: digest, byteCount: byteCount, name: "\(split)/\(file)")
    }
}

extension DataSetDescription {
    /// - Throws: a data `Fault` when there is no such split.
    func split(_ name: String, of directory: String) throws(Fault) -> Split {
        guard let split = splits[name] else {
            throw Fault(.data, directory, "has no split '\(name)'", mend: advice(for: name, among: splits.keys))
        }
        return split
    }
}

public import Faults
public import Storage

/// One split of a data set: encoded videos in sealed LMDB shards, and a manifest that ranks its clips.
///
/// Rank i is the i-th clip in the order of (content digest, label, start frame, ordinal): it does not depend on file
/// names or on the order of the list. Any number of threads may read at once.
public final class PackedSet: Sendable {
    /// The data set's folder, and which split of it this is.
    public let directory: String
    public let split: String
    /// In the order of labels.
    public let classes: [String]
    /// By rank.
    public let records: [ClipRecord]
    /// Names what training sees of the set.
    public let digest: Digest
    private let shards: [LMDBEnvironment]

    public var count: Int { records.count }
    var shardCount: Int { shards.count }

    /// Shards up to this size are compared with their digests when they are opened; of the larger ones only the length
    /// is, and each video's digest whenever it is read.
    private static let verifiedWhole = 64 << 20

    /// Opens a split of the data set in `directory`.
    /// - Throws: a `Fault` when it is missing, damaged or not ours.
    public init(directory: String, split: String) throws(Fault) {
        let description = try DataSetDescription(directory: directory)
        guard let summary = description.splits[split] else {
            throw Fault(
                .data, directory, "has no split '\(split)'", mend: advice(for: split, among: description.splits.keys))
        }
        self.directory = directory
        self.split = split
        classes = description.classes
        let folder = directory + "/" + split
        let manifest = try Self.readManifest(folder + "/" + Manifest.fileName, summary.manifest)
        records = manifest.records
        digest = records.setDigest
        guard digest == summary.digest, records.allSatisfy({ [count = classes.count] in $0.label < count }) else {
            throw Fault(.data, folder, "does not hold what \(DataSetDescription.fileName) says", mend: "pack it again")
        }
        var shards: [LMDBEnvironment] = []
        for shard in manifest.shards { shards.append(try Self.open(shard, folder)) }
        self.shards = shards
    }

    /// Gives the encoded video of the clip at `rank` to `body`, in place in the mapped shard.
    /// - Throws: a data `Fault` when its digest is wrong, which is an error of the disk and not of the video; what
    ///   `body` throws.
    public func withVideo<Result>(at rank: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let record = records[rank]
        let shard = shards[record.shard]
        return try shard.read { transaction in
            guard let bytes = try transaction.value(of: record.digest.bytes) else {
                throw Fault(.data, shard.path, "lacks the video of '\(record.name)'", mend: "copy the shard again")
            }
            guard bytes.count == record.byteCount, Digest(of: bytes) == record.digest else {
                throw Fault(
                    .data, shard.path, "the video of '\(record.name)' has a wrong digest", mend: "copy the shard again")
            }
            return try body(bytes)
        }
    }

    private static func readManifest(_ path: String, _ expected: Digest) throws(Fault) -> Manifest {
        let bytes: [UInt8]
        do throws(Fault) { bytes = try readWhole(path, limit: 8 << 30) } catch {
            throw Fault(.data, error.thing, error.reason, mend: "pack the set again")
        }
        guard Digest(of: bytes) == expected else {
            throw Fault(
                .data, path, "is not the manifest that \(DataSetDescription.fileName) names", mend: "pack the set again"
            )
        }
        return try Manifest(text: String(decoding: bytes, as: UTF8.self), path: path)
    }

    private static func open(_ shard: Manifest.Shard, _ folder: String) throws(Fault) -> LMDBEnvironment {
        let path = folder + "/" + shard.file
        let size = try fileSize(path)
        guard size == shard.byteCount else {
            throw Fault(.data, path, "has \(size) bytes and should have \(shard.byteCount)", mend: "copy it again")
        }
        if size <= verifiedWhole {
            guard try fileDigest(path) == shard.digest else {
                throw Fault(.data, path, "has a wrong digest", mend: "copy it again")
            }
        }
        return try LMDBEnvironment(sealed: path)
    }
}

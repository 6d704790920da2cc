import Faults
import Storage

/// Where the shards of a set are. Any number of threads may ask at once.
protocol ShardSource: Sendable {
    /// Gives the opened shard to `body`; waits for it where it has to come from elsewhere first. When `body` throws a
    /// `DamagedRecord`, it is given another copy, as long as there is one.
    /// - Throws: a `Fault` when it cannot be had; what `body` throws.
    func withShard<Result>(_ number: Int, _ body: (LMDBEnvironment) throws -> Result) throws -> Result

    /// The file of a shard, where there is one here that is not known to be damaged.
    func path(_ number: Int) -> String?
}

/// A record that is not what the manifest says: the shard's copy is damaged.
struct DamagedRecord: Error {
    let fault: Fault

    init(_ path: String, _ reason: String) { fault = Fault(.data, path, reason, mend: "copy the shard again") }
}

/// The shards in a data set's folder, all opened at once.
struct FolderShards: ShardSource {
    private let shards: [LMDBEnvironment]

    /// Shards up to this size are compared with their digests when they are opened; of the larger ones only the length
    /// is, and each video's digest whenever it is read.
    private static let verifiedWhole = 64 << 20

    /// - Throws: a data `Fault` for the first that is missing or damaged.
    init(_ shards: [Manifest.Shard], folder: String) throws(Fault) {
        var opened: [LMDBEnvironment] = []
        for shard in shards { opened.append(try Self.open(shard, folder)) }
        self.shards = opened
    }

    func withShard<Result>(_ number: Int, _ body: (LMDBEnvironment) throws -> Result) throws -> Result {
        try body(shards[number])
    }

    func path(_ number: Int) -> String? { shards[number].path }

    static func open(_ shard: Manifest.Shard, _ folder: String) throws(Fault) -> LMDBEnvironment {
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

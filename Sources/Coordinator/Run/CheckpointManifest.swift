import Faults
import FoundationEssentials
import Storage
import Wire

/// `manifest.json` of a checkpoint: written last, so that a checkpoint without it is none.
struct CheckpointManifest: Codable, Equatable {
    /// Of this file's layout.
    var format = 1
    /// Steps that the state has seen.
    var version: Int
    /// The run's number, in hexadecimal.
    var run: String
    /// The generation that wrote it.
    var generation: UInt64
    /// `ChunkPlan.digest`, in hexadecimal.
    var plan: String
    /// `ChunkState.digest` of each chunk, in hexadecimal.
    var chunks: [String]
    /// SHA-256 of the heads of `CheckpointLayout.files`; absent in checkpoints of release 0.1.0.
    var heads: [String]?
    /// SHA-256 of everything above, so that damage here is not taken for damage elsewhere; absent like `heads`.
    var digest: String?

    func write(to path: String) throws(Fault) {
        let bytes = try withFaults(path) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return Array(try encoder.encode(self))
        }
        try writeWhole(bytes + [10], to: path)
    }

    /// - Throws: `Fault.data` when it is not what was written.
    init(reading path: String) throws(Fault) {
        let bytes = try readWhole(path, limit: 64 << 20)
        do { self = try JSONDecoder().decode(CheckpointManifest.self, from: Data(bytes)) } catch {
            throw Fault(.data, path, "is not the manifest of a checkpoint")
        }
        guard format == 1 else { throw Fault(.data, path, "has format \(format), this release reads 1") }
        let isComplete =
            heads.map { _ in digest == ownDigest } ?? (digest == nil)
        guard isComplete else { throw Fault(.data, path, "does not have the digest it was written with") }
    }

    init(version: Int, run: UInt64, generation: UInt64, plan: UInt64, chunks: [UInt64], heads: [String]) {
        self.version = version
        self.run = String(run, radix: 16)
        self.generation = generation
        self.plan = String(plan, radix: 16)
        self.chunks = chunks.map { String($0, radix: 16) }
        self.heads = heads
        digest = ownDigest
    }

    private var ownDigest: String {
        let lines = ["\(format)", "\(version)", run, "\(generation)", plan] + chunks + (heads ?? [])
        return "\(Digest(of: Array(lines.joined(separator: "\n").utf8)))"
    }
}

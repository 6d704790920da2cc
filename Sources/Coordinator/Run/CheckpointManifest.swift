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

    func write(to path: String) throws(Fault) {
        let bytes = try withFaults(path) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return Array(try encoder.encode(self))
        }
        try writeWhole(bytes + [10], to: path)
    }

    init(reading path: String) throws(Fault) {
        let bytes = try readWhole(path, limit: 64 << 20)
        do { self = try JSONDecoder().decode(CheckpointManifest.self, from: Data(bytes)) } catch {
            throw Fault(.data, path, "is not the manifest of a checkpoint")
        }
        guard format == 1 else { throw Fault(.data, path, "has format \(format), this release reads 1") }
    }

    init(version: Int, run: UInt64, generation: UInt64, plan: UInt64, chunks: [UInt64]) {
        self.version = version
        self.run = String(run, radix: 16)
        self.generation = generation
        self.plan = String(plan, radix: 16)
        self.chunks = chunks.map { String($0, radix: 16) }
    }
}

import Checkpoints
import Faults
import Storage
import TestSupport

/// A reader and the valid files that its inputs are made of.
public struct FuzzedReader: Sendable, CustomStringConvertible {
    public let name: String
    private let number: Int
    /// Whether there are files that it reads: of strangers it says what they are.
    public var reads: Bool { name != "stranger" }
    private let seeds: [[UInt8]]
    /// What stands in zip files, or what to put into gzip.
    private let inner: [[UInt8]]

    public var description: String { name }

    /// All readers, over the files of `Tests/Checkpoints/Fixtures`.
    public static func all() throws -> [FuzzedReader] {
        let folder = sourceTree + "/Tests/Checkpoints/Fixtures/"
        let prefixes = ["caffe2", "minidb", "torch-zip", "torch-legacy", "model", "gzip", "stranger"]
        let files = try directoryNames(folder).filter { file in prefixes.contains { file.hasPrefix($0) } }
        return try prefixes.enumerated().map { number, prefix in
            let seeds = try files.filter { $0.hasPrefix(prefix) }.map { try readWhole(folder + $0) }
            let inner =
                prefix == "gzip"
                ? try files.filter { !$0.hasPrefix("gzip") && !$0.hasPrefix("stranger") }.map {
                    try readWhole(folder + $0)
                }
                : seeds.flatMap { Containers.entries($0)?.map(\.content) ?? [] }
            return FuzzedReader(name: prefix, number: number, seeds: seeds, inner: inner)
        }
    }

    /// Input number `index`, the same for the same seed.
    public func input(_ index: Int, seed: UInt64) -> [UInt8] {
        var generator = Generator(seed: seed, reader: number, input: index)
        let base = generator.element(seeds)
        // Half of the containers are packed anew around a changed content: checksums would stop everything else.
        guard generator.below(2) == 0 else { return Mutator.mutated(base, seeds, &generator) }
        switch name {
        case "gzip":
            return Containers.gzip(Mutator.mutated(generator.element(inner), inner, &generator))
        case "torch-zip":
            guard var entries = Containers.entries(base), !entries.isEmpty else { return base }
            // The pickle comes first, and most depends on it.
            let index = generator.below(3) > 0 ? 0 : generator.below(entries.count)
            entries[index].content = Mutator.mutated(entries[index].content, inner, &generator)
            if generator.below(8) == 0 { entries.remove(at: generator.below(entries.count)) }
            return Containers.zip(entries)
        default: return Mutator.mutated(base, seeds, &generator)
        }
    }

    /// How a reader took an input.
    public enum Verdict: Equatable, Sendable {
        case read
        case refused
        /// Not as it should be: why.
        case wrong(String)
    }

    /// Reads one input and judges what came of it.
    public func verdict(_ bytes: [UInt8]) -> Verdict {
        do throws(Fault) {
            let checkpoint = try Checkpoint.read(bytes, path: "fuzzed")
            var total = 0
            for tensor in checkpoint.tensors {
                let stored = StoredTensor(name: tensor.name, type: tensor.elementType, shape: tensor.shape)
                guard stored.byteCount == tensor.bytes.count else {
                    return .wrong("\(stored) has \(tensor.bytes.count) bytes")
                }
                total += tensor.bytes.count
                do throws(Fault) { _ = try tensor.floats() } catch  where error.thing != tensor.name {
                    return .wrong("\(error)")
                } catch {}
            }
            // The bounds of docs/formats.md: gzip's growth, and what a file may name several times.
            let content = checkpoint.isCompressed ? 32 * bytes.count + 16 << 20 : bytes.count
            guard total <= 4 * content + 1 << 20 else { return .wrong("\(total) bytes of tensors from \(bytes.count)") }
            return .read
        } catch {
            guard error.code == .data, error.thing == "fuzzed", error.reason.contains("byte"), !error.mend.isEmpty
            else {
                return .wrong("a fault without file, byte, reason or mend: \(error)")
            }
            return .refused
        }
    }
}

import Checkpoints
public import Faults
import Storage
import Training
package import Wire

/// The checkpoints of a run: `checkpoints/step-N/`, each whole or not there.
///
///     model.safetensors   weights and running statistics
///     state.safetensors   the optimizer's other slots
///     ledger/             the ledger up to the step
///     manifest.json       what it is, with a digest for every chunk
///
/// Chunks are written as they arrive, at their places; nothing is held. One thread.
public final class CheckpointStore {
    private let run: String
    private let runNumber: UInt64
    private let generation: UInt64
    private let layout: CheckpointLayout
    private let kept: Int
    private let pool: PayloadPool
    private var writing: CheckpointWriter?
    private var reading: (version: Int, reader: CheckpointReader)?

    /// - Parameter kept: How many of the newest stay when another is complete.
    public init(_ directory: RunDirectory, layout: CheckpointLayout, kept: Int = 3) throws(Fault) {
        run = directory.path
        runNumber = directory.run
        generation = directory.generation
        self.layout = layout
        self.kept = max(1, kept)
        pool = PayloadPool()
        try makeDirectories(run + "/checkpoints")
    }

    /// Where a version's checkpoint lies.
    public static func path(run: String, version: Int) -> String { run + "/checkpoints/step-\(version)" }

    /// The versions of which there is a checkpoint, ascending.
    public static func versions(run: String) throws(Fault) -> [Int] {
        let directory = run + "/checkpoints"
        guard pathExists(directory) else { return [] }
        return try directoryNames(directory).compactMap { name in
            name.hasPrefix("step-") ? Int(name.dropFirst(5)) : nil
        }.sorted()
    }

    /// The newest checkpoint whose every byte is as it was written and that the ledger reaches; 0 when there is none.
    ///
    /// - Parameters:
    ///   - limit: Steps in the ledger.
    ///   - skipped: What is wrong with the newer ones.
    /// - Throws: `Fault` for a checkpoint of another model or another run.
    public func newest(limit: Int, skipped: (_ version: Int, Fault) -> Void) throws(Fault) -> Int {
        for version in try Self.versions(run: run).reversed() {
            let path = Self.path(run: run, version: version)
            do throws(Fault) {
                guard version <= limit else {
                    throw Fault(.data, path, "the ledger ends before it, at step \(limit)")
                }
                reading = (version, try checkWhole(path, version: version))
                return version
            } catch {
                // What is whole but not this run's was put there by somebody: not to be passed over.
                if error.code == .usage, error.thing == path { throw error }
                skipped(version, error)
            }
        }
        return 0
    }

    /// Opens `step-V.tmp`; what was being written is dropped.
    package func begin(version: Int) throws(Fault) {
        writing = nil
        writing = try CheckpointWriter(Self.path(run: run, version: version), version: version, layout)
    }

    /// Writes a chunk at its place. Without a checkpoint under way (it has failed) nothing happens.
    package func write(_ state: ChunkState) throws(Fault) {
        guard let writing, writing.version == state.version else { return }
        do throws(Fault) { try writing.write(state) } catch {
            self.writing = nil
            throw error
        }
    }

    /// Makes it whole, gives it its name, and removes the oldest.
    package func complete(version: Int, ledger: [LedgerRecord]) throws(Fault) {
        guard let writer = writing, writer.version == version else {
            throw Fault(.internal, Self.path(run: run, version: version), "was not being written")
        }
        writing = nil
        try RunDirectory.check(generation: generation, in: run)
        try writer.finish(run: runNumber, generation: generation, ledger: ledger)
        // Step 0 is there only where training began from a file, which may be gone by now.
        for old in try Self.versions(run: run).dropLast(kept) where old != reading?.version && old != 0 {
            try removeTree(Self.path(run: run, version: old))
        }
    }

    package func abandon() { writing = nil }

    /// Makes sure that the state before the first step is there as a checkpoint, whole: for runs that do not begin from the
    /// seed alone.
    ///
    /// - Parameter state: Asked for when it is not there yet, or damaged.
    func ensureInitial(_ state: () throws(Fault) -> InitialState) throws(Fault) {
        if reading?.version == 0 { return }
        let path = Self.path(run: run, version: 0)
        if pathExists(path) {
            do throws(Fault) {
                _ = try checkWhole(path, version: 0)
                return
            } catch {
                // Damaged, it is made anew; what is somebody else's stays.
                if error.code == .usage { throw error }
            }
        }
        let initial = try state()
        try begin(version: 0)
        for chunk in layout.plan.chunks { try write(initial.state(of: chunk, pool)) }
        try complete(version: 0, ledger: [])
    }

    /// Reads every byte.
    private func checkWhole(_ path: String, version: Int) throws(Fault) -> CheckpointReader {
        let reader = try CheckpointReader(path, version: version, layout)
        guard reader.manifest.run == String(runNumber, radix: 16) else {
            throw Fault(.usage, path, "belongs to another run", mend: "move it out of the run's directory")
        }
        for chunk in layout.plan.chunks { _ = try reader.state(of: chunk.number, pool) }
        return reader
    }

    /// A chunk out of a whole checkpoint, its digest checked.
    package func read(version: Int, chunk: Int) throws(Fault) -> ChunkState {
        if let reading, reading.version == version { return try reading.reader.state(of: chunk, pool) }
        let reader = try CheckpointReader(Self.path(run: run, version: version), version: version, layout)
        reading = (version, reader)
        return try reader.state(of: chunk, pool)
    }

    /// SHA-256 over the f32 weights and running statistics of a version in name order, little endian, in hexadecimal.
    public static func weightsSHA256(run: String, version: Int) throws(Fault) -> String {
        let file = try SafetensorsFile(path(run: run, version: version) + "/model.safetensors")
        var hasher = Digest.Hasher()
        for tensor in file.tensors.sorted(by: { $0.name < $1.name }) where tensor.type == .f32 {
            let values = try file.floats(tensor.name)
            values.withUnsafeBytes { hasher.update($0) }
        }
        return hasher.finish().description
    }
}

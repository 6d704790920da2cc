import Checkpoints
public import Faults
import Storage
import Training
package import Wire

/// The checkpoints of a run: `checkpoints/step-N/`, each whole or not there.
///
///     model.safetensors   weights and running statistics
///     state.safetensors   the optimizer's other slots
///     average.safetensors the moving average of the model, if the recipe asks for one
///     ledger/             the ledger up to the step
///     manifest.json       what it is, with a digest for every chunk
///
/// Chunks are written as they arrive, at their places; nothing is held. One thread.
public final class CheckpointStore {
    private let run: String
    private let runNumber: UInt64
    private let fence: RunFence
    private let layout: CheckpointLayout
    private let retention: CheckpointRetention
    private let pool: PayloadPool
    private let remove: (String) throws(Fault) -> Void
    /// Found not to be whole.
    private var damaged: Set<Int> = []
    private var writing: CheckpointWriter?
    private var reading: (version: Int, reader: CheckpointReader)?

    /// What earlier coordinators left unfinished is removed.
    ///
    /// - Parameter retention: Which stay when another is complete.
    public convenience init(
        _ directory: RunDirectory, layout: CheckpointLayout, retention: CheckpointRetention = CheckpointRetention()
    ) throws(Fault) {
        try self.init(directory, layout: layout, retention: retention, remove: removeTree)
    }

    /// - Parameter remove: Removes an old one, whose path it is given.
    package init(
        _ directory: RunDirectory, layout: CheckpointLayout, retention: CheckpointRetention,
        remove: @escaping (String) throws(Fault) -> Void
    ) throws(Fault) {
        self.remove = remove
        run = directory.path
        runNumber = directory.run
        fence = directory.fence
        self.layout = layout
        self.retention = retention
        pool = PayloadPool()
        try makeDirectories(run + "/checkpoints")
        try fence.check()
        _ = try StagedDirectory.clear(run + "/checkpoints")
    }

    /// Where a version's checkpoint lies.
    public static func path(run: String, version: Int) -> String { run + "/checkpoints/step-\(version)" }

    /// The versions of which there is a checkpoint, ascending.
    public static func versions(run: String) throws(Fault) -> [Int] {
        let directory = run + "/checkpoints"
        guard pathExists(directory) else { return [] }
        return try directoryNames(directory).compactMap { name in
            guard name.hasPrefix("step-"), let version = Int(name.dropFirst(5)), version >= 0 else { return nil }
            return name == "step-\(version)" ? version : nil
        }.sorted()
    }

    /// The newest checkpoint whose every byte is as it was written; 0 when there is none.
    ///
    /// - Parameters:
    ///   - limit: Those of later steps are passed over.
    ///   - skipped: What is wrong with the newer ones.
    /// - Throws: `Fault` for a checkpoint of another model or another run.
    public func newest(limit: Int = .max, skipped: (_ version: Int, Fault) -> Void) throws(Fault) -> Int {
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
                damaged.insert(version)
                skipped(version, error)
            }
        }
        return 0
    }

    /// Opens `step-V.tmp`; what was being written is dropped.
    package func begin(version: Int) throws(Fault) {
        writing = nil
        writing = try CheckpointWriter(
            Self.path(run: run, version: version), version: version, layout, generation: fence.generation)
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
    /// - Returns: Why some of those are still there, which costs room and not the new one.
    @discardableResult
    package func complete(version: Int, ledger: [LedgerRecord]) throws(Fault) -> [Fault] {
        guard let writer = writing, writer.version == version else {
            throw Fault(.internal, Self.path(run: run, version: version), "was not being written")
        }
        writing = nil
        try writer.finish(run: runNumber, generation: fence.generation, ledger: ledger) { () throws(Fault) in
            try fence.check()
        }
        damaged.remove(version)
        return removeSuperfluous(completed: version)
    }

    private func removeSuperfluous(completed version: Int) -> [Fault] {
        let versions: [Int]
        do throws(Fault) { versions = try Self.versions(run: run) } catch { return [error] }
        // Everybody may just be going back to the one before, and fetch it from here.
        let before = versions.last { $0 < version }
        var left: [Fault] = []
        for old in retention.superfluous(among: versions, completed: version, damaged: damaged)
        where old != before || old != reading?.version {
            if old == reading?.version { reading = nil }
            do throws(Fault) { try remove(Self.path(run: run, version: old)) } catch {
                // Part of it may be gone.
                damaged.insert(old)
                left.append(error)
            }
        }
        return left
    }

    /// The records of the steps before a checkpoint, out of its own copy of the ledger.
    func ledger(of version: Int) throws(Fault) -> [LedgerRecord] {
        try CheckpointReader.ledger(Self.path(run: run, version: version), version: version)
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

    private func checkWhole(_ path: String, version: Int) throws(Fault) -> CheckpointReader {
        try Self.checkWhole(path, version: version, layout, run: runNumber, pool)
    }

    /// Reads every byte.
    private static func checkWhole(
        _ path: String, version: Int, _ layout: CheckpointLayout, run: UInt64?, _ pool: PayloadPool
    ) throws(Fault) -> CheckpointReader {
        let reader = try CheckpointReader(path, version: version, layout)
        guard run == nil || reader.manifest.run == run.map({ String($0, radix: 16) }) else {
            throw Fault(.usage, path, "belongs to another run", mend: "move it out of the run's directory")
        }
        for chunk in layout.plan.chunks { _ = try reader.state(of: chunk.number, pool) }
        _ = try CheckpointReader.ledger(path, version: version)
        return reader
    }

    /// A chunk out of a whole checkpoint, its digest checked.
    package func read(version: Int, chunk: Int) throws(Fault) -> ChunkState {
        if let reading, reading.version == version { return try reading.reader.state(of: chunk, pool) }
        let reader = try CheckpointReader(Self.path(run: run, version: version), version: version, layout)
        reading = (version, reader)
        return try reader.state(of: chunk, pool)
    }

    /// The newest whole checkpoint of a run that others may be writing: reads only, without the lock.
    ///
    /// - Parameter skipped: What is wrong with the newer ones.
    /// - Returns: `nil` when there is none.
    /// - Throws: `Fault` for a checkpoint of another model or another run.
    public static func newestWhole(
        run: String, layout: CheckpointLayout, skipped: (_ version: Int, Fault) -> Void
    ) throws(Fault) -> Int? {
        let number = try GenerationFile(reading: run)?.run
        for version in try versions(run: run).reversed() {
            do throws(Fault) {
                _ = try checkWhole(
                    path(run: run, version: version), version: version, layout, run: number, PayloadPool())
                return version
            } catch {
                if error.code == .usage, error.thing == path(run: run, version: version) { throw error }
                skipped(version, error)
            }
        }
        return nil
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

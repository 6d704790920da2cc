import Checkpoints
import Coordinator
import Faults
import Glibc
import Storage
import Training
import Wire

/// A run of a model with a handful of parameters, made on disk without any training.
enum SmallRun {
    static let plan = ChunkPlan(
        parameters: [.init(count: 150), .init(count: 9)],
        statistics: [.init(channels: 5, retention: 0.9, varianceScale: 1.25)], limit: 256)
    static let clipsPerStep = 12
    private static let pool = PayloadPool()

    static func layout() throws -> CheckpointLayout {
        try CheckpointLayout(
            plan: plan,
            parameters: [
                StoredTensor(name: "a", type: .f32, shape: [150]), StoredTensor(name: "b", type: .f32, shape: [9]),
            ], statistics: [.init(mean: "n.mean", variance: "n.variance")], metadata: ["model": "small"])
    }

    static func record(_ step: Int, generation: UInt64 = 1) -> LedgerRecord {
        LedgerRecord(
            outcome: StepOutcome(
                step: step, firstPosition: UInt64(clipsPerStep * step), clips: clipsPerStep, loss: 1 / Double(step + 1),
                correct: 3, gradientNorm: 1, gradientDigest: UInt64(step), rate: 0.1, coefficient: 1, skipped: false,
                substitutes: []),
            generation: generation, map: 1, workers: 2, seconds: 0.5)
    }

    static func records(_ steps: Range<Int>) -> [LedgerRecord] { steps.map { record($0) } }

    /// A chunk's state at a version: bytes that say whose they are.
    static func state(_ chunk: Chunk, version: Int) -> ChunkState {
        let slots = (0..<chunk.slots).map { slot in
            pool.payload(
                copying: (0..<chunk.elements).map {
                    Float(version * 1000 + chunk.number * 10 + slot) + Float($0) / 4096
                })
        }
        return ChunkState(
            chunk: chunk.number, version: version, slots: slots, digest: combinedDigest(slots.map { $0.checksum() }))
    }

    static func store(
        _ directory: RunDirectory, _ retention: CheckpointRetention = CheckpointRetention()
    ) throws -> CheckpointStore {
        try CheckpointStore(directory, layout: try layout(), retention: retention)
    }

    /// - Returns: What could not be removed for it.
    @discardableResult
    static func write(_ store: CheckpointStore, version: Int) throws -> [Fault] {
        try store.begin(version: version)
        for chunk in plan.chunks { try store.write(state(chunk, version: version)) }
        return try store.complete(version: version, ledger: records(0..<version))
    }

    /// A run folder with a ledger of `steps` steps and checkpoints of `versions`, nobody holding it.
    static func make(_ path: String, steps: Int, checkpoints versions: [Int]) throws {
        let directory = try RunDirectory(path)
        let ledger = try StepLedger(directory)
        for step in 0..<steps { try ledger.append(record(step)) }
        let store = try store(directory, CheckpointRetention(newest: 1000))
        for version in versions { try write(store, version: version) }
    }
}

/// Turns one bit of a file around, in place; a second time it is as before.
func flip(_ path: String, at offset: Int, bit: UInt8 = 0) throws {
    let file = open(path, O_RDWR)
    defer { close(file) }
    var byte: UInt8 = 0
    guard pread(file, &byte, 1, off_t(offset)) == 1 else { throw Fault(.internal, path, "has no byte \(offset)") }
    byte ^= 1 << bit
    guard pwrite(file, &byte, 1, off_t(offset)) == 1 else { throw Fault(.internal, path, "cannot be written") }
}

/// Every file below a directory.
func files(below path: String) throws -> [String] {
    try directoryNames(path).flatMap { name -> [String] in
        let path = path + "/" + name
        if let names = try? files(below: path) { return names }
        return [path]
    }
}

/// A copy of a directory and everything below it.
func copy(_ source: String, to target: String) throws {
    try makeDirectories(target)
    for file in try files(below: source) {
        let copy = target + file.dropFirst(source.count)
        try makeDirectories(String(copy[..<(copy.lastIndex(of: "/") ?? copy.endIndex)]))
        try writeWhole(try readWhole(file), to: copy)
    }
}

import Checkpoints
import Coordinator
import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Training
import Wire

@Suite("The run directory")
struct RunDirectoryTests {
    private let pool = PayloadPool()

    private func record(_ step: Int) -> LedgerRecord {
        LedgerRecord(
            outcome: StepOutcome(
                step: step, firstPosition: UInt64(12 * step), clips: 12, loss: 1 / Double(step + 1), correct: 3,
                gradientNorm: 1, gradientDigest: UInt64(step), rate: 0.1, coefficient: 1, skipped: false,
                substitutes: []),
            generation: 1, map: 1, workers: 2, seconds: 0.5)
    }

    /// A chunk's state at a version: bytes that say whose they are.
    private func state(_ chunk: Chunk, version: Int) -> ChunkState {
        let slots = (0..<chunk.slots).map { slot in
            pool.payload(
                copying: (0..<chunk.elements).map {
                    Float(version * 1000 + chunk.number * 10 + slot) + Float($0) / 4096
                })
        }
        return ChunkState(
            chunk: chunk.number, version: version, slots: slots, digest: combinedDigest(slots.map { $0.checksum() }))
    }

    /// Writes a whole checkpoint, its chunks in an order of their own.
    private func write(_ store: CheckpointStore, version: Int) throws {
        try store.begin(version: version)
        for chunk in Toy.plan.chunks.sorted(by: { $0.number * 7 % 11 < $1.number * 7 % 11 }) {
            try store.write(state(chunk, version: version))
        }
        try store.complete(version: version, ledger: (0..<version).map(record))
    }

    @Test("Generations rise, the run keeps its number, the lock holds until the directory goes")
    func generations() throws {
        try withTemporaryFolder { path in
            var numbers: Set<UInt64> = []
            for generation in 1...3 as ClosedRange<UInt64> {
                let directory = try RunDirectory(path + "/run")
                #expect(directory.generation == generation)
                numbers.insert(directory.run)
                #expect(throws: Fault.self) { try RunDirectory(path + "/run") }
                try directory.write(recipe: "a = \(generation)\n")
                try directory.write(endpoint: "tcp://127.0.0.1:\(generation)")
                #expect(try directory.recipe() == "a = \(generation)\n")
            }
            #expect(numbers.count == 1)
            #expect(try RunDirectory.endpoint(of: path + "/run") == "tcp://127.0.0.1:3")
            try writeWhole("what is this", to: path + "/run/generation")
            let fault = #expect(throws: Fault.self) { try RunDirectory(path + "/run") }
            #expect(fault?.code == .data)
        }
    }

    @Test("The ledger takes the next step only, and nothing once a later generation has begun")
    func ledger() throws {
        try withTemporaryFolder { run in
            let directory = try RunDirectory(run)
            let ledger = try StepLedger(directory)
            for step in 0..<3 { try ledger.append(record(step)) }
            #expect(throws: Fault.self) { try ledger.append(record(2)) }
            #expect(throws: Fault.self) { try ledger.append(record(4)) }
            #expect(try StepLedger.read(run: run) == (0..<3).map(record))
            try writeWhole("generation 2\nrun 1\n", to: run + "/generation")
            let fenced = #expect(throws: Fault.self) { try ledger.append(record(3)) }
            #expect(fenced?.code == .internal)
            #expect(try StepLedger.read(run: run).count == 3)
        }
    }

    /// The same command would end in the same way: nobody is to run it again and again.
    @Test("Workers that may not join, as of another build than the ledger's, give a training their code and not 75")
    func workersOfAnotherBuild() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            var first = record(0)
            first.computedWith = [Fingerprint(name: "versions", value: "of other libraries")]
            do { try StepLedger(try RunDirectory(run)).append(first) }
            let training = try Program.start(MotionRun.arguments(run: run, workers: 2)).wait()
            #expect(training.status == 64, "\(training.errors)")
            #expect(training.errors.contains("versions differs: the run's ledger has of other libraries, worker-"))
            #expect(training.errors.contains("none of its workers can take part"), "\(training.errors)")
        }
    }

    @Test("A checkpoint comes back to the bit, with names and shapes, and the oldest are removed")
    func checkpoints() throws {
        try withTemporaryFolder { run in
            let directory = try RunDirectory(run)
            let store = try CheckpointStore(directory, layout: try Toy.layout())
            for version in [2, 4, 6, 8] { try write(store, version: version) }
            #expect(try CheckpointStore.versions(run: run) == [4, 6, 8])
            for version in [8, 4] {
                for chunk in Toy.plan.chunks {
                    let read = try store.read(version: version, chunk: chunk.number)
                    let wanted = state(chunk, version: version)
                    #expect(read.digest == wanted.digest)
                    #expect(
                        read.slots.map { $0.array(of: Float.self) } == wanted.slots.map { $0.array(of: Float.self) })
                }
            }
            let path = CheckpointStore.path(run: run, version: 8)
            let model = try SafetensorsFile(path + "/model.safetensors")
            #expect(model.metadata == ["model": "toy", "step": "8"])
            #expect(
                Set(model.tensors.map(\.name)) == [
                    "p0", "p1", "p2", "p3", "bn0.mean", "bn0.variance", "bn1.mean", "bn1.variance",
                ])
            #expect(try model.floats("p1", shape: [33]).count == 33)
            var steps: [Int] = []
            try AppendOnlyLog.read(directory: path + "/ledger") {
                steps.append(try LedgerRecord(decoding: $0).outcome.step)
            }
            #expect(steps == Array(0..<8))
        }
    }

    @Test(
        "A checkpoint that is damaged, not whole, or ahead of the ledger is passed over for an older one",
        arguments: 0..<7)
    func damage(kind: Int) throws {
        try withTemporaryFolder { run in
            let directory = try RunDirectory(run)
            let writer = try CheckpointStore(directory, layout: try Toy.layout())
            for version in [3, 5] { try write(writer, version: version) }
            let newest = CheckpointStore.path(run: run, version: 5)
            var limit = 9
            switch kind {
            case 0: try removeTree(newest + "/manifest.json")
            case 1: try removeTree(newest + "/state.safetensors")
            case 2: try flip(newest + "/model.safetensors", fromEnd: 100)
            case 3: try flip(newest + "/state.safetensors", fromEnd: 1)
            case 4:
                try writeWhole(
                    Array(try readWhole(newest + "/model.safetensors").dropLast(4)), to: newest + "/model.safetensors")
            case 5: try flip(newest + "/manifest.json", fromEnd: 20)
            default: limit = 4
            }
            var skipped: [Int] = []
            let store = try CheckpointStore(directory, layout: try Toy.layout())
            #expect(try store.newest(limit: limit) { version, _ in skipped.append(version) } == 3)
            #expect(skipped == [5])
            #expect(try store.newest(limit: 2) { _, _ in } == 0)
        }
    }

    private func flip(_ path: String, fromEnd: Int) throws {
        var bytes = try readWhole(path)
        bytes[bytes.count - fromEnd] ^= 1
        try writeWhole(bytes, to: path)
    }

    @Test("A checkpoint of another model or of another run is a fault")
    func strangers() throws {
        try withTemporaryFolder { path in
            let directory = try RunDirectory(path + "/a")
            try write(try CheckpointStore(directory, layout: try Toy.layout()), version: 3)
            let other = try CheckpointLayout(
                plan: ChunkPlan(parameters: [.init(count: 9)], statistics: []),
                parameters: [StoredTensor(name: "w", type: .f32, shape: [3, 3])], statistics: [])
            let model = #expect(throws: Fault.self) {
                try CheckpointStore(directory, layout: other).newest(limit: 9) { _, _ in }
            }
            #expect(model?.reason == "is a checkpoint of another model")
            let second = try RunDirectory(path + "/b")
            let store = try CheckpointStore(second, layout: try Toy.layout())
            try makeDirectories(path + "/b/checkpoints/step-3/ledger")
            for file in ["model.safetensors", "state.safetensors", "manifest.json"] {
                try writeWhole(
                    try readWhole(path + "/a/checkpoints/step-3/" + file), to: path + "/b/checkpoints/step-3/" + file)
            }
            let run = #expect(throws: Fault.self) { try store.newest(limit: 9) { _, _ in } }
            #expect(run?.reason == "belongs to another run")
        }
    }

    @Test("An unfinished checkpoint leaves nothing; chunks missing, damaged or of another size are refused")
    func unfinished() throws {
        try withTemporaryFolder { run in
            let directory = try RunDirectory(run)
            let store = try CheckpointStore(directory, layout: try Toy.layout())
            let chunks = Toy.plan.chunks
            try store.begin(version: 1)
            for chunk in chunks.dropLast() { try store.write(state(chunk, version: 1)) }
            let missing = #expect(throws: Fault.self) { try store.complete(version: 1, ledger: [record(0)]) }
            #expect(missing?.reason == "1 chunks were never written")
            #expect(try directoryNames(run + "/checkpoints").isEmpty)
            var wrong = state(chunks[0], version: 1)
            wrong.digest ^= 1
            let small = ChunkState(
                chunk: 0, version: 1, slots: state(chunks[1], version: 1).slots.dropLast(), digest: 0)
            for bad in [wrong, small, ChunkState(chunk: 9999, version: 1, slots: [], digest: 0)] {
                try store.begin(version: 1)
                #expect(throws: Fault.self) { try store.write(bad) }
                #expect(try directoryNames(run + "/checkpoints").isEmpty)
            }
            try store.begin(version: 1)
            try store.write(state(chunks[0], version: 1))
            store.abandon()
            #expect(try directoryNames(run + "/checkpoints").isEmpty)
        }
    }
}

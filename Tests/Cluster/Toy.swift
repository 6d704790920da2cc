import Checkpoints
import Coordinator
import Dispatch
import Faults
import Protocol
import Randomness
import Synchronization
import Training
import Wire
import Worker

/// A model with next to no arithmetic: gradients are a pure function of weights, step and unit that no sum can fake.
///
/// Each gradient element mixes a weight of its own parameter with a random number of (step, unit), so a stale weight, a
/// unit left out or counted twice, or sums in another order change the bits of the result.
enum Toy {
    static let counts = [700, 33, 1, 1500]
    static let channels = [5, 2]
    static let units = 6
    static let seed: UInt64 = 4

    /// The layer that stays as it is, with a parameter that does.
    static let frozenLayer = 1
    static let frozenParameter = 1

    static let plan = ChunkPlan(
        parameters: counts.enumerated().map {
            ChunkPlan.Parameter(
                count: $1, weightDecay: $1 != 33 ? 0.01 : 0, isFrozen: $0 == frozenParameter, rate: $0 == 0 ? 0.5 : 1)
        },
        statistics: channels.enumerated().map {
            ChunkPlan.Statistics(channels: $1, retention: 0.9, varianceScale: 1.25, isFrozen: $0 == frozenLayer)
        }, limit: 256)

    static func layout() throws -> CheckpointLayout {
        try CheckpointLayout(
            plan: plan,
            parameters: counts.enumerated().map { StoredTensor(name: "p\($0)", type: .f32, shape: [$1]) },
            statistics: channels.indices.map { .init(mean: "bn\($0).mean", variance: "bn\($0).variance") },
            metadata: ["model": "toy"])
    }

    static func settings(steps: Int, workers: Int, checkpointEvery: Int, timing: ClusterTiming) -> CoordinatorSettings {
        CoordinatorSettings(
            welcome: Welcome(generation: 0, run: 0, recipe: "toy", data: "", instructionSet: "toy"),
            schedule: StepSchedule(
                units: units, clipsPerUnit: 2, steps: steps,
                rate: LearningRate(highest: 0.05, kind: .cosine(), steps: steps, stepsPerEpoch: 5)),
            clipNorm: 2, plan: plan,
            fingerprints: [Fingerprint(name: "plan", value: String(plan.digest, radix: 16))],
            checkpointEverySteps: checkpointEvery, expectedWorkers: workers, startPatience: 20,
            bytesMovedPerStep: 6000, timing: timing)
    }

    static func initialWeights(_ chunk: Chunk, _ values: UnsafeMutableBufferPointer<Float>) {
        switch chunk.content {
        case .parameter(let index, let elements):
            let draws = Draws(seed: seed, place: UInt64(index), purpose: .initialWeights)
            for (i, element) in elements.enumerated() { values[i] = draws.uniform(element) - 0.5 }
        case .statistics:
            for i in values.indices { values[i] = i < values.count / 2 ? 0.5 : 1 }
        }
    }

    /// - Parameter plan: What the worker says of its plan.
    static func preparation(plan said: String = String(plan.digest, radix: 16)) -> WorkerPreparation {
        WorkerPreparation(
            plan: plan, units: units,
            optimizer: OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: true, convention: .rateInMomentum))),
            fingerprints: [Fingerprint(name: "plan", value: said)],
            initialWeights: { Toy.initialWeights($0, $1) })
    }

    /// Quick clocks: a death is noticed in half a second, by the connection; mere silence says little on a busy machine.
    static var timing: ClusterTiming {
        var timing = ClusterTiming()
        timing.tick = 0.02
        timing.heartbeat = 0.1
        timing.resend = 0.1
        timing.broken = 0.3
        timing.death = 30
        timing.leastStraggling = 1
        timing.coordinatorPatience = 90
        return timing
    }
}

/// Computes the toy's units, on the compute thread of a worker shell.
final class ToyComputing: UnitComputing {
    private var weights: [[Float]] = Toy.counts.map { Array(repeating: .nan, count: $0) }
    private var frozen: [Float] = [.nan]
    private let during: @Sendable (_ step: Int, _ unit: Int) -> Void
    private let clipSeconds: Double
    private(set) var decoding = DecodingTimes()

    /// - Parameters:
    ///   - clipSeconds: What it says that the clips of each unit cost.
    ///   - during: Called in the middle of each unit, when half of its gradients are told.
    init(clipSeconds: Double = 0, during: @escaping @Sendable (_ step: Int, _ unit: Int) -> Void) {
        self.clipSeconds = clipSeconds
        self.during = during
    }

    var decodedAhead: Int { 0 }

    func load(parameter: Int, elements: Range<Int>, _ bytes: UnsafeRawBufferPointer) {
        for (i, element) in elements.enumerated() {
            weights[parameter][element] = bytes.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
        }
    }

    func load(statistics layer: Int, _ bytes: UnsafeRawBufferPointer) {
        precondition(layer == Toy.frozenLayer, "the statistics of layer \(layer)")
        frozen = (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }

    func prefetch(step: Int, units: Range<Int>) {}

    func compute(step: Int, unit: Int, sink: GradientSink) throws(Fault) -> UnitRecord {
        decoding.busy += clipSeconds
        decoding.awaited += clipSeconds
        var loss = 0.0
        for parameter in weights.indices.reversed() {
            let values = weights[parameter]
            let place = UInt64(step * Toy.units + unit) * 100 + UInt64(parameter)
            let draws = Draws(seed: Toy.seed, place: place, purpose: .simulation)
            var gradient = [Float](repeating: 0, count: values.count)
            for block in 0...(values.count / 4) {
                let words = draws.words(block: block)
                for lane in 0..<4 where block * 4 + lane < values.count {
                    let noise = Float(words[lane] >> 8) * 0x1p-24 - 0.5
                    let other = values[(block * 4 + lane) &* 7 % values.count]
                    gradient[block * 4 + lane] = noise + 0.1 * other + 0.01 * frozen[0] * weights[1][lane]
                }
            }
            loss += Double(values[values.count / 2])
            if parameter != Toy.frozenParameter {
                gradient.withUnsafeBufferPointer { sink.gradient(parameter: parameter, $0) }
            }
            if parameter == 2 { during(step, unit) }
        }
        for (layer, channels) in Toy.channels.enumerated() where layer != Toy.frozenLayer {
            let means = (0..<channels).map { Double($0) + Double(weights[0][unit + layer]) / 3 }
            let variances = (0..<channels).map { 1 + Double(step % 3) + Double($0 * unit) / 7 }
            means.withUnsafeBufferPointer { means in
                variances.withUnsafeBufferPointer { sink.statistics(layer: layer, means: means, variances: $0) }
            }
        }
        return UnitRecord(unit: unit, loss: loss, correct: unit % 3)
    }
}

/// A worker in two threads of the test's process.
final class ToyWorker: Sendable {
    private let shell: WorkerShell
    private let thread: DedicatedThreadWithResult<Ending>

    /// - Parameters:
    ///   - plan: What it says of its plan; the right thing unless said otherwise.
    ///   - failure: What its preparation throws.
    ///   - during: Called in the middle of each unit with the worker itself; may make it vanish.
    ///   - note: Gets the lines of its log.
    init(
        _ name: String, joining endpoint: String, plan: String? = nil, failure: Fault? = nil,
        security: Security = .loopback,
        during: @escaping @Sendable (_ worker: ToyWorker, _ step: Int, _ unit: Int) -> Void = { _, _, _ in },
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        let me = Weak()
        let shell = try WorkerShell(
            WorkerShell.Settings(
                coordinator: endpoint, name: name, threads: 1, product: "test", timing: Toy.timing, security: security),
            note: note
        ) { _ throws(Fault) in
            if let failure { throw failure }
            return WorkerBuild(
                preparation: plan.map { Toy.preparation(plan: $0) } ?? Toy.preparation(),
                computing: ToyComputing { step, unit in if let worker = me.get() { during(worker, step, unit) } })
        }
        self.shell = shell
        // Else a unit might be computed before anybody is there to be told of it.
        let isMade = DispatchSemaphore(value: 0)
        thread = DedicatedThreadWithResult(name: name) {
            isMade.wait()
            return shell.run()
        }
        me.set(self)
        isMade.signal()
    }

    func vanish() { shell.vanish() }
    func drain() { shell.drain() }
    /// Where its shard listens.
    var endpoint: String { shell.endpoint }
    func wait() -> Ending { thread.wait() }

    private final class Weak: Sendable {
        private struct Reference: Sendable { weak var worker: ToyWorker? }
        private let reference = Mutex(Reference())
        func set(_ worker: ToyWorker) { reference.withLock { $0.worker = worker } }
        func get() -> ToyWorker? { reference.withLock { $0.worker } }
    }
}

import Checkpoints
import Coordinator
import Faults
import Glibc
import Protocol
import Training
import Wire
import Worker

/// A job with next to no arithmetic and as many chunks as R(2+1)D-18 has, for hundreds of workers in one process.
enum SwarmJob {
    static let units = 512
    static let parameters = 120
    static let layers = 37

    static var plan: ChunkPlan {
        ChunkPlan(
            parameters: (0..<parameters).map { _ in ChunkPlan.Parameter(count: 16) },
            statistics: (0..<layers).map { _ in
                ChunkPlan.Statistics(channels: 2, retention: 0.9, varianceScale: 1)
            })
    }

    static var fingerprints: [Fingerprint] { [Fingerprint(name: "plan", value: String(plan.digest, radix: 16))] }

    static func settings(steps: Int, workers: Int) -> CoordinatorSettings {
        let plan = plan
        return CoordinatorSettings(
            welcome: Welcome(generation: 0, run: 0, recipe: "swarm", data: "", instructionSet: "none"),
            schedule: StepSchedule(
                units: units, clipsPerUnit: 2, steps: steps,
                rate: LearningRate(highest: 0.05, kind: .cosine(), steps: steps, stepsPerEpoch: 5)),
            clipNorm: 2, plan: plan, fingerprints: fingerprints, checkpointEverySteps: 1_000_000,
            expectedWorkers: workers, startPatience: 120, bytesMovedPerStep: 1 << 20, timing: ClusterTiming())
    }

    static func layout() throws -> CheckpointLayout {
        try CheckpointLayout(
            plan: plan,
            parameters: (0..<parameters).map { StoredTensor(name: "p\($0)", type: .f32, shape: [16]) },
            statistics: (0..<layers).map { .init(mean: "bn\($0).mean", variance: "bn\($0).variance") },
            metadata: ["model": "swarm"])
    }

    static var preparation: WorkerPreparation {
        WorkerPreparation(
            plan: plan, units: units,
            optimizer: OptimizerSettings(
                .sgd(SGDSettings(momentum: 0.9, nesterov: false, convention: .rateInMomentum))),
            fingerprints: fingerprints
        ) { chunk, values in
            for index in values.indices { values[index] = Float(chunk.number + index) / 64 }
        }
    }
}

/// The real coordinator of a swarm's job, for a process of its own: its processor time and memory are those of the process.
package func coordinateSwarm(run: String, steps: Int, workers: Int) throws -> Int32 {
    let shell = try CoordinatorShell(
        directory: try RunDirectory(run), settings: SwarmJob.settings(steps: steps, workers: workers),
        layout: try SwarmJob.layout(), listener: try CoordinatorShell.listen(at: "tcp://127.0.0.1:0"),
        observer: CoordinatorShell.Observer(
            committed: { record, _ in
                print("step \(record.outcome.step)")
                fflush(nil)
            },
            note: { note in
                print("\(note)")
                fflush(nil)
            }))
    return Int32(shell.run().code)
}

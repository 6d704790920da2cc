import Foundation
import TestSupport
import Testing

/// Real processes: clips whose number, frames and size change from step to step, with the bits of one worker.
@Suite("Multigrid runs", .serialized, .timeLimit(.minutes(10)))
struct MultigridRunTests {
    /// 42 steps of 8 to 128 clips in seven phases (the table in MultigridTests); mixing and dropout draw by position too. The
    /// network has an eighth of its channels: clips are many.
    private static let keys = [
        "model.channel_multiplier=0.125",
        "input.resize=short-edge-range", "input.short_edge_range=[28, 36]", "schedule.steps=0", "schedule.epochs=8",
        "schedule.clips_per_epoch=150", "schedule.kind=relative-steps", "schedule.milestones=[0, 4, 6]",
        "schedule.factors=[1, 0.1, 0.01]", "schedule.warmup_epochs=1", "multigrid.long_cycle=true",
        "multigrid.short_cycle=true", "optimizer.learning_rate=0.005", "optimizer.clip_norm=1",
        "augment.mixup_alpha=0.8", "model.dropout=0.3",
    ]

    private func arguments(run: String, workers: Int, threads: Int = 1, _ more: [String] = []) throws -> [String] {
        var arguments = try MotionRun.arguments(run: run, workers: workers, threads: threads)
        arguments.removeAll { $0 == "schedule.steps=24" }
        arguments.insert(contentsOf: Self.keys + more, at: 2)
        return arguments
    }

    private func state(_ run: String) throws -> [Data] {
        try ["model", "state"].map {
            try Data(contentsOf: URL(fileURLWithPath: "\(run)/checkpoints/step-42/\($0).safetensors"))
        }
    }

    @Test("The bits are those of one worker for three, and after everybody was killed in the middle of a cycle")
    func sameBits() throws {
        try withTemporaryFolder { folder in
            _ = try MotionRun.hash(Program.start(arguments(run: folder + "/one", workers: 1, threads: 2)).wait())
            let one = try state(folder + "/one")
            _ = try MotionRun.hash(Program.start(arguments(run: folder + "/three", workers: 3)).wait())
            #expect(try state(folder + "/three") == one)

            let run = folder + "/killed"
            // Checkpoints of steps that no phase and no cycle ends with.
            let training = try Program.start(arguments(run: run, workers: 2, ["checkpoint.every_steps=7"]))
            let seen = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 9 }
            training.kill()
            for member in try #require(seen["members"] as? [[String: Any]]) {
                if let pid = member["pid"] as? Int { kill(Int32(pid), SIGKILL) }
            }
            _ = training.wait()
            let resumed = try Program.start(arguments(run: run, workers: 1, threads: 2)).wait()
            _ = try MotionRun.hash(resumed)
            #expect(try state(run) == one)
            #expect(resumed.json["steps"] as? Int == 42)
            #expect(resumed.json["epochs"] as? Double == 1808.0 / 150)

            // 1808 clips of 16: each clip once in each of 113 passes.
            let audit = try Program.run("audit", run, "--json")
            #expect(audit.status == 0, "\(audit.errors)")
            #expect(audit.json["clips_drawn"] as? Int == 1808)
            let verified = try Program.run("verify", run)
            #expect(verified.status == 0, "\(verified.errors)")
        }
    }

    @Test("Activations that are computed twice, and statistics that stay, change with the shape of a step")
    func otherMemory() throws {
        try withTemporaryFolder { folder in
            let source = try MotionRun.arguments(
                run: folder + "/source", workers: 1, threads: 1, "model.channel_multiplier=0.125")
            _ = try MotionRun.hash(Program.start(source).wait())
            func tune(_ name: String, workers: Int, _ more: [String] = []) throws -> [Data] {
                let keys = [
                    "model.weights=\"\(folder)/source\"", "optimizer.freeze_statistics=true",
                    "optimizer.learning_rate=0.0003", "schedule.epochs=4", "schedule.milestones=[0, 2, 3]",
                ]
                var arguments = try arguments(run: "\(folder)/\(name)", workers: workers, keys)
                arguments += more
                let result = try Program.start(arguments).wait()
                _ = try MotionRun.hash(result)
                let step = try #require(result.json["steps"] as? Int)
                return try ["model", "state"].map {
                    try Data(
                        contentsOf: URL(fileURLWithPath: "\(folder)/\(name)/checkpoints/step-\(step)/\($0).safetensors")
                    )
                }
            }
            #expect(try tune("one", workers: 1) == tune("two", workers: 2, ["--recompute"]))
        }
    }
}

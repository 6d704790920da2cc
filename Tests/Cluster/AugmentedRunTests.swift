import Checkpoints
import Foundation
import TestSupport
import Testing

/// Real processes: AdamW, averaged weights, every augmentation, mixing and validation, with the bits of a plain run's promise.
@Suite("Augmented runs", .serialized, .timeLimit(.minutes(10)))
struct AugmentedRunTests {
    private static let everything = [
        "optimizer.kind=adamw", "optimizer.learning_rate=0.002", "optimizer.weight_decay=0.05",
        "optimizer.batch_norm_weight_decay=0", "optimizer.clip_value=0.5", "optimizer.average=0.9",
        "schedule.kind=multi-step", "schedule.milestones=[6, 9]", "schedule.warmup=linear", "schedule.warmup_epochs=2",
        "input.resize=short-edge-range", "input.short_edge_range=[30, 40]", "augment.crop_area=[0.3, 1]",
        "augment.crop_aspect=[0.75, 1.3333]", "augment.rand_augment=rand-m7-n4-mstd0.5-inc1",
        "augment.colour_jitter=[0.4, 0.4, 0.4]", "augment.lighting=0.1", "augment.erase_probability=0.5",
        "augment.repeats=2", "augment.mixup_alpha=0.8", "augment.cutmix_alpha=1.0", "loss.label_smoothing=0.1",
    ]

    private func arguments(run: String, workers: Int, threads: Int = 1, _ more: [String] = []) throws -> [String] {
        var arguments = try MotionRun.arguments(run: run, workers: workers, threads: threads)
        arguments.insert(contentsOf: Self.everything + more, at: 2)
        return arguments
    }

    /// Of all three files of the last checkpoint: weights, moments, averages.
    private func state(_ run: String) throws -> [Data] {
        try ["model", "state", "average"].map {
            try Data(contentsOf: URL(fileURLWithPath: "\(run)/checkpoints/step-24/\($0).safetensors"))
        }
    }

    @Test("The bits are those of one worker for two, three, and after everybody was killed")
    func sameBits() throws {
        try withTemporaryFolder { folder in
            _ = try MotionRun.hash(Program.start(arguments(run: folder + "/one", workers: 1)).wait())
            let one = try state(folder + "/one")
            #expect(Set(one).count == 3)
            _ = try MotionRun.hash(Program.start(arguments(run: folder + "/three", workers: 3)).wait())
            #expect(try state(folder + "/three") == one)

            let run = folder + "/killed"
            let training = try Program.start(arguments(run: run, workers: 2))
            let seen = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 7 }
            training.kill()
            for member in try #require(seen["members"] as? [[String: Any]]) {
                if let pid = member["pid"] as? Int { kill(Int32(pid), SIGKILL) }
            }
            _ = training.wait()
            _ = try MotionRun.hash(Program.start(arguments(run: run, workers: 1, threads: 2)).wait())
            #expect(try state(run) == one)

            // The audit knows that every clip comes twice in a row.
            let audit = try Program.run("audit", run, "--json")
            #expect(audit.status == 0, "\(audit.errors)")
            let verified = try Program.run("verify", run)
            #expect(verified.status == 0, "\(verified.errors)")
            // The average is a checkpoint like any other, and another one than the weights.
            let compared = try Program.run(
                "model", "compare", run + "/checkpoints/step-24/average.safetensors", run + "/checkpoints/step-24")
            #expect(compared.status == 65)
            let tested = try Program.run(
                "test", sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
                "input.crop=28", "--checkpoint", run, "--data", try MotionRun.data.get(), "--average", "--json")
            #expect(tested.status == 0 && tested.json["video_top1"] != nil, "\(tested.errors)")
        }
    }

    @Test("Validation changes no bit; its best checkpoint stays and scores what the log says")
    func validation() throws {
        try withTemporaryFolder { folder in
            let plain = try MotionRun.hash(Program.start(arguments(run: folder + "/plain", workers: 1)).wait())
            let run = folder + "/validated"
            let validated = try Program.start(
                arguments(
                    run: run, workers: 1,
                    [
                        "validation.every_epochs=2", "validation.average=true", "validation.precise_clips=8",
                        "validation.clips=2", "checkpoint.keep=1",
                    ])
            ).wait()
            #expect(try MotionRun.hash(validated) == plain)
            let lines = try text(of: run + "/validation.jsonl").split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            let steps = lines.compactMap { $0["step"] as? Int }
            #expect(steps.count >= 3 && steps == steps.sorted() && Set(steps).count == steps.count && steps.last == 24)
            #expect(try FileManager.default.contentsOfDirectory(atPath: run + "/validation").isEmpty)
            let scores = lines.compactMap { $0["video_top1"] as? Double }
            #expect(scores.count == lines.count)
            let best = try Program.run(
                "test", run + "/recipe.toml", "--checkpoint", run + "/best", "--data", try MotionRun.data.get(),
                "--clips", "2", "--json")
            #expect(best.json["video_top1"] as? Double == scores.max(), "\(best.errors)")
        }
    }

    @Test("Frozen statistics stay while everything else is trained, the same for any workers")
    func frozenStatistics() throws {
        try withTemporaryFolder { folder in
            _ = try MotionRun.hash(Program.start(MotionRun.arguments(run: folder + "/source", workers: 1)).wait())
            func tune(_ name: String, workers: Int) throws -> SafetensorsFile {
                var arguments = try MotionRun.arguments(run: folder + "/" + name, workers: workers)
                arguments.insert(
                    contentsOf: [
                        "model.weights=\"\(folder)/source\"", "optimizer.freeze_statistics=true",
                        // Statistics of so short a training are far from the weights: anything faster diverges.
                        "optimizer.learning_rate=0.0003",
                    ], at: 2)
                _ = try MotionRun.hash(Program.start(arguments).wait())
                return try SafetensorsFile("\(folder)/\(name)/checkpoints/step-24/model.safetensors")
            }
            let (one, two) = (try tune("one", workers: 1), try tune("two", workers: 2))
            let source = try SafetensorsFile(folder + "/source/checkpoints/step-24/model.safetensors")
            for tensor in source.tensors {
                let values = try one.floats(tensor.name)
                #expect(try two.floats(tensor.name) == values, "\(tensor.name)")
                let isStatistic = tensor.name.hasSuffix("_rm") || tensor.name.hasSuffix("_riv")
                #expect(try (source.floats(tensor.name) == values) == isStatistic, "\(tensor.name)")
            }
        }
    }

    @Test("Statistics computed anew depend on clips and weights, not on threads")
    func preciseStatistics() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            _ = try MotionRun.hash(Program.start(MotionRun.arguments(run: run, workers: 1)).wait())
            func precise(
                _ name: String, clips: Int, threads: Int, convolution: String = "auto", freeze: String = "[]"
            ) throws -> SafetensorsFile {
                let out = "\(folder)/\(name).safetensors"
                let made = try Program.run(
                    "model", "precise", run + "/recipe.toml", "numerics.convolution=\(convolution)",
                    "optimizer.freeze=\(freeze)", "--checkpoint", run, "--data", try MotionRun.data.get(), "--clips",
                    "\(clips)", "--out", out, "--threads", "\(threads)", "--json")
                try #require(made.status == 0, "\(made.errors)")
                return try SafetensorsFile(out)
            }
            let (one, two, longer) = (
                try precise("a", clips: 7, threads: 1), try precise("b", clips: 8, threads: 2),
                try precise("c", clips: 12, threads: 1)
            )
            let trained = try SafetensorsFile(run + "/checkpoints/step-24/model.safetensors")
            #expect(one.tensors.count == trained.tensors.count)
            var changed = 0
            for tensor in trained.tensors {
                let values = try one.floats(tensor.name)
                #expect(try two.floats(tensor.name) == values, "7 clips are 4 units of 2, as 8 are")
                let isStatistic = tensor.name.hasSuffix("_rm") || tensor.name.hasSuffix("_riv")
                if isStatistic {
                    changed += 1
                    #expect(try longer.floats(tensor.name) != values, "\(tensor.name)")
                }
                #expect(try (trained.floats(tensor.name) != values) == isStatistic, "\(tensor.name)")
            }
            #expect(changed > 10)
            // Frozen ones stay as training left them.
            let frozen = try precise("f", clips: 8, threads: 1, freeze: "[\"conv1_*\"]")
            for tensor in trained.tensors where tensor.name.hasSuffix("_rm") || tensor.name.hasSuffix("_riv") {
                let isKept = try frozen.floats(tensor.name) == trained.floats(tensor.name)
                #expect(isKept == tensor.name.hasPrefix("conv1_"), "\(tensor.name)")
            }
            // The recipe's convolutions compute them, whose bits are others.
            let direct = try precise("d", clips: 2, threads: 1, convolution: "direct")
            let winograd = try precise("e", clips: 2, threads: 1, convolution: "winograd")
            let differing = try trained.tensors.filter { try direct.floats($0.name) != winograd.floats($0.name) }
            #expect(!differing.isEmpty)
        }
    }
}

import Checkpoints
import Foundation
import TestSupport
import Testing

/// Real processes: training from another run's weights, most of them frozen.
@Suite(.serialized) struct FinetuneTests {
    private func hash(_ arguments: [String]) throws -> String {
        let result = try Program.start(arguments).wait()
        try #require(result.status == 0, "\(result.errors)")
        return try #require(result.json["weights_sha256"] as? String, "\(result.output)")
    }

    @Test func frozenWeightsKeepTheirBitsAndTheHeadLearns() throws {
        try withTemporaryFolder { folder in
            let data = folder + "/data"
            let made = try Program.run(
                "data", "synth", "--out", data, "--classes", "2", "--clips-per-class", "4", "--seconds", "1", "--size",
                "32", "--seed", "3")
            try #require(made.status == 0, "\(made.errors)")
            func arguments(_ run: String, workers: Int, _ assignments: [String]) -> [String] {
                [
                    "train", sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
                    "input.crop=28", "batch.units=2", "batch.clips_per_unit=2", "schedule.steps=3",
                ] + assignments + [
                    "--data", data, "--run", folder + "/" + run, "--workers", "\(workers)", "--json",
                ]
            }
            _ = try hash(arguments("source", workers: 1, ["model.classes=5"]))
            let source = try SafetensorsFile(folder + "/source/checkpoints/step-3/model.safetensors")

            let weights = "model.weights=\"\(folder)/source\""
            let finetune = [
                weights, "model.replace_head=true", "optimizer.freeze=[\"conv1_*\", \"comp_[0-2]_*\"]",
                "optimizer.rates=[[\"last_out_*\", 10.0]]",
            ]
            let refused = try Program.start(arguments("refused", workers: 1, finetune)).wait()
            #expect(refused.status == 64 && refused.errors.contains("'comp_[0-2]_*' fits no parameter"))
            let wrongHead = try Program.start(arguments("wrong", workers: 1, [weights])).wait()
            #expect(
                wrongHead.status == 65 && wrongHead.errors.contains("another number of classes"), "\(wrongHead.errors)")

            let right = finetune.map {
                $0.replacingOccurrences(
                    of: "comp_[0-2]_*", with: "comp_0_*\", \"comp_1_*\", \"comp_2_*\", \"shortcut_projection_?_*")
            }
            let one = try hash(arguments("one", workers: 1, right))
            // Frozen or not, nothing depends on who computes.
            #expect(try hash(arguments("two", workers: 2, right)) == one)
            // Run again, a finished run says the same, whatever has become of the file.
            try FileManager.default.moveItem(atPath: folder + "/source", toPath: folder + "/elsewhere")
            #expect(try hash(arguments("one", workers: 1, right)) == one)

            let tuned = try SafetensorsFile(folder + "/one/checkpoints/step-3/model.safetensors")
            let first = try SafetensorsFile(folder + "/one/checkpoints/step-0/model.safetensors")
            var frozen = 0
            for tensor in tuned.tensors {
                let name = tensor.name
                let values = try tuned.floats(name)
                if name.hasPrefix("last_out") {
                    #expect(values != (try first.floats(name)), "\(name)")
                } else if name.hasPrefix("comp_3_") {
                    #expect(try first.floats(name) == source.floats(name), "\(name)")
                    #expect(values != (try source.floats(name)), "\(name)")
                } else {
                    frozen += 1
                    #expect(values == (try source.floats(name)), "\(name)")
                }
            }
            // Stem 10, three blocks of 20, three projections of 5: all but the last block of 20 and the head of 2.
            #expect(frozen == 85 && tuned.tensors.count == 107)
            #expect(tuned.tensors.first { $0.name == "last_out_L2_w" }?.shape == [2, 512])
        }
    }
}

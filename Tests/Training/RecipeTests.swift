import Configuration
import Faults
import Foundation
import TestSupport
import Testing
import Training

@Suite struct RecipeTests {
    private func motion(_ assignments: String...) throws -> Recipe.Resolved {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        var document = try Document(toml: try text(of: path), name: path)
        for assignment in assignments { try document.set(assignment) }
        return try Recipe.read(document)
    }

    @Test func everyRecipeOfTheTreeIsRead() throws {
        let folder = URL(fileURLWithPath: sourceTree + "/recipes")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var count = 0
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "toml" else { continue }
            _ = try Recipe.read(try Document(toml: try text(of: file.path), name: file.path))
            count += 1
        }
        #expect(count >= 2)
    }

    @Test func theResolvedTextGivesTheSameRecipe() throws {
        let resolved = try motion(
            "seed=7", "batch.units=16", "input.resize=\"short-edge\"", "input.short_edges=[60,70]")
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == resolved.recipe)
        #expect(again.recipe.input.resize == .shortEdge([60, 70]))
        #expect(resolved.values.first { $0.key == "seed" }?.origin == "command line")
    }

    @Test func optionsOfTheModelAreRead() throws {
        let standard = try motion().recipe.model
        #expect((standard.channelMultiplier, standard.bottleneckMultiplier) == (1, 1))
        #expect((standard.conv1TemporalStride, standard.conv1TemporalKernel) == (1, 3))
        #expect(!standard.pool1 && standard.dropout == -1)
        let resolved = try motion(
            "model.channel_multiplier=0.5", "model.bottleneck_multiplier=2", "model.pool1=true",
            "model.conv1_temporal_stride=2", "model.conv1_temporal_kernel=5", "model.dropout=0.5")
        let model = resolved.recipe.model
        #expect((model.channelMultiplier, model.bottleneckMultiplier, model.dropout) == (0.5, 2, 0.5))
        #expect((model.conv1TemporalStride, model.conv1TemporalKernel, model.pool1) == (2, 5, true))
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == resolved.recipe)
    }

    @Test func stepsComeFromEpochsOrAreGiven() throws {
        #expect(try motion("schedule.epochs=1.5").recipe.steps(dataSetClips: 33) == 4)
        #expect(try motion("schedule.steps=9").recipe.steps(dataSetClips: 33) == 9)
        #expect(try motion("schedule.epochs=2", "schedule.clips_per_epoch=160").recipe.steps(dataSetClips: 33) == 20)
    }

    @Test func initialWeightsAndGroupsOfParameters() throws {
        let resolved = try motion(
            "model.weights=\"a b.pkl\"", "model.replace_head=true", "model.inflate=repeat",
            "optimizer.freeze=[\"conv1_*\"]", "optimizer.rates=[[\"last_out_*\", 10], [\"*\", 0.5]]")
        let weights = try #require(resolved.recipe.model.initialWeights)
        #expect(weights.path == "a b.pkl" && weights.replacesHead && weights.inflation == .repeat)
        #expect(!weights.allowsMissing && !weights.allowsUnexpected && weights.sha256.isEmpty)
        #expect(resolved.recipe.optimizer.freeze == ["conv1_*"])
        #expect(resolved.recipe.optimizer.rates.map(\.pattern) == ["last_out_*", "*"])
        #expect(resolved.recipe.optimizer.rates.map(\.factor) == [10, 0.5])
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == resolved.recipe)
        #expect(try motion().recipe.model.initialWeights == nil)
    }

    @Test func schedulesAndOptimizersAreRead() throws {
        let slowfast = try motion(
            "schedule.kind=relative-steps", "schedule.milestones=[0, 94, 154.5]", "schedule.factors=[1, 0.1, 0.01]",
            "schedule.warmup=linear", "optimizer.weight_decay_on=[\"weight\", \"bias\"]",
            "optimizer.batch_norm_weight_decay=0", "optimizer.rate_in_momentum=false")
        let rate = slowfast.recipe.learningRate(dataSetClips: 160)
        #expect(rate.kind == .relativeSteps(milestones: [0, 94, 154.5], factors: [1, 0.1, 0.01]))
        #expect(rate.warmup == .linear)
        #expect(["weight", "bias", "scale", "shift"].map(slowfast.recipe.weightDecay) == [1e-4, 1e-4, 0, 0])
        let own = try motion("optimizer.batch_norm_weight_decay=0.01").recipe
        #expect(["weight", "bias", "scale", "shift"].map(own.weightDecay) == [1e-4, 0, 0.01, 0.01])
        #expect(try ["weight", "bias", "scale", "shift"].map(motion().recipe.weightDecay) == [1e-4, 0, 1e-4, 0])
        let adam = try motion("optimizer.kind=adamw", "optimizer.betas=[0.8, 0.9]", "optimizer.average=0.999").recipe
        #expect(
            adam.update
                == OptimizerSettings(
                    .adam(AdamSettings(betas: [0.8, 0.9], epsilon: 1e-8, isDecoupled: true)), averageDecay: 0.999))
        #expect(adam.update.slots == [.weights, .firstMoment, .secondMoment, .average])
        #expect(try motion("optimizer.clip_value=2").recipe.update.clipValue == 2)
        let cosine = try motion("schedule.end_rate=0.001", "schedule.cosine_after_warmup=true").recipe
        #expect(cosine.learningRate(dataSetClips: 9).kind == .cosine(end: 0.001, afterWarmup: true))
        for resolved in [slowfast, try motion("schedule.kind=multi-step", "schedule.milestones=[2]")] {
            let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
            #expect(again.recipe == resolved.recipe)
        }
    }

    @Test func augmentationIsRead() throws {
        let resolved = try motion(
            "input.resize=short-edge-range", "input.short_edge_range=[60, 80]", "input.inverse_uniform=true",
            "augment.crop_area=[0.08, 1]", "augment.crop_aspect=[0.75, 1.3333]", "augment.repeats=2",
            "augment.mixup_alpha=0.8", "augment.cutmix_alpha=1", "loss.label_smoothing=0.1",
            "augment.rand_augment=rand-m7-n4-mstd0.5-inc1", "augment.erase_probability=0.25")
        let recipe = resolved.recipe
        #expect(recipe.input.resize == .shortEdgeRange(60...80, inverse: true))
        #expect(recipe.augment.resizedCropRanges?.area == 0.08...1)
        #expect(recipe.mixing.isOn && recipe.loss.labelSmoothing == 0.1)
        #expect(recipe.clipsPerEpoch(dataSetClips: 50) == 100, "an epoch has each clip as often as it is repeated")
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == recipe)
        #expect(try motion().recipe.augment.resizedCropRanges == nil)
        let alone = #expect(throws: Fault.self) {
            try motion("augment.cutmix_alpha=1", "batch.clips_per_unit=1")
        }
        #expect(alone?.description.contains("batch.clips_per_unit") == true)
    }

    /// A run of 100 steps, 10 an epoch, checkpoints every 7, validation every 2 epochs.
    @Test func validationIsDueAtTheFirstCheckpointOfAStretchAndAtTheEnd() throws {
        let recipe = try motion("validation.every_epochs=2").recipe
        func epochs(_ step: Int) -> Double { Double(step) / 10 }
        var (last, due) = (0, [Int]())
        for version in Array(stride(from: 7, to: 100, by: 7)) + [100]
        where recipe.isValidationDue(version: version, last: last, steps: 100, epochs: epochs) {
            due.append(version)
            last = version
        }
        #expect(due == [21, 42, 63, 84, 100])
        #expect(
            !recipe.isValidationDue(version: 42, last: 42, steps: 100, epochs: epochs), "a replay is not a new one")
        #expect(try !motion().recipe.isValidationDue(version: 100, last: 0, steps: 100, epochs: epochs))
    }

    @Test(arguments: [
        ("batch.unit=3", "batch.units"), ("input.crop=65", "do not fit"), ("numerics.isa=avx", "avx2"),
        ("model.pool=true", "model.pool1"), ("model.conv1_temporal_kernel=7", "outside"),
        ("model.channel_multiplier=\"half\"", "number"),
        ("optimizer.weight_decay_on=[\"scales\"]", "scale"), ("model.replace_head=true", "model.weights"),
        ("model.inflate=middle", "centre"), ("optimizer.rates=[[\"fc.*\", 0]]", "optimizer.freeze"),
        ("optimizer.rates=[[\"fc.*\", -1.0]]", "factor"), ("optimizer.rates=[\"fc.*\"]", "pairs"),
        ("optimizer.rates=[[\"fc.*\", 1, 2]]", "pairs"), ("seed=-1", "outside"),
        ("schedule.kind=multistep", "multi-step"), ("schedule.kind=multi-step", "is empty"),
        ("schedule.kind=relative-steps", "as many of both"), ("schedule.milestones=[4, 2]", "ascend"),
        ("schedule.milestones=[-1]", "ascend"), ("schedule.warmup=line", "linear"),
        ("augment.mixup_alpha=0.001", "0.01"), ("augment.mix_switch=2", "outside"),
        ("loss.label_smoothing=1", "outside"),
        ("augment.crop_area=[0.08, 1]", "augment.crop_aspect"), ("augment.crop_area=[1, 0.08]", "least"),
        ("augment.crop_area=[0.5]", "least"), ("augment.colour_jitter=[0.4, 0.4]", "outside"),
        ("augment.colour_jitter=[2, 0, 0]", "0 to 1"), ("augment.erase_fill=black", "mean"),
        ("augment.repeats=0", "outside"), ("input.short_edge_range=[320, 256]", "larger"),
        ("input.resize=short-edge-ranges", "short-edge-range"),
        ("validation.average=true", "optimizer.average"), ("validation.split=vals", "val"),
        ("optimizer.freeze_statistics=true", "model.weights"),
        ("optimizer.kind=adamax", "adam"), ("optimizer.betas=[0.9, 1.0]", "[0, 1)"),
        ("optimizer.betas=[0.9]", "outside"),
        ("optimizer.batch_norm_weight_decay=-0.5", "negative"), ("optimizer.average=1", "outside"),
        ("augment.flip=2", "outside"),
    ]) func whatIsWrongIsNamed(assignment: String, hint: String) throws {
        let fault = #expect(throws: Fault.self) { try motion(assignment) }
        #expect(fault?.description.contains(hint) == true, "\(fault?.description ?? "")")
        #expect(fault?.code == .usage)
    }
}

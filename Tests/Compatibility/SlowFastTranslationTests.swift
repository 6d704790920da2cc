import Compatibility
import Configuration
import Faults
import TestSupport
import Testing
import Training

@Suite struct SlowFastTranslationTests {
    /// Of values as TOML writes them.
    private func expect(
        _ translation: SlowFastTranslation, _ wanted: KeyValuePairs<String, String>,
        _ at: SourceLocation = #_sourceLocation
    ) {
        for (key, value) in wanted {
            #expect(translation.recipe.entries[key]?.value.toml == value, "\(key)", sourceLocation: at)
        }
    }

    @Test func theSeedsCommandLineIsATestOfTheZoosCheckpoint() throws {
        let run = try SlowFastConfigs.translate(SlowFastConfigs.slowFast8x8, SlowFastConfigs.seedOptions)
        #expect(!run.trains && run.tests)
        #expect(run.lists.path("test") == "~/kinetics-dataset/k400/test//test.csv")
        #expect(run.lists.separator == " " && run.lists.prefix.isEmpty)
        #expect(run.testedWeights == "~/PySlowFast_Model_Zoo/SLOWFAST_8x8_R50.pkl")
        #expect(run.run == ".")
        #expect(
            run.immaterial == [
                "DATA_LOADER.NUM_WORKERS", "DATA_LOADER.PIN_MEMORY", "TEST.BATCH_SIZE",
                "TEST.CHECKPOINT_TYPE",
            ])
        expect(
            run,
            [
                "model.name": "\"slowfast/SLOWFAST_8x8_R50\"", "model.classes": "400", "input.frames": "32",
                "input.sampling_rate": "2", "input.crop": "224", "input.short_edge_range": "[256, 320]",
                "batch.units": "8", "batch.clips_per_unit": "8", "seed": "0", "test.protocol": "\"slowfast\"",
                "test.clips": "10", "test.crops": "3", "test.crop": "256", "test.short_edge": "256",
            ])
        #expect(run.recipe.entries["input.frames"]?.origin == "a.yaml:9")
        #expect(run.recipe.entries["test.clips"]?.origin == "PySlowFast's default")
        // 0.45 and 0.225 of 255.
        let mean = try #require(run.recipe.entries["input.mean"]?.value)
        #expect(mean == .list([.real(114.75), .real(114.75), .real(114.75)]))
        #expect(run.recipe.entries["input.deviation"]?.value == .list([.real(57.375), .real(57.375), .real(57.375)]))
    }

    @Test func defaultsOfPySlowFastStandForKeysThatNobodyWrote() throws {
        // SlowFast 4x16 is what its defaults describe, but for the frames.
        let run = try SlowFastConfigs.translate("DATA: {NUM_FRAMES: 32, SAMPLING_RATE: 2}\nTRAIN:\n  ENABLE: False\n")
        expect(
            run,
            [
                "model.name": "\"slowfast/SLOWFAST_4x16_R50\"", "seed": "1", "batch.units": "1",
                "batch.clips_per_unit": "64", "schedule.epochs": "300", "optimizer.learning_rate": "0.1",
                "optimizer.weight_decay": "0.0001", "optimizer.weight_decay_on": "[\"weight\", \"bias\"]",
                "optimizer.nesterov": "true", "optimizer.rate_in_momentum": "false", "model.dropout": "0.5",
            ])
        #expect(run.recipe.entries["schedule.warmup_epochs"] == nil)
    }

    @Test func shardsAndDevicesAreUnitsAndScaleTheRate() throws {
        let text = SlowFastConfigs.slowFast8x8.replacing(
            "BASE_LR: 0.1", with: "BASE_LR: 0.1\n  BASE_LR_SCALE_NUM_SHARDS: True")
        let run = try SlowFastConfigs.translate(text, ["TRAIN.ENABLE", "False"], shards: 16)
        // 128 GPUs of 8 clips and a rate of 1.6: what the paper trained with.
        expect(
            run,
            ["batch.units": "128", "batch.clips_per_unit": "8", "optimizer.learning_rate": "1.6"])
        let from = try #require(run.recipe.entries["schedule.warmup_from"]?.value)
        #expect(from == .real(0.01 / 0.1))
    }

    @Test func theConfigurationIsTheRecipeOfTheZoosRow() throws {
        let path = sourceTree + "/recipes/kinetics-400/slowfast/SLOWFAST_8x8_R50.toml"
        let own = try Recipe.read(try Document(toml: try text(of: path), name: path)).recipe
        var translated = try Recipe.read(try SlowFastConfigs.translate(SlowFastConfigs.slowFast8x8).recipe).recipe
        // The configuration says what the recipe leaves to the network.
        #expect(translated.model.dropout == 0.5)
        translated.model.dropout = own.model.dropout
        // 0.01 of 0.1 is divided there and written here: one rounding.
        #expect(abs(translated.schedule.warmupFrom - own.schedule.warmupFrom) < 1e-15)
        translated.schedule.warmupFrom = own.schedule.warmupFrom
        #expect(translated == own)
    }

    @Test func frozenNormsKeepTheStatisticsOfAFile() throws {
        let options = ["MODEL.FROZEN_BN", "True", "TRAIN.CHECKPOINT_FILE_PATH", "a.pyth"]
        let run = try SlowFastConfigs.translate(SlowFastConfigs.slowFast8x8, options)
        expect(run, ["optimizer.freeze_statistics": "true", "model.weights": "\"a.pyth\""])
        #expect(run.preciseClips == 0)
        _ = try Recipe.read(run.recipe)
        #expect(
            SlowFastConfigs.refusal(SlowFastConfigs.slowFast8x8, ["MODEL.FROZEN_BN", "True"]).contains(
                "name a checkpoint"))
    }

    @Test func aDetachedHeadIsAllThatIsTrained() throws {
        let options = [
            "MODEL.DETACH_FINAL_FC", "True", "MODEL.FROZEN_BN", "True", "TRAIN.CHECKPOINT_FILE_PATH", "a.pyth",
        ]
        let recipe = try Recipe.read(
            try SlowFastConfigs.translate(SlowFastConfigs.slowFast8x8, options).recipe
        ).recipe
        let groups = try ParameterGroups(
            recipe.optimizer,
            parameters: ["s1.pathway0_stem.conv.weight", "s1_fuse.bn.bias", "head.projection.weight"])
        #expect(groups.isFrozen == [true, true, false])
        // There the batch norms would go on changing.
        let detached = ["MODEL.DETACH_FINAL_FC", "True"]
        let told = SlowFastConfigs.refusal(SlowFastConfigs.slowFast8x8, detached)
        #expect(told.contains("MODEL.DETACH_FINAL_FC True: "), "\(told)")
        #expect(
            SlowFastConfigs.refusal(SlowFastConfigs.slowFast8x8, SlowFastConfigs.seedOptions + detached).isEmpty,
            "it matters to no test")
    }

    /// PySlowFast's loader takes `TRAIN.BATCH_SIZE` videos and makes `AUG.NUM_SAMPLE` clips of each, augmented or not.
    @Test(arguments: ["True", "False"]) func aBatchCountsVideosAndNotTheirSamples(_ augments: String) throws {
        let run = try SlowFastConfigs.translate(
            SlowFastConfigs.slowFast8x8,
            ["AUG.NUM_SAMPLE", "2", "AUG.ENABLE", augments, "AUG.INTERPOLATION", "bilinear"])
        expect(run, ["augment.repeats": "2", "batch.units": "8", "batch.clips_per_unit": "16"])
        #expect(run.preciseClips == 3200)
        // Ten batches of 64 videos an epoch.
        #expect(try Recipe.read(run.recipe).recipe.steps(dataSetClips: 640) == 10 * 196)
    }

    @Test func relativeStepsBecomeMilestonesAndFactors() throws {
        let text = """
            TRAIN: {ENABLE: False}
            DATA: {NUM_FRAMES: 32}
            SOLVER:
              LR_POLICY: steps_with_relative_lrs
              LRS: [1, 0.1, 0.01, 0.001, 0.0001, 0.00001]
              STEPS: [0, 94, 154, 196]
              MAX_EPOCH: 239
            """
        expect(
            try SlowFastConfigs.translate(text),
            [
                "schedule.kind": "\"relative-steps\"", "schedule.milestones": "[0.0, 94.0, 154.0, 196.0]",
                "schedule.factors": "[1.0, 0.1, 0.01, 0.001]", "schedule.epochs": "239",
            ])
        #expect(SlowFastConfigs.refusal(text.replacing("[0, 94", with: "[5, 94")).contains("does not ascend from 0"))
        #expect(
            SlowFastConfigs.refusal(text.replacing("0.01, 0.001, 0.0001, 0.00001", with: "0.01")).contains(
                "fewer rates"))
    }

    @Test func cropsOfTheTestAreThoseOfTheConfiguration() throws {
        func run(_ options: String...) throws(Fault) -> SlowFastTranslation {
            try SlowFastConfigs.translate(
                SlowFastConfigs.slowFast8x8, SlowFastConfigs.seedOptions + options)
        }
        expect(
            try run("DATA.TRAIN_CROP_SIZE", "64", "DATA.TEST_CROP_SIZE", "80", "DATA.TRAIN_JITTER_SCALES", "[64, 80]"),
            ["test.crop": "80", "test.short_edge": "80", "input.crop": "64"])
        // With one crop the shorter side is that of training.
        expect(
            try run("TEST.NUM_SPATIAL_CROPS", "1", "DATA.TEST_CROP_SIZE", "224"),
            ["test.crops": "1", "test.crop": "224", "test.short_edge": "256"])
        #expect(throws: Fault.self) { try run("TEST.NUM_SPATIAL_CROPS", "1", "DATA.TEST_CROP_SIZE", "288") }
    }

    @Test func everythingThatCannotBeFollowedIsToldAtOnce() {
        let text = """
            TRAIN:
              ENABLE: True
              BATCH_SIZE: sixty-four
              MIXED_PRECISON: True
            SOLVER:
              LARS_ON: True
              BASE_LR: 0.1
            DATA:
              NUM_FRAMES: 32
            TENSORBORED:
              ENABLE: True
            MODEL:
            """
        let told = SlowFastConfigs.refusal(text, ["TEST.NUM_SPATIAL_CROPS", "2", "NUM_GPUS"])
        for line in [
            "a.yaml:3: TRAIN.BATCH_SIZE: is a string ('sixty-four'), not a whole number; its default is 64",
            "a.yaml:4: TRAIN.MIXED_PRECISON: PySlowFast has no such key; did you mean TRAIN.MIXED_PRECISION?",
            "a.yaml:6: SOLVER.LARS_ON True: ",
            "a.yaml:11: TENSORBORED.ENABLE: PySlowFast has no section TENSORBORED",
            "a.yaml:12: MODEL: is a section, not a key",
            "--opts: TEST.NUM_SPATIAL_CROPS 2: there are views of 1 crop or 3",
            "--opts: NUM_GPUS: has no value",
        ] { #expect(told.contains("\n  " + line), "\(line) in \(told)") }
    }

    @Test func whatMattersToTrainingOnlyIsNoReasonNotToTest() throws {
        let text = SlowFastConfigs.slowFast8x8 + "\nMULTIGRID:\n  SHORT_CYCLE: True\n  LONG_CYCLE: True\n"
        // Its cosine leaves the long cycle nothing to follow.
        #expect(SlowFastConfigs.refusal(text).contains("MULTIGRID.LONG_CYCLE True: "))
        let run = try SlowFastConfigs.translate(text, ["TRAIN.ENABLE", "False"])
        #expect(run.tests)
        // A head that averages any map, as it was trained.
        expect(run, ["test.head": "\"linear\""])
        #expect(run.recipe.entries["multigrid.long_cycle"] == nil)
    }

    /// configs/Kinetics/SLOWFAST_8x8_R50_stepwise_multigrid.yaml: the configuration above with other rates.
    private let stepwise =
        SlowFastConfigs.slowFast8x8.replacing(
            "LR_POLICY: cosine",
            with:
                "LR_POLICY: steps_with_relative_lrs\n  LRS: [1, 0.1, 0.01, 0.001, 0.0001, 0.00001]\n  STEPS: [0, 94, 154, 196]"
        ).replacing("MAX_EPOCH: 196", with: "MAX_EPOCH: 239")
        + "\nMULTIGRID:\n  SHORT_CYCLE: True\n  LONG_CYCLE: True\n"

    @Test func multigridIsASectionOfTheRecipe() throws {
        let run = try SlowFastConfigs.translate(stepwise, ["DATA.TEST_CROP_SIZE", "224"])
        expect(
            run,
            [
                "multigrid.long_cycle": "true", "multigrid.short_cycle": "true", "multigrid.epoch_factor": "1.5",
                "multigrid.long_frames": "[0.25, 0.5, 0.5, 1.0]",
                "multigrid.long_crops": "[0.7071067811865476, 0.7071067811865476, 1.0, 1.0]",
                "multigrid.short_crops": "[0.5, 0.7071067811865476]", "multigrid.validations": "3",
                "batch.units": "8", "batch.clips_per_unit": "8", "test.head": "\"linear\"",
                "schedule.milestones": "[0.0, 94.0, 154.0, 196.0]", "validation.precise_clips": "1600",
            ])
        let recipe = try Recipe.read(run.recipe).recipe
        // Powers of SOLVER.GAMMA, not SOLVER.LRS.
        #expect(zip(recipe.schedule.factors, [1, 0.1, 0.01, 0.001]).allSatisfy { abs($0 - $1) < 1e-12 })
        let path = sourceTree + "/recipes/kinetics-400/slowfast/SLOWFAST_8x8_R50_stepwise_multigrid.toml"
        var own = try Recipe.read(try Document(toml: try text(of: path), name: path)).recipe
        // Rounded otherwise, and what a recipe leaves to the network.
        own.schedule.factors = recipe.schedule.factors
        own.schedule.warmupFrom = recipe.schedule.warmupFrom
        own.model.dropout = recipe.model.dropout
        #expect(recipe == own)
        let schedule = recipe.stepSchedule(dataSetClips: 240_000)
        #expect(schedule.steps == 261_859 && schedule.clips(ofStep: 0) == 1024)
        // The warm-up of 34 epochs ends at eight times the base rate.
        #expect(schedule.rate(0) == 0.01)
        let warm = schedule.step(at: 34 * 240_000) + 1
        #expect(abs(schedule.rate(warm) - 0.8) < 1e-6 && schedule.rate(warm - 2) < 0.8)
    }

    @Test func batchNormSeesGroupsOfTheBaseSizeWhateverTheGPUs() throws {
        for (size, devices, base, units) in [(64, 8, 8, 8), (64, 2, 8, 8), (16, 8, 8, 2), (64, 8, 4, 16)] {
            let run = try SlowFastConfigs.translate(
                stepwise,
                ["TRAIN.BATCH_SIZE", "\(size)", "NUM_GPUS", "\(devices)", "MULTIGRID.BN_BASE_SIZE", "\(base)"])
            expect(run, ["batch.units": "\(units)", "batch.clips_per_unit": "\(base)"])
        }
        let short = try SlowFastConfigs.translate(
            stepwise, ["MULTIGRID.LONG_CYCLE", "False", "MULTIGRID.BN_BASE_SIZE", "4"])
        expect(short, ["batch.units": "8", "batch.clips_per_unit": "8"])
    }

    @Test(arguments: [
        (["MULTIGRID.BN_BASE_SIZE", "6"], "MULTIGRID.BN_BASE_SIZE 6: "),
        (["SOLVER.STEPS", "[0]"], "SOLVER.STEPS [0]: has no two milestones"),
        (["MULTIGRID.LONG_CYCLE_FACTORS", "[0.5, 1]"], "MULTIGRID.LONG_CYCLE_FACTORS [0.5, 1]: is no list of pairs"),
        (["MULTIGRID.DEFAULT_S", "224"], "MULTIGRID.DEFAULT_S 224: "),
        (["MULTIGRID.LONG_CYCLE_SAMPLING_RATE", "8"], "MULTIGRID.LONG_CYCLE_SAMPLING_RATE 8: "),
        (["AUG.ENABLE", "True", "AUG.NUM_SAMPLE", "2"], "AUG.NUM_SAMPLE 2: "),
        (["MODEL.MODEL_NAME", "X3D"], "MULTIGRID.SHORT_CYCLE True: PySlowFast's head of X3D"),
    ])
    func multigridThatCannotBeFollowedIsRefusedByName(options: [String], words: String) {
        let told = SlowFastConfigs.refusal(stepwise, options)
        #expect(told.contains(words), "\(told)")
    }

    @Test(arguments: [
        (["MODEL.MODEL_NAME", "MViT"], "MODEL.MODEL_NAME 'MViT': no network here is built by it"),
        (["MODEL.ARCH", "c2d"], "MODEL.ARCH 'c2d': no network of SlowFast here is of it"),
        (
            ["SLOWFAST.FUSION_KERNEL_SZ", "9"],
            "SLOWFAST.FUSION_KERNEL_SZ 9: no network here has it; slowfast/SLOWFAST_8x8_R50 has 7"
        ),
        (["RESNET.DEPTH", "18"], "RESNET.DEPTH 18: no network here has it"),
        (["RESNET.NUM_GROUPS", "32"], "RESNET.NUM_GROUPS 32: no network here has it; all have 1"),
        (["RESNET.SPATIAL_STRIDES", "[[1, 1], [2, 2], [2, 2], [1, 1]]"], "RESNET.SPATIAL_STRIDES"),
        (["DATA.INPUT_CHANNEL_NUM", "[3, 2]"], "DATA.INPUT_CHANNEL_NUM [3, 2]: "),
        (["TEST.DATASET", "ava"], "TEST.DATASET 'ava': is no data set here"),
        (["TEST.DATASET", "ptvkinetics"], "TEST.DATASET 'ptvkinetics': pytorchvideo's reader"),
        (
            ["TRAIN.ENABLE", "True", "AUG.ENABLE", "True", "AUG.INTERPOLATION", "bilinear", "AUG.RE_COUNT", "2"],
            "AUG.RE_COUNT 2: of several windows"
        ),
        (["DATA.ENSEMBLE_METHOD", "min"], "is neither sum nor max"),
        (["TEST.CHECKPOINT_TYPE", "onnx"], "is no type of checkpoint"),
        (["DATA.MEAN", "[0.45]"], "DATA.MEAN [0.45]: is no list of 3 numbers"),
        (["TEST.ENABLE", "false"], "TEST.ENABLE: is a string ('false'), not True or False"),
        (["TEST.ENABLE", "False"], "are both False: there is nothing to do"),
        (["DATA.NUM_FRAMES", "0"], "DATA.NUM_FRAMES 0: is outside 1...512"),
        (["NUM_GPUS", "7"], "TRAIN.BATCH_SIZE 64: is no multiple of NUM_GPUS, 7"),
        (["DATA.PATH_LABEL_SEPARATOR", ""], "separates nothing"),
        (["DETECTION.ENABLE", "True"], "DETECTION.ENABLE True: videos are classified"),
    ])
    func aValueThatNobodyHereDoesIsRefusedByName(options: [String], told: String) {
        let refusal = SlowFastConfigs.refusal(SlowFastConfigs.slowFast8x8, SlowFastConfigs.seedOptions + options)
        #expect(refusal.contains(told), "\(refusal)")
    }

    @Test(arguments: [
        ("TRAIN:\n  ENABLE: [True\n", "a.yaml:3:1: is not YAML"), ("\tTRAIN: 1\n", "a.yaml:1:1: is not YAML"),
        ("TRAIN:\n  ENABLE: True\n  ENABLE: False\n", "it says ENABLE more than once"),
        ("- 1\n", "a.yaml:1: holds no sections"),
        ("A: &a [1]\nB: *a\n", "a.yaml:2: holds an alias"),
        ("TRAIN:\n  STEPS: [{A: 1}]\n", "a.yaml:2: holds sections inside a list"),
    ])
    func whatIsNoConfigurationIsNamedWithItsLine(text: String, told: String) {
        #expect(SlowFastConfigs.refusal(text).contains(told), "\(SlowFastConfigs.refusal(text))")
    }

    @Test func hostileNestingIsAFault() {
        for depth in [40, 900, 200_000] {
            let text = "A: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            #expect(!SlowFastConfigs.refusal(text).isEmpty)
            #expect(!SlowFastConfigs.refusal(String(repeating: "{A: ", count: depth)).isEmpty)
        }
    }
}

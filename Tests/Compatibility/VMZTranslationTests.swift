import Compatibility
import Configuration
import Faults
import Testing

@Suite struct VMZTranslationTests {
    private func expect(
        _ recipe: Document, _ wanted: KeyValuePairs<String, String>, _ at: SourceLocation = #_sourceLocation
    ) {
        for (key, value) in wanted {
            #expect(recipe.entries[key]?.value.toml == value, "\(key)", sourceLocation: at)
        }
    }

    private func refusal(_ tool: VMZTool, _ words: [String]) -> String {
        do throws(Fault) {
            _ = try VMZTranslation(tool, words)
            return ""
        } catch { return error.description }
    }

    /// scripts/finetune_hmdb51.sh, with the flag that replaced --pretrained_model.
    private let finetuning = [
        "--train_data=/d/hmdb51_train01", "--test_data=/d/hmdb51_test01", "--model_name=r2plus1d", "--model_depth=34",
        "--clip_length_rgb=32", "--batch_size=4", "--load_model_path=/m/r2.5d_d34_l32.pkl", "--db_type=pickle",
        "--is_checkpoint=0", "--gpus=0,1,2,3,4,5,6,7", "--base_learning_rate=0.0002", "--epoch_size=40000",
        "--num_epochs=8", "--step_epoch=2", "--weight_decay=0.005", "--num_labels=51",
    ]

    @Test func finetuningIsARecipe() throws {
        let translation = try VMZTranslation(.trainNet, finetuning)
        guard case .train(let training) = translation.task else { return #expect(Bool(false), "\(translation.task)") }
        #expect(training.trainData == "/d/hmdb51_train01" && training.testData == "/d/hmdb51_test01")
        #expect(training.initialWeights == "/m/r2.5d_d34_l32.pkl" && training.run == "/tmp/simple_c3d")
        #expect(translation.immaterial == ["--db_type"])
        // A GPU's batch is a unit, and VMZ multiplies the rate by the GPUs.
        expect(
            training.recipe,
            [
                "model.name": "\"r2plus1d-34\"", "model.classes": "51", "input.frames": "32", "batch.units": "8",
                "batch.clips_per_unit": "4", "optimizer.learning_rate": "0.0016", "optimizer.weight_decay": "0.005",
                "schedule.epochs": "8", "schedule.clips_per_epoch": "40000", "schedule.step_epochs": "2",
                "schedule.kind": "\"steps\"", "input.resize": "\"short-edge\"", "input.short_edges": "[128, 160]",
                "input.crop": "112",
            ])
    }

    /// `epoch_size // (batch_size * num_gpus)` steps an epoch, and rates change after whole ones.
    @Test(
        arguments: [
            ([], 32, 40_000), (["--epoch_size=40031"], 32, 40_000), (["--epoch_size=32"], 32, 32),
            (["--epoch_size=110000", "--batch_size=24"], 192, 109_824),
            (["--epoch_size=110000", "--gpus=0"], 4, 110_000),
        ] as [([String], Int, Int)])
    func anEpochHasWholeSteps(words: [String], clipsOfAStep: Int, clips: Int) throws {
        guard case .train(let training) = try VMZTranslation(.trainNet, finetuning + words).task else {
            return #expect(Bool(false), "\(words)")
        }
        #expect(clips.isMultiple(of: clipsOfAStep))
        expect(training.recipe, ["schedule.clips_per_epoch": "\(clips)"])
    }

    /// VMZ's nets for tests scale by scale_h and scale_w, whatever the jitter of training.
    @Test(
        arguments: [
            ([], nil), (["--jitter_scales=112,128,160"], "128"), (["--jitter_scales=160,128"], "128"),
            (["--jitter_scales=256,320", "--scale_h=256", "--scale_w=342", "--crop_size=224"], nil),
            // No crop fits into it.
            (["--jitter_scales=256,320", "--crop_size=224"], nil),
        ] as [([String], String?)])
    func whatIsTrainedAtSeveralScalesIsTestedAtOne(words: [String], edge: String?) throws {
        guard case .train(let training) = try VMZTranslation(.trainNet, finetuning + words).task else {
            return #expect(Bool(false), "\(words)")
        }
        #expect(training.recipe.entries["test.short_edge"]?.value.toml == edge)
    }

    @Test func theLargeTestHasItsOwnHeadAndCrops() throws {
        // scripts/test_irCSN_152_kinetics.sh.
        let translation = try VMZTranslation(
            .testNetLarge,
            [
                "--test_data", "/d/val", "--model_name=ir-csn", "--model_depth=152", "--gpus=0", "--num_labels=400",
                "--batch_size=1", "--use_pool1=1", "--clip_length_rgb=32", "--sampling_rate_rgb=2", "--scale_w=342",
                "--scale_h=256", "--crop_size=256", "--video_res_type=1", "--use_convolutional_pred=1",
                "--crop_per_inference=1", "--crop_per_clip=3", "--clip_per_video=10", "--use_local_file=1",
                "--load_model_path=/m/irCSN_152.pkl",
            ])
        guard case .test(let testing) = translation.task else { return #expect(Bool(false), "\(translation.task)") }
        #expect(testing.testData == "/d/val" && testing.weights == "/m/irCSN_152.pkl")
        #expect(translation.immaterial == ["--batch_size", "--crop_per_inference", "--use_local_file"])
        expect(
            testing.recipe,
            [
                "model.name": "\"ir-csn-152\"", "model.pool1": "true", "input.sampling_rate": "2",
                "input.short_edges": "[256]", "input.crop": "224", "test.crop": "256", "test.protocol": "\"vmz-large\"",
                "test.crops": "3", "test.clips": "10",
            ])
    }

    @Test func databasesAndConversionsAreTheirFiles() throws {
        let database = try VMZTranslation(
            .createVideoDB,
            [
                "--list_file=a.csv", "--output_file=db", "--use_list=1", "--use_video_id=1", "--use_start_frame=1",
                "--num_epochs=3",
            ])
        guard case .createDatabase(let task) = database.task else { return #expect(Bool(false)) }
        #expect(task.holdsPaths && task.hasVideoIDs && task.hasStartFrames && task.copies == 3)
        #expect(task.list == "a.csv" && task.output == "db")
        let conversion = try VMZTranslation(
            .minidbToPickle, ["--load_model_path=a_8.mdl", "--save_model_path=a.pkl"])
        guard case .convert("a_8.mdl", "a.pkl") = conversion.task else { return #expect(Bool(false)) }
        // As VMZ asserts.
        #expect(
            refusal(.createVideoDB, ["--list_file=a", "--output_file=b", "--num_epochs=2"]).contains(
                "--num_epochs=2: VMZ does it for paths only"))
    }

    @Test(arguments: [
        (["--input_type=1"], "--input_type=1: pictures are the input: optical flow"),
        (["--input_type=2"], "sound (2, 3)"), (["--num_channels=2"], "--num_channels=2: pictures have three channels"),
        (["--g_blend=1"], "--g_blend=1: gradient blending"),
        (["--model_name=av_resnet-ip-csn"], "--model_name=av_resnet-ip-csn: it hears sound"),
        (["--model_name=r2plus2d"], "did you mean 'r2plus1d'?"),
        (["--model_depth=19"], "--model_depth=19: r2plus1d has no such depth"),
        (["--multi_label=1"], "--multi_label=1: a video has one label"),
        (["--video_res_type=2"], "--video_res_type=2: frames are scaled"),
        (["--is_checkpoint=1"], "cannot be continued"),
        (["--jitter_scales=a,b"], "--jitter_scales=a,b: is no list of sizes"),
        (["--batch_size=four"], "--batch_size: 'four' is not a whole number"),
        (["--epoch_size=31"], "--epoch_size=31: is less than the 32 clips of one step"),
        (["--gpus="], "--gpus=: names no GPU"),
        (["--pretrained_model=a.pkl"], "--pretrained_model: VMZ's train_net has no such flag"),
        (["--num_epoch=8"], "did you mean --num_epochs?"), (["loose"], "loose: belongs to no flag"),
        (["--gamma"], "--gamma: has no value"),
    ])
    func whatNobodyHereDoesIsRefusedByName(words: [String], told: String) {
        let refusal = refusal(.trainNet, finetuning + words)
        #expect(refusal.contains(told), "\(refusal)")
    }

    @Test func everythingIsToldAtOnce() {
        let told = refusal(.trainNet, ["--g_blend=1", "--input_type=3", "--depth=18"])
        for part in ["--train_data: is missing", "--g_blend=1", "--input_type=3", "--depth: "] {
            #expect(told.contains(part), "\(told)")
        }
        #expect(told.contains("4 settings cannot be followed"))
    }
}

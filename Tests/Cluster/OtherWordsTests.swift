import Checkpoints
import Export
import Foundation
import Models
import Randomness
import Storage
import TestSupport
import Testing

/// `zoetrope slowfast` and `zoetrope vmz` as a user runs them, on loose videos of the motion data set.
@Suite(.serialized) struct OtherWordsTests {
    /// A few videos of two classes, and a list of them with a path that is not there.
    private func videos(_ folder: String) throws -> [(path: String, label: Int)] {
        let made = try Program.run(
            "data", "synth", "--out", folder + "/motion", "--classes", "2", "--clips-per-class", "2", "--seconds", "1",
            "--size", "64", "--seed", "5")
        try #require(made.status == 0, "\(made.errors)")
        let lines = try text(of: folder + "/motion/train.csv").split(separator: "\n").dropFirst()
        return lines.compactMap { line in
            let fields = line.split(separator: ",")
            return Int(fields[1]).map { ("\(folder)/motion/\(fields[0])", $0) }
        }
    }

    /// A network's random weights as PySlowFast's Caffe2 zoo has them.
    private func writePickle(_ name: String, frames: Int, size: Int, to path: String) throws {
        let network = try NetworkDescription(named: name, classes: 400, frames: frames, size: size)
        var place: UInt64 = 0
        let tensors = try network.checkpointTensors(batches: nil) { tensor in
            guard let shape = shape(tensor, network) else { return nil }
            place += 1
            let draws = Draws(seed: 7, place: place, purpose: .initialWeights)
            // Small weights round 0, scales and variances round 1: activations neither vanish nor grow.
            let isScale = tensor.hasSuffix("bn.weight") || tensor.hasSuffix("running_var")
            let fan = Float(max(1, shape.dropFirst().reduce(1, *)))
            let width = isScale ? 0.5 : (3 / fan).squareRoot()
            return (0..<shape.reduce(1, *)).map { (isScale ? 1 : 0) + width * (draws.uniform($0) - 0.5) * 2 }
        }
        let blobs = try NameMap.names(tensors.map(\.name), from: .slowfast, to: .slowfastBlobs)
        let named = tensors.map {
            CheckpointTensor(
                name: blobs[$0.name] ?? $0.name, shape: $0.shape, elementType: $0.elementType, bytes: $0.bytes)
        }
        try Checkpoint(path: path, format: .caffe2Pickle, tensors: named, metadata: [:]).write(
            to: path, as: .caffe2Pickle)
    }

    private func shape(_ name: String, _ network: NetworkDescription) -> [Int]? {
        if let parameter = network.parameters.first(where: { $0.name == name }) { return parameter.shape }
        let norm = network.statistics.first { $0.meanName == name || $0.varianceName == name }
        return norm.map { [$0.C] }
    }

    /// The seed's command line, paths and sizes aside: clips of 8 frames of 64 pixels keep it short.
    @Test func theSeedsSlowFastCommandTestsACaffe2PickleOnLooseFiles() throws {
        try withTemporaryFolder { folder in
            let videos = try videos(folder)
            try makeDirectories(folder + "/lists")
            try writeWhole(
                videos.map { "\($0.path) \($0.label)\n" }.joined() + "\(folder)/gone.mp4 1\n",
                to: folder + "/lists/test.csv")
            try writePickle("slowfast/SLOWFAST_8x8_R50", frames: 8, size: 64, to: folder + "/SLOWFAST_8x8_R50.pkl")
            try writeWhole(Self.configuration, to: folder + "/SLOWFAST_8x8_R50.yaml")
            let own = ["slowfast", "--json", "--cfg", folder + "/SLOWFAST_8x8_R50.yaml"]
            let seed = [
                "DATA.PATH_TO_DATA_DIR", folder + "/lists/", "TEST.CHECKPOINT_FILE_PATH",
                folder + "/SLOWFAST_8x8_R50.pkl", "TRAIN.ENABLE", "False", "TEST.ENABLE", "True",
                "TEST.CHECKPOINT_TYPE", "caffe2", "DATA_LOADER.NUM_WORKERS", "2",
            ]
            let small = [
                "DATA.NUM_FRAMES", "8", "DATA.TRAIN_CROP_SIZE", "64", "DATA.TEST_CROP_SIZE", "64",
                "DATA.TRAIN_JITTER_SCALES", "[64, 80]", "OUTPUT_DIR", folder + "/out",
            ]
            let first = try Program.start(own + ["--opts"] + seed + small).wait()
            try #require(first.status == 0, "\(first.errors)")
            #expect(first.json["videos"] as? Int == videos.count, "\(first.output)")
            #expect(first.json["clips"] as? Int == 30 * videos.count)
            let accuracy = try #require(first.json["video_top1"] as? Double)
            #expect((0...1).contains(accuracy))
            #expect(first.errors.contains("of no matter here"))
            #expect(first.errors.contains("DATA_LOADER.NUM_WORKERS"))
            #expect(first.errors.contains("gone.mp4"), "\(first.errors)")
            #expect(first.errors.contains("packing the videos into \(folder)/lists/zoetrope-cache/test-"))

            // As PySlowFast's documentation has it, without --opts; nothing is packed again.
            let second = try Program.start(own + seed + small).wait()
            try #require(second.status == 0, "\(second.errors)")
            #expect(second.errors.contains("packed before"), "\(second.errors)")
            #expect(second.json["video_top1"] as? Double == accuracy)

            // What the recipe says by itself.
            let set = try #require(
                second.errors.split(separator: "\n").first { $0.contains("packed before") }?.split(separator: " ")
                    .first { $0.contains("zoetrope-cache") }?.dropLast())
            let same = try Program.run(
                "test", folder + "/out/SLOWFAST_8x8_R50.toml", "--checkpoint", folder + "/SLOWFAST_8x8_R50.pkl",
                "--data", String(set), "--split", "test", "--json")
            try #require(same.status == 0, "\(same.errors)")
            #expect(same.json["video_top1"] as? Double == accuracy)

            // A missing checkpoint is no test of random weights.
            let missing = try Program.start(
                own + ["--opts"] + seed + ["TEST.CHECKPOINT_FILE_PATH", "", "OUTPUT_DIR", folder + "/new"]
            ).wait()
            #expect(missing.status == 64 && missing.errors.contains("random weights"), "\(missing.errors)")
            let wrong = try Program.start(own + ["--opts"] + seed + ["SOLVER.LARS", "True", "MASK.ENABLE", "True"])
                .wait()
            #expect(wrong.status == 64)
            #expect(wrong.errors.contains("SOLVER.LARS: PySlowFast has no such key"), "\(wrong.errors)")
        }
    }

    /// A set that is found again is not packed without a video that the next reading may give.
    @Test func aVideoThatCannotBeReadIsToldOfEachTimeAndTriedAgain() throws {
        try withTemporaryFolder { folder in
            let videos = try videos(folder)
            try makeDirectories(folder + "/lists")
            // Reading a folder fails, as a disk may.
            try makeDirectories(folder + "/unread.mp4/file")
            try writeWhole(
                videos.map { "\($0.path) \($0.label)\n" }.joined() + "\(folder)/unread.mp4 1\n",
                to: folder + "/lists/test.csv")
            try writeWhole(Self.configuration, to: folder + "/SLOWFAST_8x8_R50.yaml")
            for _ in 0..<2 {
                let ended = try Program.run(
                    "slowfast", "--cfg", folder + "/SLOWFAST_8x8_R50.yaml", "--opts", "DATA.PATH_TO_DATA_DIR",
                    folder + "/lists", "TEST.CHECKPOINT_FILE_PATH", folder + "/none.pkl", "TEST.CHECKPOINT_TYPE",
                    "caffe2", "TRAIN.ENABLE", "False", "OUTPUT_DIR", folder + "/out")
                #expect(ended.status == 75, "\(ended.errors)")
                #expect(ended.errors.contains("unread.mp4: cannot "), "\(ended.errors)")
            }
        }
    }

    /// What configs/Kinetics/SLOWFAST_8x8_R50.yaml says of the network and of testing.
    private static let configuration = """
        TRAIN: {ENABLE: True, BATCH_SIZE: 64}
        DATA:
          NUM_FRAMES: 32
          SAMPLING_RATE: 2
          TRAIN_CROP_SIZE: 224
          TEST_CROP_SIZE: 256
          INPUT_CHANNEL_NUM: [3, 3]
        SLOWFAST: {ALPHA: 4, BETA_INV: 8, FUSION_CONV_CHANNEL_RATIO: 2, FUSION_KERNEL_SZ: 7}
        RESNET:
          ZERO_INIT_FINAL_BN: True
          DEPTH: 50
          NUM_BLOCK_TEMP_KERNEL: [[3, 3], [4, 4], [6, 6], [3, 3]]
          SPATIAL_STRIDES: [[1, 1], [2, 2], [2, 2], [2, 2]]
          SPATIAL_DILATIONS: [[1, 1], [1, 1], [1, 1], [1, 1]]
        SOLVER: {WEIGHT_DECAY: 1e-4, WARMUP_EPOCHS: 34.0}
        MODEL: {NUM_CLASSES: 400, ARCH: slowfast, MODEL_NAME: SlowFast}
        TEST: {ENABLE: True, BATCH_SIZE: 64}
        DATA_LOADER: {NUM_WORKERS: 8, PIN_MEMORY: True}
        NUM_GPUS: 8
        RNG_SEED: 0
        """

    /// X3D as its configuration says, but small: two units of two clips, an epoch of them, then the test.
    @Test func aConfigurationTrainsAndTestsWhatItTrained() throws {
        try withTemporaryFolder { folder in
            let videos = try videos(folder)
            try makeDirectories(folder + "/lists")
            // A comma, and paths from a prefix.
            let list = videos.map { "\($0.path.dropFirst(folder.count + 1)),\($0.label)\n" }.joined()
            for split in ["train", "val", "test"] { try writeWhole(list, to: "\(folder)/lists/\(split).csv") }
            try writeWhole(
                """
                TRAIN: {BATCH_SIZE: 4, EVAL_PERIOD: 1, CHECKPOINT_PERIOD: 1}
                X3D: {WIDTH_FACTOR: 2.0, DEPTH_FACTOR: 2.2, BOTTLENECK_FACTOR: 2.25, DIM_C5: 2048, DIM_C1: 12}
                DATA: {NUM_FRAMES: 4, SAMPLING_RATE: 2, INPUT_CHANNEL_NUM: [3], PATH_LABEL_SEPARATOR: ","}
                RESNET: {ZERO_INIT_FINAL_BN: True, TRANS_FUNC: x3d_transform}
                SOLVER: {MAX_EPOCH: 1, WEIGHT_DECAY: 5e-5}
                MODEL: {NUM_CLASSES: 2, ARCH: x3d, MODEL_NAME: X3D}
                BN: {USE_PRECISE_STATS: True, NUM_BATCHES_PRECISE: 2}
                NUM_GPUS: 2
                """, to: folder + "/X3D_XS.yaml")
            let arguments = [
                "slowfast", "--json", "--cfg", folder + "/X3D_XS.yaml", "--opts", "DATA.PATH_TO_DATA_DIR",
                folder + "/lists", "DATA.PATH_PREFIX", folder, "DATA.TRAIN_CROP_SIZE", "32", "DATA.TEST_CROP_SIZE",
                "32",
                "DATA.TRAIN_JITTER_SCALES", "[32, 40]", "OUTPUT_DIR", folder + "/run",
            ]
            let first = try Program.start(arguments).wait()
            try #require(first.status == 0, "\(first.errors)")
            #expect(first.json["videos"] as? Int == videos.count, "\(first.output)")
            #expect(pathExists(folder + "/run/checkpoints") && pathExists(folder + "/run/precise.safetensors"))
            #expect(try text(of: folder + "/run/validation.jsonl").split(separator: "\n").count == 1)
            let recipe = try text(of: folder + "/run/X3D_XS.toml")
            for line in ["units = 2  # ", "clips_per_unit = 2  # ", "name = \"slowfast/X3D_XS\"  # "] {
                #expect(recipe.contains(line), "\(line)")
            }
            // Run again, it finds the finished run and says the same.
            let second = try Program.start(arguments).wait()
            try #require(second.status == 0, "\(second.errors)")
            #expect(second.output.split(separator: "\n").last == first.output.split(separator: "\n").last)
        }
    }

    @Test func vmzsProgramsFromAListToATestedNetwork() throws {
        try withTemporaryFolder { folder in
            func vmz(_ words: String...) throws -> Program.Result {
                let result = try Program.start(["vmz", "--json"] + words).wait()
                try #require(result.status == 0, "\(result.errors)")
                return result
            }
            let videos = try videos(folder)
            try writeWhole(
                "org_video,label,start_frm,video_id\n"
                    + videos.enumerated().map { "\($1.path),\($1.label),0,\($0)\n" }.joined(),
                to: folder + "/list.csv")
            let database = try vmz(
                "create_video_db", "--list_file=\(folder)/list.csv", "--output_file", folder + "/db", "--use_list=1",
                "--use_video_id=1", "--num_epochs=3")
            #expect(database.json["records"] as? Int == 3 * videos.count)

            let network = [
                "--model_name=r2plus1d", "--model_depth=10", "--clip_length_rgb=4", "--crop_size=32", "--scale_h=32",
                "--scale_w=32", "--video_res_type=0", "--num_labels=2", "--use_local_file=1",
            ]
            let trained = try Program.start(
                ["vmz", "--json", "train_net", "--train_data=\(folder)/db", "--test_data=\(folder)/db"] + network + [
                    "--jitter_scales=32,40", "--batch_size=2", "--num_gpus=2", "--epoch_size=4", "--num_epochs=2",
                    "--base_learning_rate=0.01", "--file_store_path=\(folder)/runs", "--save_model_name=r10",
                ]
            ).wait()
            try #require(trained.status == 0, "\(trained.errors)")
            #expect(trained.json["videos"] as? Int == videos.count, "\(trained.output)")
            let accuracy = try #require(trained.json["video_top1"] as? Double)

            // The weights as VMZ's two formats, and what its test says of them.
            let run = folder + "/runs/r10"
            let minidb = try Program.run(
                "model", "convert", run, "--to", "caffe2-minidb", "--out", folder + "/r10_2.mdl")
            try #require(minidb.status == 0, "\(minidb.errors)")
            _ = try vmz(
                "minidb_to_pickle", "--load_model_path=\(folder)/r10_2.mdl", "--save_model_path=\(folder)/r10.pkl")
            let tested = try Program.start(
                ["vmz", "--json", "test_net", "--test_data=\(folder)/db", "--load_model_path=\(folder)/r10.pkl"]
                    + network
            ).wait()
            try #require(tested.status == 0, "\(tested.errors)")
            #expect(tested.json["video_top1"] as? Double == accuracy)
            #expect(tested.json["clips"] as? Int == 10 * videos.count)

            let features = try Program.start(
                ["vmz", "--json", "extract_features", "--test_data=\(folder)/db"] + network + [
                    "--load_model_path=\(folder)/r10.pkl", "--features=softmax,final_avg,comp_1_conv_1,label,video_id",
                    "--decode_type=1", "--clip_per_video=2",
                ]
            ).wait()
            try #require(features.status == 0, "\(features.errors)")
            let rows = 2 * videos.count
            #expect(features.json["rows"] as? Int == rows && !pathExists(folder + "/features.pickle.safetensors"))
            let arrays = try Checkpoint.read(folder + "/features.pickle")
            #expect(
                arrays.tensors.map(\.shape) == [
                    [rows, 2], [rows, 512, 1, 1, 1], [rows, 128, 2, 8, 8], [rows], [rows],
                ])
            #expect(try arrays.tensors[0].floats().reduce(0, +) - Float(rows) < 1e-4)
            #expect(arrays.tensors[3].elementType == .i32 && arrays.tensors[4].elementType == .i64)
            let ids = try arrays.tensors[4].floats().map { Int($0) }
            try #require(ids.sorted() == (0..<rows).map { $0 / 2 })
            #expect(try arrays.tensors[3].floats().map { Int($0) } == ids.map { videos[$0].label })

            let help = try Program.run("vmz", "train_net", "--help")
            #expect(help.status == 0 && help.output.contains("USAGE: zoetrope vmz "), "\(help.errors)")
            let refused = try Program.start(
                ["vmz", "train_net", "--train_data=\(folder)/db", "--input_type=1", "--g_blend=1"]).wait()
            #expect(refused.status == 64)
            for name in ["--input_type=1: ", "optical flow", "--g_blend=1: "] {
                #expect(refused.errors.contains(name), "\(refused.errors)")
            }
        }
    }

    /// Whatever stands behind it.
    @Test(arguments: [
        (["traim", "recipe.toml", "--data", "data"], "traim: is no command of zoetrope; did you mean 'train'?"),
        (["data", "synht", "--out", "data"], "synht: is no command of zoetrope data; did you mean 'synth'?"),
        (["scores", "nothingofthesort"], "nothingofthesort: is no command of zoetrope scores; known are fuse, show"),
    ])
    func aMistypedCommandIsToldTheNearest(words: [String], said: String) throws {
        let result = try Program.start(words).wait()
        #expect(result.status == 64 && result.errors == "zoetrope: \(said)\n", "\(result.errors)")
    }
}

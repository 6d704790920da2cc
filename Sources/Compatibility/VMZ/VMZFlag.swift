/// The programs of VMZ whose flags are understood.
public enum VMZTool: String, Sendable, CaseIterable {
    case trainNet = "train_net"
    case testNet = "test_net"
    case testNetLarge = "test_net_large"
    case extractFeatures = "extract_features"
    case createVideoDB = "create_video_db"
    case minidbToPickle = "minidb_to_pickle"
}

/// A flag of one of VMZ's programs (facebookresearch/VMZ, c2/, at 4cc542d) and what becomes of it.
public struct VMZFlag: Sendable {
    /// Without the dashes.
    public let name: String
    /// What VMZ takes where nothing is said; values of other kinds are refused. None: a string that must be given, or may be
    /// missing.
    public let standard: Literal
    public let isRequired: Bool
    public let treatment: Treatment

    init(_ name: String, _ standard: Literal, _ treatment: Treatment, required: Bool = false) {
        self.name = name
        self.standard = standard
        self.isRequired = required
        self.treatment = treatment
    }

    /// The flags of `tool`, in groups that tools share.
    public static func all(of tool: VMZTool) -> [VMZFlag] {
        switch tool {
        case .trainNet: training + network(frames: 16, scaling: 1) + elsewhere + sound
        case .testNet: testing(batch: 6) + network(frames: 16, scaling: 0) + elsewhere + convolutional
        case .testNetLarge:
            testing(batch: 1) + network(frames: 16, scaling: 0) + elsewhere + convolutional + [
                .init("crop_per_inference", .integer(1), .immaterial("memory is planned otherwise"))
            ]
        case .extractFeatures: features + network(frames: 4, scaling: 0) + elsewhere + convolutional
        case .createVideoDB: database
        case .minidbToPickle: conversion
        }
    }

    /// What every program that runs a network takes.
    private static func network(frames: Int, scaling: Int) -> [VMZFlag] {
        [
            .init(
                "model_name", .string("r2plus1d"),
                .honoured("with `--model_depth`, `model.name`; networks with sound are refused")),
            .init("model_depth", .integer(18), .honoured("with `--model_name`, `model.name`")),
            .init(
                "gpus", .none,
                .honoured("how many: `batch.units` of training, what scales its rate; in tests of no matter")),
            .init("num_gpus", .integer(1), .honoured("where `--gpus` is not given")),
            .init("scale_h", .integer(128), .honoured("`input.height`; of short edges the smaller of the two")),
            .init("scale_w", .integer(171), .honoured("`input.width`; of short edges the smaller of the two")),
            .init("crop_size", .integer(112), .honoured("`input.crop`; of tests `test.crop`")),
            .init("clip_length_rgb", .integer(frames), .honoured("`input.frames`")),
            .init("sampling_rate_rgb", .integer(1), .honoured("`input.sampling_rate`")),
            .init("num_labels", .integer(101), .honoured("`model.classes`")),
            .init("channel_multiplier", .real(1), .honoured("`model.channel_multiplier`")),
            .init("bottleneck_multiplier", .real(1), .honoured("`model.bottleneck_multiplier`")),
            .init("use_dropout", .integer(0), .honoured("`model.dropout = 0.5`")),
            .init("conv1_temporal_stride", .integer(1), .honoured("`model.conv1_temporal_stride`")),
            .init("conv1_temporal_kernel", .integer(3), .honoured("`model.conv1_temporal_kernel`")),
            .init(
                "video_res_type", .integer(scaling),
                .honoured("`input.resize`: 0 exact, 1 short edge; 2, as they are, is refused")),
            .init("use_pool1", .integer(0), .honoured("`model.pool1`")),
            .init("use_local_file", .integer(0), .immaterial("a record tells whether it holds a video or a path")),
            .init("multi_label", .integer(0), .only("a video has one label")),
            .init("get_video_id", .integer(0), .immaterial("videos have names here")),
            .init(
                "pred_layer_name", .none, .immaterial("VMZ does not read it; the last layer is found by its classes")),
            .init("use_cudnn", .integer(1), .immaterial("there is no GPU")),
            .init(
                "num_decode_threads", .integer(4),
                .immaterial("decoding has threads of its own, `worker.decode_threads`")),
            .init("display_iter", .integer(10), .immaterial("every step is told")),
            .init("db_type", .none, .immaterial("the bytes of the file tell which format it is")),
        ]
    }

    /// Optical flow.
    private static let elsewhere: [VMZFlag] = {
        let reason = Treatment.immaterial("read for optical flow only, which `--input_type` refuses")
        return [
            .init(
                "input_type", .integer(0),
                .only("pictures are the input: optical flow (1) and sound (2, 3) are not computed")),
            .init("num_channels", .integer(3), .only("pictures have three channels; two are optical flow's")),
            .init("clip_length_of", .integer(8), reason), .init("sampling_rate_of", .integer(2), reason),
            .init("frame_gap_of", .integer(2), reason), .init("flow_data_type", .integer(0), reason),
            .init("do_flow_aggregation", .integer(0), reason),
        ]
    }()

    private static let sound: [VMZFlag] = {
        let reason = Treatment.immaterial("read with `--g_blend=1` only, which is refused")
        return [
            .init(
                "g_blend", .integer(0),
                .only("gradient blending trains on pictures and sound, and sound is not an input here")),
            .init("audio_weight", .real(0), reason), .init("visual_weight", .real(0), reason),
            .init("av_weight", .real(1), reason),
            .init("audio_input_3d", .integer(0), .immaterial("read for sound only, which `--input_type` refuses")),
        ]
    }()

    private static let convolutional: [VMZFlag] = [
        .init(
            "use_convolutional_pred", .integer(0),
            .honoured("`test.head`: scores at every place, and VMZ's one softmax over all of them")),
        .init("crop_per_clip", .integer(1), .honoured("`test.crops`")),
    ]

    private static let training: [VMZFlag] = [
        .init("train_data", .none, .honoured("a database of create_video_db, packed into a cache"), required: true),
        .init(
            "test_data", .none,
            .honoured(
                "the same; after each epoch a clip of each video is tested, and at the end all of it, VMZ's small way")),
        .init("batch_size", .integer(32), .honoured("of one GPU: `batch.clips_per_unit`")),
        .init("epoch_size", .integer(110000), .honoured("`schedule.clips_per_epoch`, rounded down to whole steps")),
        .init("num_epochs", .integer(50), .honoured("`schedule.epochs`")),
        .init("base_learning_rate", .real(0.003), .honoured("of one GPU: times as many, `optimizer.learning_rate`")),
        .init("step_epoch", .integer(10), .honoured("`schedule.step_epochs`")),
        .init("gamma", .real(0.1), .honoured("`schedule.gamma`")),
        .init("weight_decay", .real(0.005), .honoured("`optimizer.weight_decay`")),
        .init("file_store_path", .string("/tmp"), .honoured("with `--save_model_name`, the folder of the run")),
        .init("save_model_name", .string("simple_c3d"), .honoured("with `--file_store_path`, the folder of the run")),
        .init("load_model_path", .none, .honoured("`model.weights`")),
        .init(
            "is_checkpoint", .integer(1),
            .honoured(
                "0: `--load_model_path` is where training begins; with 1 it is refused, because a run is continued from its own folder"
            )),
        .init("jitter_scales", .string("128,160"), .honoured("`input.short_edges`, with `--video_res_type=1`")),
        .init("cudnn_workspace_limit_mb", .integer(64), .immaterial("there is no GPU")),
        .init("profiling", .integer(0), .immaterial("`zoetrope bench step` measures each layer")),
    ]

    private static func testing(batch: Int) -> [VMZFlag] {
        [
            .init("test_data", .none, .honoured("a database of create_video_db, packed into a cache"), required: true),
            .init("load_model_path", .none, .honoured("`--checkpoint`"), required: true),
            .init("num_iter", .integer(0), .only("every video is tested once")),
            .init("batch_size", .integer(batch), .immaterial("batch norm does not see it in a test")),
            .init("clip_per_video", .integer(10), .honoured("`test.clips`")),
            .init("top_k", .integer(5), .only("video@1 and video@5 are told")),
            .init("aggregation", .integer(0), .honoured("`test.aggregate`: 0 the mean, 1 the maximum")),
            .init(
                "print_per_class_metrics", .integer(0),
                .immaterial("VMZ reads it for several labels only, which `--multi_label` refuses")),
        ]
    }

    private static let features: [VMZFlag] = [
        .init("test_data", .none, .honoured("a database of create_video_db"), required: true),
        .init("load_model_path", .none, .honoured("`--checkpoint`"), required: true),
        .init(
            "output_path", .none,
            .honoured("the pickle; without it, `features.pickle` beside the database, and not in its folder")),
        .init(
            "features", .string("final_avg"),
            .honoured("names of blobs: of layers, `softmax`, `label`, `video_id`, `start_frame`")),
        .init("decode_type", .integer(2), .honoured("1: clips spread evenly; 2: the start frame of the list")),
        .init("clip_per_video", .integer(1), .honoured("with `--decode_type=1`")),
        .init("num_iterations", .integer(-1), .only("every clip has its row, those of the last batch too")),
        .init("save_h5", .integer(0), .only("a pickle is written; `zoetrope features` writes safetensors and npy")),
        .init("batch_size", .integer(32), .immaterial("batch norm does not see it in a test")),
        .init("get_start_frame", .integer(0), .immaterial("`--features` asks for it")),
        .init("sanity_check", .integer(0), .immaterial("`zoetrope test` tells the accuracy")),
    ]

    private static let database: [VMZFlag] = [
        .init(
            "list_file", .none, .honoured("a list with the columns org_video, label, start_frm, video_id"),
            required: true),
        .init("output_file", .none, .honoured("the database"), required: true),
        .init("use_list", .integer(0), .honoured("1: paths instead of videos")),
        .init("use_video_id", .integer(0), .honoured("1: with the column video_id")),
        .init("use_start_frame", .integer(0), .honoured("1: with the column start_frm")),
        .init("num_epochs", .integer(1), .honoured("so many copies, each in an order of its own; with paths only")),
    ]

    private static let conversion: [VMZFlag] = [
        .init("load_model_path", .none, .honoured("the file to read"), required: true),
        .init("save_model_path", .none, .honoured("the file to write, as a Caffe2 pickle"), required: true),
        .init("db_type", .string("minidb"), .immaterial("the bytes of the file tell which format it is")),
    ]
}

extension VMZFlag {
    /// The table of docs/from-vmz.md: each flag once, where programs agree about it.
    public static var markdown: String {
        struct Row {
            var tools: [VMZTool]
            let flag: VMZFlag
        }
        var rows: [Row] = []
        for tool in VMZTool.allCases {
            for flag in all(of: tool) {
                let same = rows.firstIndex {
                    $0.flag.name == flag.name && $0.flag.standard == flag.standard
                        && $0.flag.treatment == flag.treatment
                }
                if let same { rows[same].tools.append(tool) } else { rows.append(Row(tools: [tool], flag: flag)) }
            }
        }
        // By name, where they came first.
        var order: [String: Int] = [:]
        for (index, row) in rows.enumerated() where order[row.flag.name] == nil { order[row.flag.name] = index }
        rows = rows.enumerated().sorted { a, b in
            let (x, y) = (order[a.element.flag.name] ?? 0, order[b.element.flag.name] ?? 0)
            return (x, a.offset) < (y, b.offset)
        }.map(\.element)
        var lines = ["| flag | of | default | here |", "|---|---|---|---|"]
        for row in rows {
            let standard =
                switch row.flag.standard {
                case .none: row.flag.isRequired ? "must be given" : ""
                case .string(let text): "`\(text)`"
                default: "`\(row.flag.standard)`"
                }
            let tools = row.tools.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            lines.append("| `--\(row.flag.name)` | \(tools) | \(standard) | \(row.flag.treatment.cell) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

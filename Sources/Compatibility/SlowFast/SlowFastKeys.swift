// Defaults are those of slowfast/config/defaults.py at 287ec00.

extension SlowFastKey {
    static let training: [SlowFastKey] = [
        .init("TRAIN.ENABLE", "True", .honoured("whether to train")),
        .init("TRAIN.DATASET", "'kinetics'", .honoured("`kinetics` is read; other data sets are refused")),
        .init(
            "TRAIN.BATCH_SIZE", "64",
            .honoured(
                "of one machine: `batch.clips_per_unit` = `TRAIN.BATCH_SIZE` / `NUM_GPUS`, the clips of a batch norm")),
        .init(
            "TRAIN.EVAL_PERIOD", "10",
            .honoured("`validation.every_epochs`, on `val.csv`: a clip of each video, without its random crop and flip")
        ),
        .init("TRAIN.CHECKPOINT_PERIOD", "10", .honoured("`checkpoint.every_steps`; the newest three are kept")),
        .init("TRAIN.AUTO_RESUME", "True", .only("a run in `OUTPUT_DIR` is always continued", during: .training)),
        .init(
            "TRAIN.CHECKPOINT_FILE_PATH", "''",
            .honoured("`model.weights`; of a test that names no other file, the weights")),
        .init("TRAIN.CHECKPOINT_TYPE", "'pytorch'", .immaterial("the bytes of the file tell which format it is")),
        .init("TRAIN.CHECKPOINT_INFLATE", "False", .honoured("`model.inflate = \"repeat\"`")),
        .init(
            "TRAIN.CHECKPOINT_EPOCH_RESET", "False",
            .immaterial("training from a file begins at epoch 0; a run is continued from its own folder")),
        .init("TRAIN.CHECKPOINT_CLEAR_NAME_PATTERN", "()", .only("names are found by the table of docs/finetuning.md")),
        .init(
            "TRAIN.MIXED_PRECISION", "False",
            .only("there is no float16 here; `numerics.compute = \"bf16\"` of a recipe is", during: .training)),
        .init("TRAIN.CHECKPOINT_IN_INIT", "False", .only("only MViT begins from the patches of a picture network")),
        .init(
            "TRAIN.KILL_LOSS_EXPLOSION_FACTOR", "0.0",
            .only("a loss that is not finite skips its step; no factor stops a run", during: .training)),
    ]

    static let testing: [SlowFastKey] = [
        .init("TEST.ENABLE", "True", .honoured("whether to test, after training if both are asked for")),
        .init("TEST.DATASET", "'kinetics'", .honoured("`kinetics` is read; other data sets are refused")),
        .init(
            "TEST.BATCH_SIZE", "8",
            .immaterial("views are scored one video at a time, and batch norm does not see their number")),
        .init(
            "TEST.CHECKPOINT_FILE_PATH", "''",
            .honoured(
                "`--checkpoint`; without it, as there, the last of `OUTPUT_DIR`, then `TRAIN.CHECKPOINT_FILE_PATH`; random weights are refused"
            )),
        .init("TEST.CHECKPOINT_TYPE", "'pytorch'", .immaterial("the bytes of the file tell which format it is")),
        .init("TEST.NUM_ENSEMBLE_VIEWS", "10", .honoured("`test.clips`")),
        .init("TEST.NUM_SPATIAL_CROPS", "3", .honoured("`test.crops`")),
        .init("TEST.SAVE_RESULTS_PATH", "''", .only("scores are not written as a pickle", during: .testing)),
        .init("TEST.NUM_TEMPORAL_CLIPS", "[]", .only("one number of views is tested at a time", during: .testing)),
    ]

    static let network: [SlowFastKey] = [
        .init("MODEL.ARCH", "'slowfast'", .honoured("with the keys below, `model.name`")),
        .init("MODEL.MODEL_NAME", "'SlowFast'", .honoured("with the keys below, `model.name`")),
        .init("MODEL.NUM_CLASSES", "400", .honoured("`model.classes`")),
        .init(
            "MODEL.LOSS_FUNC", "'cross_entropy'", .honoured("`cross_entropy`; with `MIXUP.ENABLE` `soft_cross_entropy`")
        ),
        .init(
            "MODEL.SINGLE_PATHWAY_ARCH", "['2d', 'c2d', 'i3d', 'slow', 'x3d', 'mvit', 'maskmvit']",
            .immaterial("the network says how many pathways it has")),
        .init("MODEL.MULTI_PATHWAY_ARCH", "['slowfast']", .immaterial("the network says how many pathways it has")),
        .init("MODEL.DROPOUT_RATE", "0.5", .honoured("`model.dropout`")),
        .init(
            "MODEL.DROPCONNECT_RATE", "0.0",
            .only("there is no drop connect, nor does PySlowFast's have an effect", during: .training)),
        .init("MODEL.FC_INIT_STD", "0.01", .only("the last layer starts with this deviation", during: .training)),
        .init("MODEL.HEAD_ACT", "'softmax'", .only("scores are probabilities of classes that exclude each other")),
        .init("MODEL.ACT_CHECKPOINT", "False", .immaterial("workers decide it for themselves: `--recompute`")),
        .init(
            "MODEL.DETACH_FINAL_FC", "False",
            .honoured(
                "`optimizer.freeze`: all but the last layer; with `MODEL.FROZEN_BN` only. X3D and the networks of pytorchvideo do not read it, there nor here"
            )),
        .init("MODEL.FROZEN_BN", "False", .honoured("`optimizer.freeze_statistics`")),
        .init("MODEL.FP16_ALLREDUCE", "False", .only("gradients travel as float32", during: .training)),
        .init("RESNET.TRANS_FUNC", "'bottleneck_transform'", .honoured("with `MODEL`, `model.name`")),
        .init("RESNET.NUM_GROUPS", "1", .honoured("with `MODEL`, `model.name`")),
        .init("RESNET.WIDTH_PER_GROUP", "64", .honoured("with `MODEL`, `model.name`")),
        .init("RESNET.INPLACE_RELU", "True", .immaterial("memory is planned otherwise")),
        .init("RESNET.STRIDE_1X1", "False", .honoured("with `MODEL`, `model.name`")),
        .init(
            "RESNET.ZERO_INIT_FINAL_BN", "False",
            .only([.boolean(true)], "the last scale of each branch starts with 0", during: .training)),
        .init(
            "RESNET.ZERO_INIT_FINAL_CONV", "False",
            .only("the last convolution of a branch starts as the others", during: .training)),
        .init("RESNET.DEPTH", "50", .honoured("with `MODEL`, `model.name`")),
        .init("RESNET.NUM_BLOCK_TEMP_KERNEL", "[[3], [4], [6], [3]]", .honoured("with `MODEL`, `model.name`")),
        .init("RESNET.SPATIAL_STRIDES", "[[1], [2], [2], [2]]", .honoured("with `MODEL`, `model.name`")),
        .init("RESNET.SPATIAL_DILATIONS", "[[1], [1], [1], [1]]", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.WIDTH_FACTOR", "1.0", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.DEPTH_FACTOR", "1.0", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.BOTTLENECK_FACTOR", "1.0", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.DIM_C5", "2048", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.DIM_C1", "12", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.SCALE_RES2", "False", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.BN_LIN5", "False", .honoured("with `MODEL`, `model.name`")),
        .init("X3D.CHANNELWISE_3x3x3", "True", .honoured("with `MODEL`, `model.name`")),
        .init("NONLOCAL.LOCATION", "[[[]], [[]], [[]], [[]]]", .honoured("with `MODEL`, `model.name`")),
        .init("NONLOCAL.GROUP", "[[1], [1], [1], [1]]", .honoured("with `MODEL`, `model.name`")),
        .init("NONLOCAL.INSTANTIATION", "'dot_product'", .honoured("with `MODEL`, `model.name`")),
        .init(
            "NONLOCAL.POOL",
            "[[[1, 2, 2], [1, 2, 2]], [[1, 2, 2], [1, 2, 2]], [[1, 2, 2], [1, 2, 2]], [[1, 2, 2], [1, 2, 2]]]",
            .only("non-local blocks look at maps of half the rows and columns")),
        .init("SLOWFAST.BETA_INV", "8", .honoured("with `MODEL`, `model.name`")),
        .init("SLOWFAST.ALPHA", "8", .honoured("with `MODEL`, `model.name`")),
        .init("SLOWFAST.FUSION_CONV_CHANNEL_RATIO", "2", .honoured("with `MODEL`, `model.name`")),
        .init("SLOWFAST.FUSION_KERNEL_SZ", "5", .honoured("with `MODEL`, `model.name`")),
    ]

    static let machine: [SlowFastKey] = [
        .init("TASK", "''", .only("videos are classified; there is no other task")),
        .init(
            "NUM_GPUS", "1",
            .honoured(
                "`batch.units` = `NUM_GPUS` x `NUM_SHARDS`: how many batch norms a step has, whatever computes them")),
        .init("NUM_SHARDS", "1", .honoured("`batch.units`; `--num_shards` is stronger, as there")),
        .init("SHARD_ID", "0", .immaterial("one command starts the run; others join it with `zoetrope worker`")),
        .init("OUTPUT_DIR", "'.'", .honoured("`--run`")),
        .init("RNG_SEED", "1", .honoured("`seed`")),
        .init("LOG_PERIOD", "10", .immaterial("every step is written to metrics.jsonl")),
        .init("LOG_MODEL_INFO", "True", .immaterial("`zoetrope model info` prints it")),
        .init("DIST_BACKEND", "'nccl'", .immaterial("machines talk over ZeroMQ")),
        .init("DATA_LOADER.NUM_WORKERS", "8", .immaterial("decoding has threads of its own, `worker.decode_threads`")),
        .init("DATA_LOADER.PIN_MEMORY", "True", .immaterial("there is no GPU to copy to")),
        .init(
            "DATA_LOADER.ENABLE_MULTI_THREAD_DECODE", "False",
            .immaterial("a video is decoded by one thread; several are at once")),
    ]
}

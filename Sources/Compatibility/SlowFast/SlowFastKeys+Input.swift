extension SlowFastKey {
    static let input: [SlowFastKey] = [
        .init("DATA.PATH_TO_DATA_DIR", "''", .honoured("where `train.csv`, `val.csv` and `test.csv` are")),
        .init("DATA.PATH_LABEL_SEPARATOR", "' '", .honoured("between a path and its label; a path may hold it")),
        .init("DATA.PATH_PREFIX", "''", .honoured("put before every path")),
        .init("DATA.NUM_FRAMES", "8", .honoured("`input.frames`")),
        .init("DATA.SAMPLING_RATE", "8", .honoured("`input.sampling_rate`")),
        .init(
            "DATA.TRAIN_PCA_EIGVAL", "[0.225, 0.224, 0.229]",
            .immaterial("read for AVA and ImageNet only, which are refused")),
        .init(
            "DATA.TRAIN_PCA_EIGVEC",
            "[[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]",
            .immaterial("read for AVA and ImageNet only, which are refused")),
        .init("DATA.PATH_TO_PRELOAD_IMDB", "''", .immaterial("read for ImageNet only, which is refused")),
        .init("DATA.MEAN", "[0.45, 0.45, 0.45]", .honoured("`input.mean`, times 255")),
        .init("DATA.INPUT_CHANNEL_NUM", "[3, 3]", .honoured("as many as the network has pathways, each of 3 channels")),
        .init("DATA.STD", "[0.225, 0.225, 0.225]", .honoured("`input.deviation`, times 255")),
        .init(
            "DATA.TRAIN_JITTER_SCALES", "[256, 320]",
            .honoured("`input.short_edge_range`; with `TEST.NUM_SPATIAL_CROPS` 1 the first is the test's")),
        .init(
            "DATA.TRAIN_JITTER_SCALES_RELATIVE", "[]",
            .honoured("`augment.crop_area`")),
        .init(
            "DATA.TRAIN_JITTER_ASPECT_RELATIVE", "[]",
            .honoured("`augment.crop_aspect`")),
        .init("DATA.USE_OFFSET_SAMPLING", "False", .honoured("`test.starts = \"slowfast-offset\"`")),
        .init(
            "DATA.TRAIN_JITTER_MOTION_SHIFT", "False",
            .only("the crop stays where it is during a clip", during: .training)),
        .init("DATA.TRAIN_CROP_SIZE", "224", .honoured("`input.crop`")),
        .init("DATA.TEST_CROP_SIZE", "256", .honoured("`test.crop`")),
        .init(
            "DATA.TARGET_FPS", "30",
            .honoured("`test.target_rate`; training counts source frames, so its videos must have this rate")),
        .init("DATA.TRAIN_JITTER_FPS", "0.0", .only("every clip has the same rate", during: .training)),
        .init("DATA.DECODING_BACKEND", "'torchvision'", .immaterial("libav decodes")),
        .init("DATA.DECODING_SHORT_SIZE", "256", .immaterial("PySlowFast does not read it")),
        .init("DATA.INV_UNIFORM_SAMPLE", "False", .honoured("`input.inverse_uniform`")),
        .init("DATA.RANDOM_FLIP", "True", .honoured("`augment.flip`: half of the clips, or none")),
        .init("DATA.MULTI_LABEL", "False", .only("a video has one label")),
        .init(
            "DATA.ENSEMBLE_METHOD", "'sum'",
            .honoured("`test.aggregate`")),
        .init("DATA.REVERSE_INPUT_CHANNEL", "False", .only("channels are red, green and blue in this order")),
        .init("DATA.TRAIN_CROP_NUM_TEMPORAL", "1", .only("a video gives one clip at a time", during: .training)),
        .init("DATA.TRAIN_CROP_NUM_SPATIAL", "1", .only("a video gives one clip at a time", during: .training)),
        .init("DATA.COLOR_RND_GRAYSCALE", "0.0", .only("clips keep their colours", during: .training)),
        .init("DATA.LOADER_CHUNK_SIZE", "0", .only("a list is read whole")),
        .init("DATA.LOADER_CHUNK_OVERALL_SIZE", "0", .only("a list is read whole")),
        .init("DATA.SKIP_ROWS", "0", .only("a list is read whole")),
        .init("DATA.TIME_DIFF_PROB", "0.0", .only("clips hold pictures, not their differences", during: .training)),
        .init("DATA.SSL_COLOR_JITTER", "False", .only("clips keep their colours", during: .training)),
        .init(
            "DATA.SSL_COLOR_BRI_CON_SAT", "[0.4, 0.4, 0.4]",
            .immaterial("read with `DATA.SSL_COLOR_JITTER` only, which is refused")),
        .init("DATA.SSL_COLOR_HUE", "0.1", .immaterial("read with `DATA.SSL_COLOR_JITTER` only, which is refused")),
        .init("DATA.SSL_MOCOV2_AUG", "False", .only("clips keep their colours", during: .training)),
        .init(
            "DATA.SSL_BLUR_SIGMA_MIN", "[0.0, 0.1]",
            .immaterial("read with `DATA.SSL_COLOR_JITTER` only, which is refused")),
        .init(
            "DATA.SSL_BLUR_SIGMA_MAX", "[0.0, 2.0]",
            .immaterial("read with `DATA.SSL_COLOR_JITTER` only, which is refused")),
        .init("DATA.IN22K_TRAINVAL", "False", .immaterial("read for ImageNet only, which is refused")),
        .init("DATA.IN22k_VAL_IN1K", "''", .immaterial("read for ImageNet only, which is refused")),
        .init("DATA.IN_VAL_CROP_RATIO", "0.875", .immaterial("read for ImageNet only, which is refused")),
        .init("DATA.DUMMY_LOAD", "False", .only("clips come from videos", during: .training)),
    ]

    static let solver: [SlowFastKey] = [
        .init(
            "BN.USE_PRECISE_STATS", "False",
            .honoured(
                "`validation.precise_clips`, and `zoetrope model precise` before what was trained is tested; checkpoints keep moving averages"
            )),
        .init("BN.NUM_BATCHES_PRECISE", "200", .honoured("so many times `batch.clips_per_unit` clips")),
        .init(
            "BN.WEIGHT_DECAY", "0.0",
            .honoured("`optimizer.batch_norm_weight_decay`")),
        .init("BN.NORM_TYPE", "'batchnorm'", .only("a batch norm sees the clips of one unit", during: .training)),
        .init("BN.NUM_SPLITS", "1", .immaterial("read for sub_batchnorm only, which is refused")),
        .init("BN.NUM_SYNC_DEVICES", "1", .immaterial("read for sync_batchnorm only, which is refused")),
        .init("BN.GLOBAL_SYNC", "False", .immaterial("read for sync_batchnorm only, which is refused")),
        .init("AUG.ENABLE", "False", .honoured("the keys below but `AUG.NUM_SAMPLE`, else none of them")),
        .init(
            "AUG.NUM_SAMPLE", "1",
            .honoured(
                "`augment.repeats`, and so many times `batch.clips_per_unit`, as `TRAIN.BATCH_SIZE` counts videos; read without `AUG.ENABLE`, too, as there"
            )),
        .init("AUG.COLOR_JITTER", "0.4", .immaterial("read for ImageNet only, which is refused")),
        .init(
            "AUG.AA_TYPE", "'rand-m9-mstd0.5-inc1'",
            .honoured("`augment.rand_augment`; it is done on the crop, not on whole frames")),
        .init("AUG.INTERPOLATION", "'bicubic'", .honoured("`bilinear`; others are refused with `AUG.ENABLE`")),
        .init("AUG.RE_PROB", "0.25", .honoured("`augment.erase_probability`")),
        .init(
            "AUG.RE_MODE", "'pixel'", .honoured("`augment.erase_fill`: `pixel`; others are refused with `AUG.ENABLE`")),
        .init("AUG.RE_COUNT", "1", .honoured("`augment.erase_windows`: 1; more are refused with `AUG.ENABLE`")),
        .init("AUG.RE_SPLIT", "False", .immaterial("PySlowFast does not read it for Kinetics")),
        .init(
            "MIXUP.ENABLE", "False",
            .honoured(
                "the keys below, else none of them; of two pathways both are mixed, of which PySlowFast mixes the slow one alone"
            )),
        .init("MIXUP.ALPHA", "0.8", .honoured("`augment.mixup_alpha`")),
        .init("MIXUP.CUTMIX_ALPHA", "1.0", .honoured("`augment.cutmix_alpha`")),
        .init("MIXUP.PROB", "1.0", .honoured("`augment.mix_probability`")),
        .init("MIXUP.SWITCH_PROB", "0.5", .honoured("`augment.mix_switch`")),
        .init(
            "MIXUP.LABEL_SMOOTH_VALUE", "0.1", .honoured("`loss.label_smoothing`, with `MIXUP.ENABLE` only, as there")),
        .init("SOLVER.BASE_LR", "0.1", .honoured("`optimizer.learning_rate`")),
        .init("SOLVER.LR_POLICY", "'cosine'", .honoured("`schedule.kind`")),
        .init("SOLVER.COSINE_END_LR", "0.0", .honoured("`schedule.end_rate`")),
        .init(
            "SOLVER.GAMMA", "0.1",
            .honoured("`schedule.factors` = its powers with `MULTIGRID.LONG_CYCLE`; not read otherwise, there nor here")
        ),
        .init("SOLVER.STEP_SIZE", "1", .immaterial("PySlowFast does not read it")),
        .init("SOLVER.STEPS", "[]", .honoured("`schedule.milestones`")),
        .init("SOLVER.LRS", "[]", .honoured("`schedule.factors`; not read with `MULTIGRID.LONG_CYCLE`, as there")),
        .init("SOLVER.MAX_EPOCH", "300", .honoured("`schedule.epochs`")),
        .init("SOLVER.MOMENTUM", "0.9", .honoured("`optimizer.momentum`, as PyTorch means it")),
        .init("SOLVER.DAMPENING", "0.0", .only("momentum takes the whole gradient", during: .training)),
        .init("SOLVER.NESTEROV", "True", .honoured("`optimizer.nesterov`")),
        .init(
            "SOLVER.WEIGHT_DECAY", "1e-4",
            .honoured("`optimizer.weight_decay`, on weights and biases but not on batch norms")),
        .init("SOLVER.WARMUP_FACTOR", "0.1", .immaterial("PySlowFast does not read it")),
        .init("SOLVER.WARMUP_EPOCHS", "0.0", .honoured("`schedule.warmup_epochs`")),
        .init("SOLVER.WARMUP_START_LR", "0.01", .honoured("`schedule.warmup_from`, divided by the rate")),
        .init(
            "SOLVER.OPTIMIZING_METHOD", "'sgd'",
            .honoured("`optimizer.kind`: `sgd`, `adam`, `adamw` (also as `mt_adamw`)")),
        .init("SOLVER.BASE_LR_SCALE_NUM_SHARDS", "False", .honoured("rates times `NUM_SHARDS`")),
        .init("SOLVER.COSINE_AFTER_WARMUP", "False", .honoured("`schedule.cosine_after_warmup`")),
        .init("SOLVER.ZERO_WD_1D_PARAM", "False", .honoured("`optimizer.weight_decay_on = [\"weight\"]`")),
        .init("SOLVER.CLIP_GRAD_VAL", "None", .honoured("`optimizer.clip_value`; stronger than the norm, as there")),
        .init("SOLVER.CLIP_GRAD_L2NORM", "None", .honoured("`optimizer.clip_norm`")),
        .init("SOLVER.LARS_ON", "False", .only("layers have one rate", during: .training)),
        .init("SOLVER.LAYER_DECAY", "1.0", .immaterial("read for MViT only, which is refused")),
        .init("SOLVER.BETAS", "(0.9, 0.999)", .honoured("`optimizer.betas`")),
    ]
}

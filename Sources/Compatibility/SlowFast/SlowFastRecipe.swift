import Configuration

/// Builds the recipe of a `SlowFastTranslation`, a section at a time.
struct SlowFastRecipe {
    var settings: SlowFastSettings
    private(set) var recipe: Document
    private(set) var checkpointEpochs = 1
    /// Over which the statistics of batch norms are computed anew before a test; 0: they are not.
    private(set) var preciseClips = 0
    /// How often in a row a video is drawn.
    private(set) var samples = 1
    private var clipsPerUnit = 1
    private let shards: Int

    init(_ settings: SlowFastSettings, shards: Int) {
        self.settings = settings
        self.shards = shards
        recipe = Document(name: settings.name)
    }

    mutating func translate() {
        let trains = settings.flag("TRAIN.ENABLE")
        let tests = settings.flag("TEST.ENABLE")
        if !trains, !tests {
            settings.refusals.add(
                settings.name, "TRAIN.ENABLE, TEST.ENABLE", "are both False: there is nothing to do")
        }
        refuseOthers(trains: trains, tests: tests)
        put("seed", .integer(settings.integer("RNG_SEED", in: 0...Int.max)), "RNG_SEED")
        let network = SlowFastNetwork.matching(&settings)
        model(network, trains: trains)
        input()
        batch(trains: trains)
        optimizer(trains: trains)
        schedule(trains: trains)
        multigrid(trains: trains)
        augment(trains: trains)
        test(tests: tests)
        for key in [
            "DATA.PATH_TO_DATA_DIR", "DATA.PATH_LABEL_SEPARATOR", "DATA.PATH_PREFIX", "OUTPUT_DIR",
            "TRAIN.CHECKPOINT_FILE_PATH", "TEST.CHECKPOINT_FILE_PATH",
        ] { _ = settings.string(key) }
        if settings.value("DATA.PATH_LABEL_SEPARATOR") == .string("") {
            settings.refuse("DATA.PATH_LABEL_SEPARATOR", "separates nothing", mend: "write for example ' '")
        }
        checkpointEpochs = settings.integer("TRAIN.CHECKPOINT_PERIOD", in: 1...1_000_000)
        evaluation()
    }

    mutating func put(_ key: String, _ value: Value, _ source: String) {
        recipe.set(key, to: value, origin: settings.place(source))
    }

    /// What `Treatment.only` does not allow.
    private mutating func refuseOthers(trains: Bool, tests: Bool) {
        for key in SlowFastKey.all {
            guard case .limited(let values, let reason, let stage) = key.treatment,
                stage == .any || stage == .training && trains || stage == .testing && tests
            else { continue }
            let allowed = values.isEmpty ? [key.standard] : values
            let value = settings.value(key.name)
            if allowed.contains(where: { $0 == value || $0.number ?? .nan == value.number ?? .infinity }) { continue }
            settings.refuse(
                key.name, reason,
                mend: "it can only be \(allowed.map(\.description).joined(separator: " or "))")
        }
        for (key, used) in [("TRAIN.DATASET", trains), ("TEST.DATASET", tests)] where used {
            let set = settings.string(key)
            if set == "ptvkinetics" {
                settings.refuse(
                    key, "pytorchvideo's reader cuts other clips out of a video",
                    mend: "kinetics is PySlowFast's own, which is done here")
            } else if set != "kinetics" {
                settings.refuse(key, "is no data set here", mend: "lists of videos are called kinetics")
            }
        }
        for key in ["TRAIN.CHECKPOINT_TYPE", "TEST.CHECKPOINT_TYPE"] {
            let type = settings.string(key)
            if type != "pytorch", type != "caffe2" {
                settings.refuse(key, "is no type of checkpoint", mend: "known are pytorch and caffe2")
            }
        }
    }

    private mutating func model(_ network: SlowFastNetwork?, trains: Bool) {
        put("model.name", .string(network?.name ?? ""), "MODEL.MODEL_NAME")
        put("model.classes", .integer(settings.integer("MODEL.NUM_CLASSES", in: 1...1_000_000)), "MODEL.NUM_CLASSES")
        put("model.dropout", .real(settings.real("MODEL.DROPOUT_RATE", in: 0...0.99)), "MODEL.DROPOUT_RATE")
        let weights = settings.string("TRAIN.CHECKPOINT_FILE_PATH")
        let inflates = settings.flag("TRAIN.CHECKPOINT_INFLATE")
        guard trains, !weights.isEmpty else { return }
        put("model.weights", .string(weights), "TRAIN.CHECKPOINT_FILE_PATH")
        if inflates { put("model.inflate", .string("repeat"), "TRAIN.CHECKPOINT_INFLATE") }
    }

    private mutating func input() {
        put("input.frames", .integer(settings.integer("DATA.NUM_FRAMES", in: 1...512)), "DATA.NUM_FRAMES")
        put(
            "input.sampling_rate", .integer(settings.integer("DATA.SAMPLING_RATE", in: 1...128)), "DATA.SAMPLING_RATE")
        let crop = settings.integer("DATA.TRAIN_CROP_SIZE", in: 8...1024)
        put("input.crop", .integer(crop), "DATA.TRAIN_CROP_SIZE")
        put("input.resize", .string("short-edge-range"), "DATA.TRAIN_JITTER_SCALES")
        let edges = settings.reals("DATA.TRAIN_JITTER_SCALES", count: 2...2, in: 8...4096)
        if edges.count == 2 {
            if edges != edges.map({ $0.rounded() }) || edges[0] > edges[1] {
                settings.refuse("DATA.TRAIN_JITTER_SCALES", "is no pair of ascending whole numbers")
            } else if Int(edges[0]) < crop {
                settings.refuse("DATA.TRAIN_JITTER_SCALES", "has a side without room for a crop of \(crop)")
            }
            put("input.short_edge_range", .list(edges.map { .integer(Int($0)) }), "DATA.TRAIN_JITTER_SCALES")
        }
        put("input.inverse_uniform", .boolean(settings.flag("DATA.INV_UNIFORM_SAMPLE")), "DATA.INV_UNIFORM_SAMPLE")
        for (key, source, lowest) in [("mean", "DATA.MEAN", 0.0), ("deviation", "DATA.STD", 1e-6)] {
            let values = settings.reals(source, count: 3...3, in: lowest...1000)
            put("input.\(key)", .list(values.map { .real($0 * 255) }), source)
        }
    }

    /// A step is one batch of every machine; a unit is what one GPU sees of it, which is what its batch norms see. A batch
    /// counts videos: of each there are `samples` clips in it.
    private mutating func batch(trains: Bool) {
        if trains { samples = settings.integer("AUG.NUM_SAMPLE", in: 1...64) }
        let size = settings.integer("TRAIN.BATCH_SIZE", in: 1...1_000_000)
        let devices = max(1, settings.integer("NUM_GPUS", in: 0...1024))
        if size % devices != 0 {
            settings.refuse("TRAIN.BATCH_SIZE", "is no multiple of NUM_GPUS, \(devices)")
        }
        guard !trains || !hasLongCycle else {
            clipsPerUnit = groupSize(batch: size, devices: devices)
            put("batch.units", .integer(size / clipsPerUnit * shards), "TRAIN.BATCH_SIZE")
            put("batch.clips_per_unit", .integer(clipsPerUnit), "MULTIGRID.BN_BASE_SIZE")
            return
        }
        put("batch.units", .integer(devices * shards), "NUM_GPUS")
        clipsPerUnit = max(1, size / devices) * samples
        put("batch.clips_per_unit", .integer(clipsPerUnit), "TRAIN.BATCH_SIZE")
    }

    /// How many times the rates count.
    private mutating func scale() -> Double { settings.flag("SOLVER.BASE_LR_SCALE_NUM_SHARDS") ? Double(shards) : 1 }

    private mutating func optimizer(trains: Bool) {
        put(
            "optimizer.learning_rate", .real(settings.real("SOLVER.BASE_LR", in: 0...1000) * scale()), "SOLVER.BASE_LR")
        method()
        put("optimizer.weight_decay", .real(settings.real("SOLVER.WEIGHT_DECAY", in: 0...1)), "SOLVER.WEIGHT_DECAY")
        if trains, settings.flag("MODEL.FROZEN_BN") {
            put("optimizer.freeze_statistics", .boolean(true), "MODEL.FROZEN_BN")
            if settings.value("TRAIN.CHECKPOINT_FILE_PATH") == .string("") {
                settings.refuse(
                    "MODEL.FROZEN_BN", "batch norms without statistics cannot keep them",
                    mend: "name a checkpoint in TRAIN.CHECKPOINT_FILE_PATH")
            }
        }
        if trains, settings.flag("MODEL.DETACH_FINAL_FC") { detach() }
        put(
            "optimizer.batch_norm_weight_decay", .real(settings.real("BN.WEIGHT_DECAY", in: 0...1)), "BN.WEIGHT_DECAY")
        let roles = settings.flag("SOLVER.ZERO_WD_1D_PARAM") ? ["weight"] : ["weight", "bias"]
        put("optimizer.weight_decay_on", .list(roles.map(Value.string)), "SOLVER.ZERO_WD_1D_PARAM")
        // PySlowFast looks at the norm only where no value is given.
        if let value = settings.optionalReal("SOLVER.CLIP_GRAD_VAL", in: 0...1e9), value > 0 {
            put("optimizer.clip_value", .real(value), "SOLVER.CLIP_GRAD_VAL")
        } else if let norm = settings.optionalReal("SOLVER.CLIP_GRAD_L2NORM", in: 0...1e9), norm > 0 {
            put("optimizer.clip_norm", .real(norm), "SOLVER.CLIP_GRAD_L2NORM")
        }
    }

    /// Nothing before the last layer gets a gradient. PySlowFast's X3D, and what it takes from pytorchvideo, do not read it.
    private mutating func detach() {
        guard ["SlowFast", "ResNet", "ResNet_nopool"].contains(settings.string("MODEL.MODEL_NAME")) else { return }
        guard settings.flag("MODEL.FROZEN_BN") else {
            return settings.refuse(
                "MODEL.DETACH_FINAL_FC",
                "there, batch norms before the last layer go on with the statistics of each batch; here they keep their own",
                mend: "set MODEL.FROZEN_BN to True as well")
        }
        put("optimizer.freeze", .list([.string("s*")]), "MODEL.DETACH_FINAL_FC")
    }

    private mutating func method() {
        let key = "SOLVER.OPTIMIZING_METHOD"
        switch settings.string(key) {
        case "sgd":
            put("optimizer.kind", .string("sgd"), key)
            put("optimizer.momentum", .real(settings.real("SOLVER.MOMENTUM", in: 0...0.9999)), "SOLVER.MOMENTUM")
            put("optimizer.nesterov", .boolean(settings.flag("SOLVER.NESTEROV")), "SOLVER.NESTEROV")
            put("optimizer.rate_in_momentum", .boolean(false), key)
        case "adam", "adamw", "mt_adamw":
            put("optimizer.kind", .string(settings.string(key) == "adam" ? "adam" : "adamw"), key)
            let betas = settings.reals("SOLVER.BETAS", count: 2...2, in: 0...0.999999)
            if betas.count == 2 { put("optimizer.betas", .list(betas.map(Value.real)), "SOLVER.BETAS") }
        default: settings.refuse(key, "is not done here", mend: "known are sgd, adam, adamw and mt_adamw")
        }
    }

    private mutating func schedule(trains: Bool) {
        let epochs = settings.integer("SOLVER.MAX_EPOCH", in: 1...1_000_000)
        put("schedule.epochs", .integer(epochs), "SOLVER.MAX_EPOCH")
        switch settings.string("SOLVER.LR_POLICY") {
        case "cosine":
            put("schedule.kind", .string("cosine"), "SOLVER.LR_POLICY")
            let end = settings.real("SOLVER.COSINE_END_LR", in: 0...1000) * scale()
            put("schedule.end_rate", .real(end), "SOLVER.COSINE_END_LR")
            put(
                "schedule.cosine_after_warmup", .boolean(settings.flag("SOLVER.COSINE_AFTER_WARMUP")),
                "SOLVER.COSINE_AFTER_WARMUP")
        case "steps_with_relative_lrs": relativeSteps(trains: trains)
        default:
            settings.refuse(
                "SOLVER.LR_POLICY", "is no policy of PySlowFast", mend: "known are cosine and steps_with_relative_lrs")
        }
        let warmup = settings.real("SOLVER.WARMUP_EPOCHS", in: 0...1e6)
        let start = settings.real("SOLVER.WARMUP_START_LR", in: 0...1000)
        guard warmup > 0 else { return }
        let rate = settings.real("SOLVER.BASE_LR", in: 0...1000)
        guard start <= rate else {
            if trains { settings.refuse("SOLVER.WARMUP_START_LR", "is above SOLVER.BASE_LR, \(rate)") }
            return
        }
        put("schedule.warmup_epochs", .real(warmup), "SOLVER.WARMUP_EPOCHS")
        put("schedule.warmup_from", .real(rate > 0 ? start / rate : 0), "SOLVER.WARMUP_START_LR")
        put("schedule.warmup", .string("linear"), "SOLVER.WARMUP_EPOCHS")
    }

    private mutating func evaluation() {
        let period = settings.integer("TRAIN.EVAL_PERIOD", in: 1...1_000_000)
        put("validation.every_epochs", .integer(period), "TRAIN.EVAL_PERIOD")
        // PySlowFast leaves frozen batch norms as they are.
        guard settings.flag("BN.USE_PRECISE_STATS"), !settings.flag("MODEL.FROZEN_BN") else { return }
        // A checkpoint of PySlowFast's holds what the first GPU saw.
        let batches = settings.integer("BN.NUM_BATCHES_PRECISE", in: 1...1_000_000)
        preciseClips = batches * clipsPerUnit
        put("validation.precise_clips", .integer(preciseClips), "BN.NUM_BATCHES_PRECISE")
    }

    private mutating func relativeSteps(trains: Bool) {
        let steps = settings.reals("SOLVER.STEPS", count: 1...1000, in: 0...1e6)
        let isLong = trains && hasLongCycle
        let gamma = isLong ? settings.real("SOLVER.GAMMA", in: 0...1000) : 0
        let rates =
            isLong
            ? steps.indices.map { (0..<$0).reduce(1) { rate, _ in rate * gamma } }
            : settings.reals("SOLVER.LRS", count: 1...1000, in: 0...1000)
        guard !steps.isEmpty, !rates.isEmpty else { return }
        guard steps[0] == 0, zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 }) else {
            return settings.refuse("SOLVER.STEPS", "does not ascend from 0")
        }
        guard rates.count >= steps.count else {
            return settings.refuse("SOLVER.LRS", "has fewer rates than SOLVER.STEPS has steps")
        }
        put("schedule.kind", .string("relative-steps"), "SOLVER.LR_POLICY")
        put("schedule.milestones", .list(steps.map(Value.real)), "SOLVER.STEPS")
        put(
            "schedule.factors", .list(rates.prefix(steps.count).map(Value.real)), isLong ? "SOLVER.GAMMA" : "SOLVER.LRS"
        )
    }

    /// PySlowFast's views of a video.
    private mutating func test(tests: Bool) {
        put("test.protocol", .string("slowfast"), "TEST.DATASET")
        let clips = settings.integer("TEST.NUM_ENSEMBLE_VIEWS", in: 1...10_000)
        put("test.clips", .integer(clips), "TEST.NUM_ENSEMBLE_VIEWS")
        let crops = settings.integer("TEST.NUM_SPATIAL_CROPS", in: 1...3)
        if crops == 2 { settings.refuse("TEST.NUM_SPATIAL_CROPS", "there are views of 1 crop or 3") }
        put("test.crops", .integer(crops), "TEST.NUM_SPATIAL_CROPS")
        let crop = settings.integer("DATA.TEST_CROP_SIZE", in: 8...1024)
        put("test.crop", .integer(crop), "DATA.TEST_CROP_SIZE")
        let edge = settings.value("DATA.TRAIN_JITTER_SCALES").elements.first?.number.map { Int($0) } ?? crop
        if crops == 1 {
            put("test.short_edge", .integer(edge), "DATA.TRAIN_JITTER_SCALES")
            if edge < crop, tests {
                settings.refuse("DATA.TEST_CROP_SIZE", "does not fit into frames whose shorter side is \(edge)")
            }
        } else {
            put("test.short_edge", .integer(crop), "DATA.TEST_CROP_SIZE")
        }
        testHead()
        if settings.flag("DATA.USE_OFFSET_SAMPLING") {
            put("test.starts", .string("slowfast-offset"), "DATA.USE_OFFSET_SAMPLING")
        }
        put("test.target_rate", .real(settings.real("DATA.TARGET_FPS", in: 0.01...10_000)), "DATA.TARGET_FPS")
        switch settings.string("DATA.ENSEMBLE_METHOD") {
        case "sum": break
        case "max": put("test.aggregate", .string("max"), "DATA.ENSEMBLE_METHOD")
        default: settings.refuse("DATA.ENSEMBLE_METHOD", "is neither sum nor max")
        }
    }
}

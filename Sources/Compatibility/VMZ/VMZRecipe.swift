import Configuration
import Faults
import Models

/// Builds the recipe of a `VMZTranslation`, a section at a time.
struct VMZRecipe {
    var arguments: VMZArguments
    private(set) var recipe = Document(name: "VMZ's flags")
    private var devices = 1

    init(_ arguments: VMZArguments) { self.arguments = arguments }

    private mutating func put(_ key: String, _ value: Value, _ flag: String) {
        recipe.set(key, to: value, origin: arguments.origin(flag))
    }

    mutating func network() {
        let kind = arguments.text("model_name") ?? ""
        let depth = arguments.integer("model_depth", in: 1...1000)
        let name = kind == "c3d" ? kind : "\(kind)-\(depth)"
        if kind.hasPrefix("av_resnet") || kind == "a_resnet" {
            arguments.refuse("model_name", "it hears sound, which is not an input here")
        } else if !NetworkDescription.names.contains(name) {
            let own = NetworkDescription.names.filter { !$0.contains("/") }
            let kinds = Set(own.map { $0.split(separator: "-").dropLast().joined(separator: "-") }).union(["c3d"])
            if kinds.contains(kind) {
                arguments.refuse("model_depth", "\(kind) has no such depth", mend: advice(for: name, among: own))
            } else {
                arguments.refuse(
                    "model_name", "no network is called so", mend: advice(for: kind, among: kinds.sorted()))
            }
        }
        put("model.name", .string(name), "model_name")
        put("model.classes", .integer(arguments.integer("num_labels", in: 1...1_000_000)), "num_labels")
        for flag in ["channel_multiplier", "bottleneck_multiplier"] {
            put("model.\(flag)", .real(arguments.real(flag, in: 1e-3...16)), flag)
        }
        put("model.pool1", .boolean(arguments.flag("use_pool1")), "use_pool1")
        put(
            "model.conv1_temporal_stride", .integer(arguments.integer("conv1_temporal_stride", in: 1...16)),
            "conv1_temporal_stride")
        put(
            "model.conv1_temporal_kernel", .integer(arguments.integer("conv1_temporal_kernel", in: 3...5)),
            "conv1_temporal_kernel")
        if arguments.flag("use_dropout") { put("model.dropout", .real(0.5), "use_dropout") }
        if let gpus = arguments.text("gpus") {
            let count = gpus.split(separator: ",").count
            if count == 0 { arguments.refuse("gpus", "names no GPU") }
            devices = max(1, count)
        } else {
            // 0 is a processor.
            devices = max(1, arguments.integer("num_gpus", in: 0...1024))
        }
    }

    mutating func input(training: Bool) {
        put("input.frames", .integer(arguments.integer("clip_length_rgb", in: 1...512)), "clip_length_rgb")
        put("input.sampling_rate", .integer(arguments.integer("sampling_rate_rgb", in: 1...128)), "sampling_rate_rgb")
        let crop = arguments.integer("crop_size", in: 8...1024)
        if !training, arguments.flag("use_convolutional_pred") {
            // VMZ's head for larger crops has the window of crops of 112 or 224.
            put("input.crop", .integer(crop < 224 ? 112 : 224), "crop_size")
            put("test.crop", .integer(crop), "crop_size")
        } else {
            put("input.crop", .integer(crop), "crop_size")
        }
        let width = arguments.integer("scale_w", in: 8...8192)
        let height = arguments.integer("scale_h", in: 8...8192)
        switch arguments.value("video_res_type") {
        case .integer(0):
            put("input.resize", .string("exact"), "video_res_type")
            put("input.width", .integer(width), "scale_w")
            put("input.height", .integer(height), "scale_h")
        case .integer(1):
            put("input.resize", .string("short-edge"), "video_res_type")
            let edge = min(width, height)
            let edges = training ? jitterScales() : [edge]
            put("input.short_edges", .list(edges.map(Value.integer)), training ? "jitter_scales" : "scale_h")
            // What is trained with several is tested with VMZ's own one, where a crop fits into it.
            if edges.first != edge, (crop...4096).contains(edge) { put("test.short_edge", .integer(edge), "scale_h") }
        default: arguments.refuse("video_res_type", "frames are scaled", mend: "0 is exactly, 1 by their shorter side")
        }
    }

    private mutating func jitterScales() -> [Int] {
        let words = (arguments.text("jitter_scales") ?? "").split(separator: ",")
        let edges = words.compactMap { Int($0) }.filter { (8...4096).contains($0) }
        if edges.isEmpty || edges.count < words.count {
            arguments.refuse("jitter_scales", "is no list of sizes", mend: "write for example 128,160")
        }
        return edges
    }

    /// A GPU's batch is a unit; VMZ multiplies the rate by their number, and an epoch is as many whole steps as fit into its
    /// clips.
    mutating func training() {
        put("batch.units", .integer(devices), "gpus")
        let clipsPerUnit = arguments.integer("batch_size", in: 1...1024)
        put("batch.clips_per_unit", .integer(clipsPerUnit), "batch_size")
        let rate = arguments.real("base_learning_rate", in: 0...1000) * Double(devices)
        put("optimizer.learning_rate", .real(rate), "base_learning_rate")
        put("optimizer.weight_decay", .real(arguments.real("weight_decay", in: 0...1)), "weight_decay")
        put("schedule.epochs", .integer(arguments.integer("num_epochs", in: 1...1_000_000)), "num_epochs")
        let clipsPerStep = devices * clipsPerUnit
        let steps = arguments.integer("epoch_size", in: 1...1_000_000_000) / clipsPerStep
        if steps == 0 { arguments.refuse("epoch_size", "is less than the \(clipsPerStep) clips of one step") }
        put("schedule.clips_per_epoch", .integer(steps * clipsPerStep), "epoch_size")
        put("schedule.kind", .string("steps"), "step_epoch")
        put("schedule.step_epochs", .integer(arguments.integer("step_epoch", in: 1...1_000_000)), "step_epoch")
        put("schedule.gamma", .real(arguments.real("gamma", in: 0...1)), "gamma")
        put("test.protocol", .string("vmz-small"), "test_data")
        // After each epoch, of each video one clip.
        if arguments.text("test_data") != nil { put("validation.every_epochs", .integer(1), "test_data") }
    }

    mutating func testing() {
        // Nothing is trained; a recipe says how, all the same.
        recipe.set("optimizer.learning_rate", to: .real(0.003), origin: "VMZ's default")
        recipe.set("schedule.epochs", to: .integer(50), origin: "VMZ's default")
        let isConvolutional = arguments.flag("use_convolutional_pred")
        put("test.protocol", .string(isConvolutional ? "vmz-large" : "vmz-small"), "use_convolutional_pred")
        put("test.clips", .integer(arguments.integer("clip_per_video", in: 1...10_000)), "clip_per_video")
        let crops = arguments.integer("crop_per_clip", in: 1...3)
        if crops == 2 { arguments.refuse("crop_per_clip", "there are views of 1 crop or 3") }
        put("test.crops", .integer(crops), "crop_per_clip")
        put("test.short_edge", .integer(0), "scale_h")
        if arguments.integer("aggregation", in: 0...1) == 1 { put("test.aggregate", .string("max"), "aggregation") }
    }
}

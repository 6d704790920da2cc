public import Configuration
public import Faults

extension Recipe {
    /// A recipe and how each of its values was decided.
    public struct Resolved: Sendable {
        public let recipe: Recipe
        public let values: [Reader.Resolved]

        /// The text of `recipe.toml` in a run: every key, its value and its origin. Reading it gives the same recipe.
        public var toml: String {
            values.toml(
                header: "The recipe of this run, every value with its origin. Changing it here changes nothing.")
        }
    }

    /// Reads a recipe; unknown keys, wrong kinds and values out of range are refused by name.
    /// - Throws: `Fault.usage`.
    public static func read(_ document: Document) throws(Fault) -> Resolved {
        var reader = Reader(document)
        let seed = UInt64(try reader.integer("seed", default: 0, in: 0...Int.max))
        let model = try model(&reader)
        let input = try input(&reader)
        let batch = try batch(&reader)
        let optimizer = try optimizer(&reader)
        let recipe = Recipe(
            seed: seed, model: model, input: input, batch: batch, optimizer: optimizer, schedule: try schedule(&reader),
            augment: try augment(&reader),
            loss: Loss(labelSmoothing: try reader.real("loss.label_smoothing", default: 0, in: 0...0.999)),
            test: try test(&reader, trainedCrop: input.crop), numerics: try numerics(&reader),
            checkpoint: try checkpoint(&reader),
            validation: try validation(&reader, average: optimizer.average),
            multigrid: try multigrid(&reader))
        if recipe.optimizer.freezesStatistics, recipe.model.initialWeights == nil {
            throw Fault(
                .usage, reader.place("optimizer.freeze_statistics"),
                "is true, and no checkpoint gives statistics to normalise with", mend: "name one in model.weights")
        }
        if recipe.optimizer.freezesStatistics, recipe.validation.preciseClips > 0 {
            throw Fault(
                .usage, reader.place("validation.precise_clips"),
                "would replace the statistics that optimizer.freeze_statistics keeps", mend: "set it to 0")
        }
        try recipe.checkMixing(reader)
        try recipe.checkResizedCrop(reader)
        try recipe.checkMultigrid(reader)
        return Resolved(recipe: recipe, values: try reader.finish())
    }

    private static func model(_ reader: inout Reader) throws(Fault) -> Model {
        Model(
            name: try reader.string("model.name"),
            classes: try reader.integer("model.classes", default: 0, in: 0...1_000_000),
            initialWeights: try initialWeights(&reader),
            channelMultiplier: try reader.real("model.channel_multiplier", default: 1, in: 0...16),
            bottleneckMultiplier: try reader.real("model.bottleneck_multiplier", default: 1, in: 0...16),
            pool1: try reader.boolean("model.pool1", default: false),
            conv1TemporalStride: try reader.integer("model.conv1_temporal_stride", default: 1, in: 1...16),
            conv1TemporalKernel: try reader.integer("model.conv1_temporal_kernel", default: 3, in: 3...5),
            dropout: try reader.real("model.dropout", default: -1, in: -1...0.99))
    }

    private static func input(_ reader: inout Reader) throws(Fault) -> Input {
        let frames = try reader.integer("input.frames", in: 1...512)
        let samplingRate = try reader.integer("input.sampling_rate", default: 1, in: 1...128)
        let crop = try reader.integer("input.crop", in: 8...1024)
        // All keys are read whatever the choice, so that a command line may choose the other way of a recipe's file.
        let kind = try reader.choice(
            "input.resize", of: ["exact", "short-edge", "short-edge-range"], default: "exact")
        let width = try reader.integer("input.width", default: 171, in: 8...8192)
        let height = try reader.integer("input.height", default: 128, in: 8...8192)
        let edges = try reader.integers("input.short_edges", default: [128, 160], count: 1...64, in: 8...8192)
        let range = try reader.integers("input.short_edge_range", default: [256, 320], count: 2...2, in: 8...4096)
        guard range[0] <= range[1] else {
            throw Fault(
                .usage, reader.place("input.short_edge_range"), "\(range) has its larger end first",
                mend: "write the smaller first")
        }
        let inverse = try reader.boolean("input.inverse_uniform", default: false)
        let resize: Resize =
            switch kind {
            case "exact": .exact(width: width, height: height)
            case "short-edge": .shortEdge(edges)
            default: .shortEdgeRange(range[0]...range[1], inverse: inverse)
            }
        let smallest =
            switch resize {
            case .exact(let width, let height): min(width, height)
            case .shortEdge(let edges): edges.min() ?? 0
            case .shortEdgeRange(let edges, _): edges.lowerBound
            }
        guard smallest >= crop else {
            throw Fault(
                .usage, reader.place("input.crop"), "\(crop) pixels do not fit into frames of \(smallest)",
                mend: "raise the size the frames are resized to, or lower the crop")
        }
        // VMZ's constants for R, G and B on the scale 0 to 255 (reference: caffe2/video, VideoInput).
        return Input(
            frames: frames, samplingRate: samplingRate, crop: crop, resize: resize,
            mean: try reader.reals("input.mean", default: [110.201, 100.64, 95.9966], count: 3...3),
            deviation: try positive(
                reader.reals("input.deviation", default: [58.1489, 56.4701, 55.3324], count: 3...3), reader))
    }

    private static func positive(_ values: [Double], _ reader: Reader) throws(Fault) -> [Double] {
        guard values.allSatisfy({ $0 > 0 }) else {
            throw Fault(
                .usage, reader.place("input.deviation"), "must be above 0", mend: "write three positive numbers")
        }
        return values
    }

    private static func batch(_ reader: inout Reader) throws(Fault) -> Batch {
        Batch(
            units: try reader.integer("batch.units", default: 8, in: 1...65_536),
            clipsPerUnit: try reader.integer("batch.clips_per_unit", default: 4, in: 1...1024))
    }

    private static func numerics(_ reader: inout Reader) throws(Fault) -> Numerics {
        Numerics(
            instructionSet: try reader.choice(
                "numerics.isa", of: ["auto", "baseline", "avx2", "avx512"], default: "auto"),
            convolution: try reader.choice(
                "numerics.convolution", of: ["auto", "direct", "winograd"], default: "auto"),
            compute: try reader.choice("numerics.compute", of: ["f32", "bf16"], default: "f32"))
    }

    private static func checkpoint(_ reader: inout Reader) throws(Fault) -> Checkpoint {
        let checkpoint = Checkpoint(
            everySteps: try reader.integer("checkpoint.every_steps", default: 100, in: 1...Int(1e9)),
            keep: try reader.integer("checkpoint.keep", default: 3, in: 1...1000),
            keepEvery: try reader.integer("checkpoint.keep_every", default: 0, in: 0...Int(1e9)))
        guard checkpoint.keepEvery % checkpoint.everySteps == 0 else {
            throw Fault(
                .usage, "checkpoint.keep_every",
                "\(checkpoint.keepEvery) is no multiple of checkpoint.every_steps, \(checkpoint.everySteps): no "
                    + "checkpoint is written at most of those steps",
                mend: "choose a multiple, or 0 to keep only the newest checkpoint.keep")
        }
        return checkpoint
    }
}

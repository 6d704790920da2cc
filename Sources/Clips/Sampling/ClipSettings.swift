public import Faults
import Randomness

/// How a clip is cut from a video: in time, in space, and in which units.
public struct ClipSettings: Sendable, Equatable {
    public enum Resize: Sendable, Equatable {
        /// Every frame becomes `width` × `height`, whatever its aspect (VMZ's `video_res_type` 0).
        case exact(width: Int, height: Int)
        /// The shorter side becomes one of these, drawn for each clip (VMZ's `jitter_scales`); the first when testing.
        case shortEdge([Int])
        /// The shorter side becomes any number of pixels in the range, drawn for each clip, uniformly or by its inverse
        /// (PySlowFast's `INV_UNIFORM_SAMPLE`); the least when testing.
        case shortEdgeRange(ClosedRange<Int>, inverse: Bool)
    }

    /// Where the clips of a training stream begin.
    public enum Start: Sendable, Equatable {
        /// Anywhere that leaves room for the clip, drawn uniformly.
        case jitter
        /// At the start frame of the list, and at the beginning of videos that have none.
        case listed
    }

    /// Frames of a clip (T).
    public var frames: Int
    /// Source frames from one frame of the clip to the next.
    public var samplingRate: Int
    /// Where clips of a training stream differ in it: drawn for each, from `samplingRate` to this.
    public var mostSamplingRate: Int?
    public var resize: Resize
    /// The square cut out of each frame, in pixels (H and W).
    public var crop: Int
    /// Probability of mirroring a training clip left to right.
    public var flip: Float
    public var start: Start
    /// Every frame of a clip is its first: for showing that a data set needs motion.
    public var freezeFrame: Bool
    public var augmentation: AugmentationSettings
    /// Subtracted from R, G and B on the scale 0 to 255, and what they are divided by then.
    public var mean: SIMD3<Float>
    public var deviation: SIMD3<Float>

    /// VMZ's constants.
    public static let vmzMean = SIMD3<Float>(110.201, 100.64, 95.9966)
    public static let vmzDeviation = SIMD3<Float>(58.1489, 56.4701, 55.3324)

    /// - Throws: a usage `Fault` when the values make no sense together.
    public init(
        frames: Int, samplingRate: Int = 1, resize: Resize, crop: Int, flip: Float = 0, start: Start = .jitter,
        freezeFrame: Bool = false, augmentation: AugmentationSettings = .none, mean: SIMD3<Float> = vmzMean,
        deviation: SIMD3<Float> = vmzDeviation
    ) throws(Fault) {
        self.frames = frames
        self.samplingRate = samplingRate
        self.resize = resize
        self.crop = crop
        self.flip = flip
        self.start = start
        self.freezeFrame = freezeFrame
        self.augmentation = augmentation
        self.mean = mean
        self.deviation = deviation
        try validate()
    }

    private func validate() throws(Fault) {
        try demandClip(frames: frames, samplingRate: samplingRate, mean: mean, deviation: deviation)
        try demand((1...4096).contains(crop), "input.crop", "\(crop) is outside 1 to 4096")
        try demand(flip >= 0 && flip <= 1, "augment.flip", "\(flip) is not a probability")
        switch resize {
        case .exact(let width, let height):
            try demand(
                min(width, height) >= crop && max(width, height) <= 8192, "input.resize",
                "\(width)x\(height) has no room for a crop of \(crop)")
        case .shortEdge(let edges):
            try demand(
                !edges.isEmpty && edges.allSatisfy { $0 >= crop && $0 <= 4096 }, "input.short_edge",
                "\(edges) has an edge without room for a crop of \(crop)")
        case .shortEdgeRange(let edges, _):
            try demand(
                edges.lowerBound >= crop && edges.upperBound <= 4096, "input.short_edge_range",
                "\(edges) has edges without room for a crop of \(crop)")
        }
    }

    /// How many floats a clip has: T · H · W · 3.
    public var clipFloats: Int { frames * frameFloats }
    var frameFloats: Int { crop * crop * 3 }

    /// Source frames from a clip's first to its last, both counted.
    func span(samplingRate: Int) -> Int { (frames - 1) * samplingRate + 1 }

    /// Source frames from one frame of a training clip to the next.
    func samplingRate(draws: Draws) -> Int {
        guard let most = mostSamplingRate, most > samplingRate else { return samplingRate }
        return samplingRate + draws.integer(0, below: most - samplingRate + 1)
    }

    /// The size that frames of `width` × `height` are scaled to in a training clip.
    func scaledSize(width: Int, height: Int, draws: Draws) -> (width: Int, height: Int) {
        switch resize {
        case .exact(let width, let height): return (width, height)
        case .shortEdge(let edges):
            return Self.scaledSize(width: width, height: height, edge: edges[draws.integer(0, below: edges.count)])
        case .shortEdgeRange(let edges, let inverse):
            let (least, most) = (Double(edges.lowerBound), Double(edges.upperBound))
            let share = Double(draws.uniform(0))
            let edge = inverse ? 1 / (1 / most + (1 / least - 1 / most) * share) : least + (most - least) * share
            return Self.scaledSize(width: width, height: height, edge: Int(edge.rounded()))
        }
    }

    private static func scaledSize(width: Int, height: Int, edge: Int) -> (width: Int, height: Int) {
        // Rounded to the nearest, halves up, in integers.
        func other(_ long: Int, _ short: Int) -> Int { (2 * long * edge + short) / (2 * short) }
        return width <= height ? (edge, other(height, width)) : (other(width, height), edge)
    }
}

public import Faults

/// How the views of a test are cut from videos: the part of a protocol that decides which pixels the network sees.
public struct ViewSettings: Sendable, Equatable {
    /// Where clips begin, and which frames they have.
    public enum Starts: Sendable, Equatable {
        /// Caffe2's uniform sampling: clip i of n begins at floor(i · step), step = (frames − span) / (n − 1) in f32.
        case vmz
        /// PySlowFast's decoder: clip i of n begins at i / n of the room, in frames of `rate` a second, by time stamps.
        case slowfast(rate: Double)
        /// The same with whole frames up to the end: i · floor(room / (n − 1)), one clip in the middle.
        case slowfastOffset(rate: Double)
        /// video-nonlocal-net's: clip i of n begins at floor(i · frames / n), f32; frames past the end are the first again.
        case nonlocal
        /// One clip at every `stride`-th frame that leaves room.
        case dense(stride: Int)
        /// The same, and one that ends with the video.
        case sliding(stride: Int)
        /// One clip, from the start frame of the list; Caffe2's `decode_type` 2. None of a video that has no such frame.
        case listed
    }

    /// How sizes and corners are rounded.
    public enum Geometry: Sendable, Equatable { case vmz, slowfast, nonlocal }

    public enum Resize: Sendable, Equatable {
        /// Every frame becomes `width` × `height`, whatever its aspect.
        case exact(width: Int, height: Int)
        /// The shorter side becomes so many pixels.
        case shortEdge(Int)
    }

    public enum Region: Sendable, Equatable {
        /// Squares of so many pixels: 1 in the middle, 3 along the longer side, 6 with their mirror images.
        case crops(Int, size: Int)
        /// The whole scaled frame.
        case frame
    }

    /// Frames of a clip (T).
    public var frames: Int
    /// Source frames from one frame of a clip to the next.
    public var samplingRate: Int
    /// Clips of a video; 0: as many as dense clips there are.
    public var clips: Int
    public var starts: Starts
    public var geometry: Geometry
    public var resize: Resize
    public var region: Region
    /// Whether a video shorter than a clip of VMZ's begins again, where it has no views otherwise.
    public var repeatsShort: Bool
    /// Every frame of a clip is its first.
    public var freezeFrame: Bool
    /// Subtracted from R, G and B on the scale 0 to 255, and what they are divided by then.
    public var mean: SIMD3<Float>
    public var deviation: SIMD3<Float>

    /// - Throws: a usage `Fault` when the values make no sense together.
    public init(
        frames: Int, samplingRate: Int = 1, clips: Int, starts: Starts = .vmz, geometry: Geometry = .vmz,
        resize: Resize, region: Region, repeatsShort: Bool = false, freezeFrame: Bool = false,
        mean: SIMD3<Float> = ClipSettings.vmzMean, deviation: SIMD3<Float> = ClipSettings.vmzDeviation
    ) throws(Fault) {
        self.frames = frames
        self.samplingRate = samplingRate
        self.clips = clips
        self.starts = starts
        self.geometry = geometry
        self.resize = resize
        self.region = region
        self.repeatsShort = repeatsShort
        self.freezeFrame = freezeFrame
        self.mean = mean
        self.deviation = deviation
        try validate()
    }

    private func validate() throws(Fault) {
        try demandClip(frames: frames, samplingRate: samplingRate, mean: mean, deviation: deviation)
        var isDense = false
        switch starts {
        case .dense(let stride), .sliding(let stride):
            isDense = true
            try demand(stride >= 1, "test.stride", "\(stride) is below 1")
        case .slowfast(let rate), .slowfastOffset(let rate):
            try demand(rate.isFinite && rate > 0, "test.target_rate", "\(rate) is no rate")
        case .vmz, .nonlocal, .listed: break
        }
        try demand(clips >= (isDense ? 0 : 1), "test.clips", "\(clips) clips leave no views")
        let smallest: Int
        switch resize {
        case .exact(let width, let height):
            smallest = min(width, height)
            try demand(smallest >= 1 && max(width, height) <= 8192, "input.resize", "\(width)x\(height) is no size")
        case .shortEdge(let edge):
            smallest = edge
            try demand((1...4096).contains(edge), "test.short_edge", "\(edge) is outside 1 to 4096")
        }
        if case .crops(let count, let size) = region {
            try demand([1, 3, 6].contains(count), "test.crops", "\(count) is none of 1, 3 and 6")
            try demand(
                (1...smallest).contains(size), "test.crop",
                "\(size) pixels do not fit into frames whose shorter side is \(smallest)")
        }
    }

    /// Source frames from a clip's first to its last, both counted.
    public var span: Int { (frames - 1) * samplingRate + 1 }

    /// Views of a clip.
    public var crops: Int {
        switch region {
        case .crops(let count, _): count
        case .frame: 1
        }
    }
}

/// What the clips of a step are: frames, pixels, and how far apart the frames lie in the video.
public struct ClipShape: Sendable, Hashable {
    /// Frames of a clip (T).
    public var frames: Int
    /// Its rows and columns, in pixels (H and W).
    public var crop: Int
    /// Source frames from one frame to the next: drawn for each clip, both ends included.
    public var samplingRates: ClosedRange<Int>

    public init(frames: Int, crop: Int, samplingRates: ClosedRange<Int> = 1...1) {
        self.frames = frames
        self.crop = crop
        self.samplingRates = samplingRates
    }
}

/// What each gradient unit of a step is: as many clips in as many batch-norm groups, all of one shape.
public struct StepBatch: Sendable, Hashable {
    /// Batch-norm groups of a unit: each is normalised with its own statistics.
    public var groups: Int
    public var clipsPerGroup: Int
    public var clip: ClipShape

    public init(groups: Int = 1, clipsPerGroup: Int, clip: ClipShape) {
        self.groups = groups
        self.clipsPerGroup = clipsPerGroup
        self.clip = clip
    }

    public var clipsPerUnit: Int { groups * clipsPerGroup }
}

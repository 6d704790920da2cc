public import Video

/// What of a video decides which of its frames and pixels a test sees.
public struct VideoFacts: Sendable, Equatable {
    /// How many frames it has.
    public var frameCount: Int
    /// Of a frame as seen, in pixels.
    public var width: Int
    public var height: Int
    /// Frames per second as the container claims; 0 where it does not.
    public var rate: Double
    /// How long the container says that the stream lasts, in seconds; 0 where it does not.
    public var seconds: Double
    /// When each frame is shown, in ticks, ascending; nil where the stream does not tell.
    public var timestamps: [Int64]?
    /// Ticks of a second, the denominator of the stream's time base.
    public var ticks: Int
    /// When each frame is shown, in seconds after the first; nil where the file does not tell.
    public var frameTimes: [Double]?
    /// The frame, 0 or later, at which its list says that its clip begins.
    public var listedStart: Int?

    /// - Parameter timestamps: nil for a stream that does not tell.
    public init(
        frameCount: Int, width: Int, height: Int, rate: Double = 0, seconds: Double = 0, timestamps: [Int64]? = nil,
        ticks: Int = 0, frameTimes: [Double]? = nil
    ) {
        self.frameCount = frameCount
        self.width = width
        self.height = height
        self.rate = rate
        self.seconds = seconds
        self.timestamps = timestamps
        self.ticks = ticks
        self.frameTimes = frameTimes
    }

    /// Of an opened video.
    public init(_ video: VideoReader, listedStart: Int? = nil) {
        self.init(
            frameCount: video.frameCount, width: video.width, height: video.height, rate: video.frameRate,
            seconds: video.streamSeconds, timestamps: video.timestamps, ticks: video.ticksPerSecond,
            frameTimes: video.frameTimes)
        self.listedStart = listedStart
    }
}

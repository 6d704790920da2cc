import Kernels

/// Accuracies over videos, from the logits of each video's clips.
///
/// A clip is right when its largest score is its label's. A video's scores are the mean over its clips of the softmax,
/// as VMZ and the R(2+1)D paper report them; a video counts for k when its label is among the k largest. Of equal
/// scores the lower class comes first.
public struct VideoScores: Sendable {
    public struct Result: Sendable, Equatable {
        public var videos: Int
        public var clips: Int
        /// Fractions in 0...1; 0 when there are no videos.
        public var clipTop1: Double
        public var videoTop1: Double
        public var videoTop5: Double

        public init(videos: Int, clips: Int, clipTop1: Double, videoTop1: Double, videoTop5: Double) {
            self.videos = videos
            self.clips = clips
            self.clipTop1 = clipTop1
            self.videoTop1 = videoTop1
            self.videoTop5 = videoTop5
        }
    }

    public let classes: Int
    private var videos = 0
    private var clips = 0
    private var rightClips = 0
    private var rightVideos = 0
    private var nearVideos = 0
    private var mean: [Double]
    private var clip: [Double]

    public init(classes: Int) {
        self.classes = classes
        mean = [Double](repeating: 0, count: classes)
        clip = mean
    }

    /// Adds one video, its logits clip after clip: one or more times `classes` values.
    ///
    /// - Returns: the video's scores, which sum to 1.
    @discardableResult
    public mutating func add(label: Int, logits: UnsafeBufferPointer<Float>) -> [Double] {
        precondition((0..<classes).contains(label) && !logits.isEmpty && logits.count % classes == 0)
        let count = logits.count / classes
        for c in 0..<classes { mean[c] = 0 }
        for i in 0..<count {
            let row = logits.extracting(i * classes..<(i + 1) * classes)
            SoftmaxCrossEntropy.softmax(
                K: classes, logits: row.baseAddress.unsafelyUnwrapped, scores: &clip)
            for c in 0..<classes { mean[c] += clip[c] / Double(count) }
            // By the logits themselves: rounding in the softmax may make neighbours equal.
            rightClips += row[label].isNaN || row.indices.contains { row.outranks($0, label) } ? 0 : 1
        }
        let before = mean[label].isNaN ? Int.max : mean.indices.count { mean.outranks($0, label) }
        videos += 1
        clips += count
        rightVideos += before < 1 ? 1 : 0
        nearVideos += before < 5 ? 1 : 0
        return mean
    }

    public var result: Result {
        func share(_ count: Int, _ all: Int) -> Double { all == 0 ? 0 : Double(count) / Double(all) }
        return Result(
            videos: videos, clips: clips, clipTop1: share(rightClips, clips), videoTop1: share(rightVideos, videos),
            videoTop5: share(nearVideos, videos))
    }
}

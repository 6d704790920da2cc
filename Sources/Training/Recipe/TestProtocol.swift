/// How the score of a video is made of a network's scores of its views, clip by clip and crop by crop: the `[test]` of a
/// recipe. docs/testing.md says where each rule was taken from.
public struct TestProtocol: Sendable, Equatable {
    /// The published ones: each gives every key of `[test]` its default.
    public enum Name: String, Sendable, CaseIterable {
        /// VMZ's `test_net`: 10 clips from the first frame to the last, cut out of the middle.
        case vmzSmall = "vmz-small"
        /// VMZ's `test_net_large`: 10 clips by 3 crops, one softmax over classes and places together.
        case vmzLarge = "vmz-large"
        /// The same with a softmax at each place, which VMZ probably meant.
        case vmzLargeCorrected = "vmz-large-corrected"
        /// PySlowFast's 30 views.
        case slowfast
        /// video-nonlocal-net's multi-crop test.
        case nonlocal
        /// VMZ's dense prediction: a clip at every frame that leaves room for it.
        case dense
    }

    /// Where clips begin, and which frames they have.
    public enum Starts: String, Sendable, CaseIterable {
        /// Spread from the first frame to the last place that leaves room.
        case vmz
        /// PySlowFast's: in frames of `targetRate`, by time stamps, never at the end; the last frame again where they run out.
        case slowfast
        /// The same with `DATA.USE_OFFSET_SAMPLING`: whole frames, up to the end.
        case slowfastOffset = "slowfast-offset"
        /// Tenths of the video; from its end on at its beginning again.
        case nonlocal
        /// Every `stride` frames.
        case dense
    }

    /// How sizes of scaled frames and corners of crops are rounded.
    public enum Geometry: String, Sendable, CaseIterable { case vmz, slowfast, nonlocal }

    /// What of a scaled frame is seen.
    public enum Region: String, Sendable, CaseIterable {
        /// Squares.
        case crop
        /// All of it, so that clips of different videos have different sizes.
        case frame
    }

    public enum Head: String, Sendable, CaseIterable { case linear, convolutional }

    /// How a convolutional head makes scores of the logits at its places.
    public enum Softmax: String, Sendable, CaseIterable {
        /// One over classes and places together; scores add up to 1 over the places.
        case joint
        /// One at each place, then the mean over them.
        case separate
    }

    /// How the scores of views become a video's.
    public enum Aggregate: String, Sendable, CaseIterable { case mean, sum, max }

    public var name: Name
    /// Clips of a video; 0, where clips are dense: as many as there are.
    public var clips: Int
    /// Crops of a clip: 1 in the middle, 3 along the longer side, 6 with the mirrored ones.
    public var crops: Int
    public var starts: Starts
    /// Frames from one dense clip to the next.
    public var stride: Int
    /// The frames per second that `input.sampling_rate` counts, for PySlowFast's clips.
    public var targetRate: Double
    /// A video shorter than a clip goes on at its beginning; without it, there is no view of it. PySlowFast and
    /// video-nonlocal-net have rules of their own.
    public var repeatsShort: Bool
    /// What the shorter side is scaled to, in pixels; 0: as in `[input]`.
    public var shortEdge: Int
    /// Rows and columns of a crop; 0: as in `[input]`.
    public var crop: Int
    public var geometry: Geometry
    public var region: Region
    public var head: Head
    public var softmax: Softmax
    public var aggregate: Aggregate

    /// A protocol as it was published, for a network that was trained with crops of so many pixels: crops of the large
    /// tests are larger by a seventh, which makes 128 of 112, 182 of 160, 256 of 224 and 356 of 312.
    public init(_ name: Name, trainedCrop: Int = 224) {
        self.name = name
        (clips, crops, starts, stride, targetRate, repeatsShort) = (10, 1, .vmz, 1, 30, false)
        (shortEdge, crop, geometry, region) = (0, 0, .vmz, .crop)
        (head, softmax, aggregate) = (.linear, .separate, .mean)
        let large = trainedCrop * 8 / 7
        switch name {
        case .vmzSmall: break
        case .vmzLarge, .vmzLargeCorrected:
            (crops, shortEdge, crop, head) = (3, large, large, .convolutional)
            softmax = name == .vmzLarge ? .joint : .separate
        case .slowfast:
            (crops, shortEdge, crop, head) = (3, large, large, .convolutional)
            (starts, geometry, aggregate) = (.slowfast, .slowfast, .sum)
        case .nonlocal:
            (crops, shortEdge, crop, head) = (3, large, large, .convolutional)
            (starts, geometry, aggregate) = (.nonlocal, .nonlocal, .sum)
        case .dense: (clips, starts, aggregate) = (0, .dense, .sum)
        }
    }

    /// How many views a video has; `nil` where its length decides.
    public var views: Int? { clips == 0 ? nil : clips * (region == .frame ? 1 : crops) }
}

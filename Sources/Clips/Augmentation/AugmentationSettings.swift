public import Faults

/// What is done to a training clip's pixels beyond cutting and mirroring it; nothing unless said.
///
/// Everything is drawn once for a clip, so that its frames stay alike, by (seed, position in the stream, purpose). All of
/// it is + − × ÷ √ in a fixed order, so the pixels are the same on every machine.
public struct AugmentationSettings: Sendable, Equatable {
    /// A window of random area and aspect is cut out and scaled to the crop, in place of scale jitter: GoogLeNet's.
    public struct ResizedCrop: Sendable, Equatable {
        /// Share of the frame's area.
        public var area: ClosedRange<Double>
        /// Width over height, drawn by its logarithm.
        public var aspect: ClosedRange<Double>

        /// - Throws: a usage `Fault` when no window is like that.
        public init(area: ClosedRange<Double>, aspect: ClosedRange<Double>) throws(Fault) {
            guard area.lowerBound >= 0.01, area.upperBound <= 1 else {
                throw Fault(
                    .usage, "augment.crop_area", "\(area) is outside 0.01 to 1", mend: "write for example [0.08, 1]")
            }
            guard aspect.lowerBound >= 0.1, aspect.upperBound <= 10 else {
                throw Fault(
                    .usage, "augment.crop_aspect", "\(aspect) is outside 0.1 to 10",
                    mend: "write for example [0.75, 1.3333]")
            }
            self.area = area
            self.aspect = aspect
        }
    }

    /// Random erasing: windows of all frames become noise. Source: Zhong et al., "Random Erasing" (AAAI 2020).
    public struct Erasing: Sendable, Equatable {
        public enum Fill: String, Sendable, CaseIterable {
            /// Normal deviates, other ones for each value of each frame.
            case noise
            /// The mean colour.
            case mean
        }
        public var probability: Double
        public var windows: Int
        public var fill: Fill

        public init(probability: Double, windows: Int, fill: Fill) {
            self.probability = probability
            self.windows = windows
            self.fill = fill
        }
    }

    public var resizedCrop: ResizedCrop?
    public var randAugment: RandAugment?
    /// Brightness, contrast and saturation change by factors from 1 − this to 1 + this, in an order that is drawn too.
    public var colourJitter: SIMD3<Double>
    /// Deviation of PCA lighting; 0: none.
    public var lighting: Double
    public var erasing: Erasing?
    /// Each video of the order is drawn so many times in a row, with other pixels: repeated augmentation.
    public var repeats: Int

    public static let none = AugmentationSettings()

    public init(
        resizedCrop: ResizedCrop? = nil, randAugment: RandAugment? = nil, colourJitter: SIMD3<Double> = .zero,
        lighting: Double = 0, erasing: Erasing? = nil, repeats: Int = 1
    ) {
        self.resizedCrop = resizedCrop
        self.randAugment = randAugment
        self.colourJitter = colourJitter
        self.lighting = lighting
        self.erasing = erasing
        self.repeats = repeats
    }

    /// Whether values of 0 to 255 are changed before they are normalised.
    var changesColours: Bool { randAugment != nil || colourJitter != .zero || lighting > 0 }
}

internal import Randomness

/// Mixup and CutMix: the clips of a unit are mixed in pairs, the first with the last and so on, all by one share.
///
/// PySlowFast's way of choosing (its `MixUp`, timm's "batch" mode), with a unit for its batch. Sources: Zhang et al., "mixup"
/// (ICLR 2018); Yun et al., "CutMix" (ICCV 2019).
public struct ClipMixing: Sendable, Equatable {
    /// Of the Beta distribution that mixup's share is drawn from; 0: no mixup.
    public var mixupAlpha: Double
    /// The same of CutMix.
    public var cutmixAlpha: Double
    /// That a unit is mixed at all.
    public var probability: Double
    /// That it is CutMix where both are on.
    public var switchProbability: Double

    public init(mixupAlpha: Double, cutmixAlpha: Double, probability: Double, switchProbability: Double) {
        self.mixupAlpha = mixupAlpha
        self.cutmixAlpha = cutmixAlpha
        self.probability = probability
        self.switchProbability = switchProbability
    }

    public var isOn: Bool { probability > 0 && (mixupAlpha > 0 || cutmixAlpha > 0) }

    /// What happens to the clips of a unit.
    public enum Mix: Sendable, Equatable {
        case none
        /// own · `share` + partner · (1 − `share`).
        case blend(share: Double)
        /// The partner's pixels in this window of every frame; `share` is the area that stays.
        case paste(rows: Range<Int>, columns: Range<Int>, share: Double)

        /// Of the clip's own label in its target.
        public var share: Double {
            switch self {
            case .none: 1
            case .blend(let share), .paste(_, _, let share): share
            }
        }
    }

    /// What happens to the unit whose first clip is at `position` of the stream: the same wherever it is computed.
    public func mix(seed: UInt64, position: UInt64, height: Int, width: Int) -> Mix {
        let draws = Draws(seed: seed, place: position, purpose: .mix)
        guard isOn, Double(draws.uniform(0)) < probability else { return .none }
        let cuts =
            mixupAlpha > 0 && cutmixAlpha > 0
            ? Double(draws.uniform(1)) < switchProbability : cutmixAlpha > 0
        let share = draws.beta(cuts ? cutmixAlpha : mixupAlpha, from: 8)
        guard cuts else { return .blend(share: share) }
        let side = (1 - share).squareRoot()
        func window(_ length: Int, _ draw: Int) -> Range<Int> {
            let half = Int(Double(length) * side) / 2
            let centre = draws.integer(draw, below: length)
            return max(0, centre - half)..<min(length, centre + half)
        }
        let (rows, columns) = (window(height, 2), window(width, 3))
        return .paste(
            rows: rows, columns: columns, share: 1 - Double(rows.count * columns.count) / Double(height * width))
    }
}

/// What the loss compares with: one row of probabilities for each clip of a unit.
public enum SoftTargets {
    /// One-hot rows, smoothed as PyTorch does it, 1 − ε for the label and ε / classes for all, mixed with the partner's.
    /// - Parameters:
    ///   - share: Of the clip's own row.
    /// - Returns: `labels.count` rows of `classes` each; nil where labels alone say the same.
    public static func rows(labels: [Int], classes: Int, smoothing: Double, share: Double) -> [Double]? {
        guard smoothing > 0 || share < 1 else { return nil }
        var rows = [Double](repeating: smoothing / Double(classes), count: labels.count * classes)
        for (n, label) in labels.enumerated() {
            rows[n * classes + label] += (1 - smoothing) * share
            rows[n * classes + labels[labels.count - 1 - n]] += (1 - smoothing) * (1 - share)
        }
        return rows
    }
}

/// The result of a test, from its scores. A video that could not be tested counts as wrong; it has no views.
public struct TestMetrics: Sendable, Equatable {
    /// One class, over the videos that have it or were taken for it.
    public struct PerClass: Sendable, Equatable {
        public var name: String
        /// Videos of the class; those of them whose largest score is it, and is among the five largest.
        public var videos: Int
        public var right: Int
        public var near: Int
        /// Videos of any class whose largest score is it.
        public var predicted: Int

        /// Nil where nothing was predicted as it, and where no video has it.
        public var precision: Double? { predicted == 0 ? nil : Double(right) / Double(predicted) }
        public var recall: Double? { videos == 0 ? nil : Double(right) / Double(videos) }
    }

    /// Videos of one class that were taken for another.
    public struct Confusion: Sendable, Equatable {
        public var label: Int
        public var prediction: Int
        public var videos: Int
    }

    public var videos: Int
    /// Of these, how many could not be tested.
    public var untested: Int
    public var views: Int
    /// Fractions in 0...1; 0 when there are no videos.
    public var viewTop1: Double
    public var videoTop1: Double
    public var videoTop5: Double
    /// The mean of the recalls of the classes that have videos.
    public var meanPerClass: Double
    /// 95 % confidence intervals of the fractions of videos (Wilson, "Probable Inference, the Law of Succession, and
    /// Statistical Inference", JASA 1927): what another draw of as many videos might have given.
    public var top1Interval: ClosedRange<Double>
    public var top5Interval: ClosedRange<Double>
    public var classes: [PerClass]
    /// Every pair that occurs, right ones too, by label, then prediction.
    public var confusion: [Confusion]

    public init(_ table: ScoreTable) {
        var classes = table.classes.map { PerClass(name: $0, videos: 0, right: 0, near: 0, predicted: 0) }
        var pairs: [Int: Int] = [:]
        var (untested, views, rightViews, right, near) = (0, 0, 0, 0, 0)
        for row in table.rows {
            views += row.outcome.views
            rightViews += row.outcome.rightViews
            classes[row.label].videos += 1
            guard let prediction = table.prediction(row), let before = table.before(row) else {
                untested += 1
                continue
            }
            classes[prediction].predicted += 1
            pairs[row.label * classes.count + prediction, default: 0] += 1
            if before < 1 {
                right += 1
                classes[row.label].right += 1
            }
            if before < 5 {
                near += 1
                classes[row.label].near += 1
            }
        }
        func share(_ count: Int, _ all: Int) -> Double { all == 0 ? 0 : Double(count) / Double(all) }
        videos = table.rows.count
        self.untested = untested
        self.views = views
        viewTop1 = share(rightViews, views)
        videoTop1 = share(right, videos)
        videoTop5 = share(near, videos)
        let recalls = classes.compactMap(\.recall)
        meanPerClass = recalls.isEmpty ? 0 : recalls.reduce(0, +) / Double(recalls.count)
        top1Interval = wilsonInterval(right, of: videos)
        top5Interval = wilsonInterval(near, of: videos)
        let count = max(1, classes.count)
        confusion = pairs.sorted { $0.key < $1.key }.map {
            Confusion(label: $0.key / count, prediction: $0.key % count, videos: $0.value)
        }
        self.classes = classes
    }

    /// The pairs of different classes with the most videos, the most first, then by label and prediction.
    public func topConfusions(_ count: Int) -> [Confusion] {
        Array(
            confusion.filter { $0.label != $0.prediction }
                .sorted { ($1.videos, $0.label, $0.prediction) < ($0.videos, $1.label, $1.prediction) }.prefix(count))
    }
}

/// Wilson's score interval of a proportion at 95 % confidence; 0...1 when there is nothing to judge by.
public func wilsonInterval(_ successes: Int, of trials: Int) -> ClosedRange<Double> {
    guard trials > 0 else { return 0...1 }
    let (n, z) = (Double(trials), 1.959963984540054)
    let p = Double(successes) / n
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
}

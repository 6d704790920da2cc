/// How many videos the published data sets have, to hold one's own against.
public struct PublishedCounts: Sendable, Equatable {
    public let name: String
    public let classes: Int
    /// Rows of the published annotations, by split.
    let annotated: [Split: Int]
    /// Videos that the CVDF's archives hold (for UCF101 and HMDB51: all), by split.
    let archived: [Split: Int]
    /// The first class in the order of bytes, which tells one set of so many classes from another.
    let firstClass: String

    public func annotated(_ split: Split) -> Int? { annotated[split] }
    public func archived(_ split: Split) -> Int? { archived[split] }

    /// Sources: the CVDF's kinetics-dataset with arrange_by_classes.py, FiftyOne's data set pages, the papers of UCF101
    /// (arXiv:1212.0402; split 1) and HMDB51 (70 and 30 videos of each class).
    public static let all: [PublishedCounts] = [
        PublishedCounts(
            name: "kinetics-400", classes: 400, annotated: [.train: 246_534, .val: 19_906, .test: 39_805],
            archived: [.train: 240_258, .val: 19_881, .test: 38_685], firstClass: "abseiling"),
        PublishedCounts(
            name: "kinetics-600", classes: 600, annotated: [.val: 30_000],
            archived: [.train: 427_549, .val: 29_793, .test: 72_924], firstClass: "abseiling"),
        PublishedCounts(
            name: "ucf101", classes: 101, annotated: [.train: 9537, .test: 3783],
            archived: [.train: 9537, .test: 3783], firstClass: "ApplyEyeMakeup"),
        PublishedCounts(
            name: "hmdb51", classes: 51, annotated: [.train: 3570, .test: 1530],
            archived: [.train: 3570, .test: 1530], firstClass: "brush hair"),
    ]

    /// The data set that has these classes; `nil` when none is known.
    public static func matching(_ classes: ClassList) -> PublishedCounts? {
        all.first { $0.classes == classes.names.count && classes.label(of: $0.firstClass) != nil }
    }
}

/// What missing videos cost, in words: the one measured figure, and arithmetic.
public func cost(ofMissing coverage: Coverage, in split: Split) -> String? {
    let missing = coverage.listedCount - coverage.presentCount
    guard missing > 0, coverage.listedCount > 0 else { return nil }
    let percent = Double((Double(missing) / Double(coverage.listedCount) * 1e4).rounded()) / 100
    if split == .train {
        return percent <= 5
            ? "\(percent) % of the training videos are missing; with 5 % of Kinetics missing, top-1 has been seen to fall by less than 0.5 points"
            : "\(percent) % of the training videos are missing, more than the 5 % for which a fall of less than 0.5 points of top-1 is known"
    }
    return
        "\(percent) % of the \(split) videos are missing: the accuracy on the rest may differ from the one on all by up to \(percent) points"
}

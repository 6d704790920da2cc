/// A record of a TensorBoard event file.
public struct TensorBoardEvent: Sendable {
    /// Seconds since 1970.
    public var time: Double
    public var step: Int
    public var content: Content

    public enum Content: Sendable {
        /// The first record of a file, and no other.
        case fileVersion
        case values([TensorBoardValue])
    }

    public init(time: Double, step: Int = 0, _ content: Content) {
        (self.time, self.step, self.content) = (time, step, content)
    }
}

/// What is told of one tag.
public struct TensorBoardValue: Sendable {
    public var tag: String
    public var content: Content

    public enum Content: Sendable {
        case scalar(Double)
        case histogram(TensorBoardHistogram)
        /// A PNG or an animated GIF of `width` × `height` pixels, RGB.
        case picture(width: Int, height: Int, [UInt8])
        /// Markdown.
        case text(String)
        case hyperParameters(TensorBoardParameters)
    }

    public init(_ tag: String, _ content: Content) { (self.tag, self.content) = (tag, content) }
}

/// How values are distributed: counts between edges.
public struct TensorBoardHistogram: Sendable, Equatable {
    public var least: Double
    public var greatest: Double
    public var count: Int
    public var sum: Double
    public var sumOfSquares: Double
    /// Right edges, rising; as many as counts.
    public var edges: [Double]
    public var counts: [Double]

    public init(
        least: Double, greatest: Double, count: Int, sum: Double, sumOfSquares: Double, edges: [Double],
        counts: [Double]
    ) {
        (self.least, self.greatest, self.count) = (least, greatest, count)
        (self.sum, self.sumOfSquares, self.edges, self.counts) = (sum, sumOfSquares, edges, counts)
    }
}

/// The three kinds of record that TensorBoard's table of runs is made of.
public enum TensorBoardParameters: Sendable {
    public enum Value: Sendable, Equatable {
        case number(Double)
        case text(String)
        case boolean(Bool)
    }

    /// Which parameters and which metrics (tags of scalars) there are.
    case experiment([(name: String, value: Value)], metrics: [String])
    /// The parameters of this run.
    case start([(name: String, value: Value)], group: String, time: Double)
    /// How it ended: well or not.
    case end(isSuccess: Bool, time: Double)

    /// The tag under which TensorBoard looks for it.
    public var tag: String {
        switch self {
        case .experiment: "_hparams_/experiment"
        case .start: "_hparams_/session_start_info"
        case .end: "_hparams_/session_end_info"
        }
    }
}

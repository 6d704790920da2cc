/// The scores of a test, video by video: enough to say its result again, and to fuse it with others.
public struct ScoreTable: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        /// What the video is called in its list.
        public var name: String
        public var label: Int
        public var outcome: VideoOutcome

        public init(name: String, label: Int, outcome: VideoOutcome) {
            self.name = name
            self.label = label
            self.outcome = outcome
        }
    }

    /// A name for each score of a row.
    public let classes: [String]
    public var rows: [Row]
    /// What was tested and how: `model`, `checkpoint`, `data`, `protocol`, for people.
    public var about: [String: String]

    /// - Parameter classes: names of the first classes; those that the network has beyond are called by their numbers.
    public init(classes: [String], count: Int, rows: [Row] = [], about: [String: String] = [:]) {
        self.classes = (0..<count).map { $0 < classes.count ? classes[$0] : "class \($0)" }
        self.rows = rows
        self.about = about
    }

    /// The class with the largest score; nil where the video was not tested.
    public func prediction(_ row: Row) -> Int? {
        let scores = row.outcome.scores
        guard row.outcome.isTested, var best = scores.indices.first else { return nil }
        for k in scores.indices.dropFirst() where scores[k] > scores[best] { best = k }
        return best
    }

    /// How many classes come before the label; nil where the video was not tested.
    func before(_ row: Row) -> Int? {
        let scores = row.outcome.scores
        guard row.outcome.isTested, scores.indices.contains(row.label) else { return nil }
        return scores.indices.count { scores.outranks($0, row.label) }
    }
}

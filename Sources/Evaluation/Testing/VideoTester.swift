public import Clips
public import Faults
import Models
public import Training

/// What a test found out about one video.
public struct VideoOutcome: Sendable, Equatable {
    /// A score for each class; empty when the video cannot be tested.
    public var scores: [Double]
    /// How many views it has, and how many of them alone would have been right.
    public var views: Int
    public var rightViews: Int
    /// Why it cannot be tested; empty when it was.
    public var problem: String

    public init(scores: [Double], views: Int, rightViews: Int) {
        (self.scores, self.views, self.rightViews, problem) = (scores, views, rightViews, "")
    }

    public init(problem: String) {
        (scores, views, rightViews, self.problem) = ([], 0, 0, problem.isEmpty ? "unknown" : problem)
    }

    public var isTested: Bool { problem.isEmpty }
}

/// Tests videos of a packed set one by one; belongs to the thread that runs it.
///
/// A video's outcome is a pure function of the set, the settings, the weights and the instruction set.
public final class VideoTester {
    private let set: PackedSet
    private let runner: ViewRunner
    private let aggregate: TestProtocol.Aggregate

    public init(_ set: PackedSet, _ runner: ViewRunner, aggregate: TestProtocol.Aggregate) {
        self.set = set
        self.runner = runner
        self.aggregate = aggregate
    }

    /// Decodes the video at `rank` once and runs all of its views.
    ///
    /// - Parameter between: called behind each view.
    /// - Throws: a `Fault` about the disk or the network; what `between` throws. A video that does not decode or has no
    ///   views is an outcome.
    public func test(rank: Int, between: () throws -> Void = {}) throws -> VideoOutcome {
        switch try runner.score(ViewedVideo(set, rank: rank), between: between) {
        case .failure(let problem): VideoOutcome(problem: problem.reason)
        case .success(let scored):
            VideoOutcome(
                scores: scored.scores.aggregate(aggregate), views: scored.scores.views,
                rightViews: scored.scores.rightViews)
        }
    }
}

/// A video and the scores of its views.
public struct ScoredVideo {
    public let facts: VideoFacts
    public let plan: VideoPlan
    public let scores: ViewScores

    /// Of each clip the first of its frames, and the mean scores over its crops: in the order of the clips.
    public var clips: [(start: Int, scores: [Double])] {
        let crops = (plan.views.last?.crop ?? 0) + 1
        return stride(from: 0, to: plan.views.count, by: crops).map { first in
            (plan.views[first].frames[0], scores.aggregate(.mean, views: first..<first + crops))
        }
    }
}

extension ViewRunner {
    /// Runs all views of a video and keeps their scores.
    ///
    /// - Parameter between: called behind each view.
    /// - Returns: a failure for a video that has no views to give.
    /// - Throws: a `Fault` about the disk or the network; what `between` throws.
    public func score(_ video: ViewedVideo, between: () throws -> Void = {}) throws -> Result<ScoredVideo, Fault> {
        var found: (plan: VideoPlan, facts: VideoFacts)?
        var scores: ViewScores?
        let problem = try run(video) { plan, facts in
            found = (plan, facts)
        } _: { outcome in
            if scores == nil { scores = ViewScores(classes: outcome.output.count, views: found?.plan.views.count ?? 0) }
            scores?.set(outcome, label: video.label)
            try between()
        }
        if let problem { return .failure(problem) }
        guard let found, let scores else { throw Fault(.internal, video.name, "was not tested") }
        return .success(ScoredVideo(facts: found.facts, plan: found.plan, scores: scores))
    }
}

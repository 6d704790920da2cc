public import Clips
public import Faults
public import Models
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
/// A video's outcome is a pure function of the set, the settings, the weights and the instruction set: not of what was
/// tested before, of the threads, or of how many views run at once.
public final class VideoTester {
    private let set: PackedSet
    private let settings: ViewSettings
    private let aggregate: TestProtocol.Aggregate
    private let viewsAtOnce: Int
    private let make: (_ height: Int, _ width: Int, _ N: Int) throws(Fault) -> InferencePass
    /// The last used one last. Whole frames come in a few sizes.
    private var passes: [(height: Int, width: Int, pass: InferencePass)] = []

    private static let mostPasses = 2

    /// - Parameters:
    ///   - viewsAtOnce: views that go through the network together; memory grows with it, results do not change.
    ///   - make: a pass for so many rows, columns and views, with its weights loaded.
    public init(
        _ set: PackedSet, _ settings: ViewSettings, aggregate: TestProtocol.Aggregate, viewsAtOnce: Int,
        make: @escaping (_ height: Int, _ width: Int, _ N: Int) throws(Fault) -> InferencePass
    ) {
        precondition(viewsAtOnce >= 1, "\(viewsAtOnce) views at once")
        self.set = set
        self.settings = settings
        self.aggregate = aggregate
        self.viewsAtOnce = viewsAtOnce
        self.make = make
    }

    /// Decodes the video at `rank` once and runs all of its views.
    ///
    /// - Throws: a `Fault` about the disk or the network. A video that does not decode or has no views is an outcome.
    public func test(rank: Int) throws -> VideoOutcome {
        let label = set.records[rank].label
        var run: Run?
        let problem = try set.decodeViews(rank: rank, settings) { plan in
            let pass = try pass(plan.viewHeight, plan.viewWidth, views: plan.views.count)
            run = Run(pass, views: plan.views.count, label: label)
        } view: { number, pixels in
            run?.add(number, pixels)
        }
        if let problem { return VideoOutcome(problem: problem.reason) }
        guard var run else { throw Fault(.internal, set.records[rank].name, "was not tested") }
        run.flush()
        let scores = run.scores.aggregate(aggregate)
        guard scores.allSatisfy(\.isFinite) else {
            throw Fault(
                .data, set.records[rank].name, "the network makes scores of it that are no numbers",
                mend: "take a checkpoint from before the training diverged")
        }
        return VideoOutcome(scores: scores, views: run.scores.views, rightViews: run.scores.rightViews)
    }

    private func pass(_ height: Int, _ width: Int, views: Int) throws(Fault) -> InferencePass {
        if let known = passes.firstIndex(where: { $0.height == height && $0.width == width }) {
            let entry = passes.remove(at: known)
            passes.append(entry)
            return entry.pass
        }
        if passes.count == Self.mostPasses { passes.removeFirst() }
        // Before the new one takes its memory, the old one has let go of its own.
        let pass = try make(height, width, viewsAtOnce)
        passes.append((height, width, pass))
        return pass
    }

    /// The views of one video on their way through the network.
    private struct Run {
        let pass: InferencePass
        let label: Int
        var scores: ViewScores
        /// The numbers of the views that wait in the pass's input.
        var waiting: [Int] = []

        init(_ pass: InferencePass, views: Int, label: Int) {
            self.pass = pass
            self.label = label
            scores = ViewScores(classes: pass.network.classes, views: views)
        }

        mutating func add(_ number: Int, _ pixels: ViewPixels) {
            let size = pass.network.input.count
            pixels.write(
                to: UnsafeMutableBufferPointer(
                    rebasing: pass.input[waiting.count * size..<(waiting.count + 1) * size]))
            waiting.append(number)
            if waiting.count == pass.N { flush() }
        }

        mutating func flush() {
            guard !waiting.isEmpty else { return }
            let out = pass.run(clips: waiting.count)
            let K = pass.network.classes
            for (i, number) in waiting.enumerated() {
                scores.set(
                    number, out.extracting(i * K..<(i + 1) * K), isScores: pass.network.endsWithScores, label: label)
            }
            waiting.removeAll()
        }
    }
}

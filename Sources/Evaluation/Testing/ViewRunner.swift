public import Clips
public import Faults
import Kernels
public import Models

/// Runs the views of videos through a network; belongs to the thread that runs it.
///
/// What is made of a view is a pure function of the video, the settings, the weights and the instruction set: not of what
/// was run before, of the threads, or of how many views run at once.
public final class ViewRunner {
    public let settings: ViewSettings
    /// Numbers of the layers whose activations are handed out.
    public let layers: [Int]
    private let viewsAtOnce: Int
    private let make: (_ height: Int, _ width: Int, _ N: Int) throws(Fault) -> InferencePass
    /// The last used one last. Whole frames come in a few sizes.
    private var passes: [(height: Int, width: Int, pass: InferencePass)] = []

    private static let mostPasses = 2

    /// - Parameters:
    ///   - viewsAtOnce: views that go through the network together; memory grows with it, results do not change.
    ///   - layers: to be kept by the passes that `make` makes.
    ///   - make: a pass for so many rows, columns and views, with its weights loaded.
    public init(
        _ settings: ViewSettings, viewsAtOnce: Int, layers: [Int] = [],
        make: @escaping (_ height: Int, _ width: Int, _ N: Int) throws(Fault) -> InferencePass
    ) {
        precondition(viewsAtOnce >= 1, "\(viewsAtOnce) views at once")
        self.settings = settings
        self.viewsAtOnce = viewsAtOnce
        self.layers = layers
        self.make = make
    }

    /// What the network makes of one view; valid until the closure that got it returns.
    public struct Outcome {
        /// The view's number in the plan, and the view.
        public let number: Int
        public let view: VideoPlan.View
        /// One number for each class: scores where the network ends with a convolutional head, else logits.
        public let output: UnsafeBufferPointer<Float>
        let endsWithScores: Bool
        /// By place in `layers`: T H W C.
        public let activations: [UnsafeBufferPointer<Float>]

        /// Writes the scores, the softmax of logits, to `out`.
        func writeScores(to out: UnsafeMutableBufferPointer<Double>) {
            precondition(out.count == output.count, "\(out.count) places for \(output.count) scores")
            if endsWithScores {
                for (k, score) in output.enumerated() { out[k] = Double(score) }
            } else if let logits = output.baseAddress, let scores = out.baseAddress {
                SoftmaxCrossEntropy.softmax(K: output.count, logits: logits, scores: scores)
            }
        }

        /// A score for each class; of a linear head they sum to 1.
        public var scores: [Double] {
            [Double](unsafeUninitializedCapacity: output.count) { scores, count in
                let scores = UnsafeMutableBufferPointer(rebasing: scores[..<output.count])
                scores.initialize(repeating: 0)
                writeScores(to: scores)
                count = output.count
            }
        }
    }

    /// Decodes a video once, on a thread of its own, and runs all of its views as they come.
    ///
    /// - Parameters:
    ///   - begin: called with what is to come, before the first view.
    ///   - body: gets each view once, in an order of the decoder's.
    /// - Returns: `nil`, or why the video has no views to give; what `body` got before is then of no use.
    /// - Throws: a `Fault` about the disk, or a network whose output is no number; what the closures throw.
    public func run(
        _ video: ViewedVideo, begin: (VideoPlan, VideoFacts) throws -> Void, _ body: (Outcome) throws -> Void
    ) throws -> Fault? {
        let views = ViewsAhead(video, settings)
        defer { views.stop() }
        var run: Run?
        while true {
            switch try views.next() {
            case .begun(let plan, let facts):
                run = Run(try pass(plan.viewHeight, plan.viewWidth), plan, layers, video.name)
                try begin(plan, facts)
            case .view(let number, let pixels): try run?.add(number, pixels, body)
            case .ended(nil):
                try run?.flush(body)
                return nil
            case .ended(let problem?): return problem
            }
        }
    }

    private func pass(_ height: Int, _ width: Int) throws(Fault) -> InferencePass {
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
        let plan: VideoPlan
        let layers: [Int]
        let video: String
        /// The numbers of the views that wait in the pass's input.
        var waiting: [Int] = []

        init(_ pass: InferencePass, _ plan: VideoPlan, _ layers: [Int], _ video: String) {
            self.pass = pass
            self.plan = plan
            self.layers = layers
            self.video = video
        }

        mutating func add(_ number: Int, _ pixels: ViewPixels, _ body: (Outcome) throws -> Void) throws {
            let size = pass.network.input.count
            pixels.write(
                to: UnsafeMutableBufferPointer(
                    rebasing: pass.input[waiting.count * size..<(waiting.count + 1) * size]))
            waiting.append(number)
            if waiting.count == pass.N { try flush(body) }
        }

        mutating func flush(_ body: (Outcome) throws -> Void) throws {
            guard !waiting.isEmpty else { return }
            let network = pass.network
            let out = pass.run(clips: waiting.count)
            guard out.allSatisfy(\.isFinite) else {
                throw Fault(
                    .data, video, "the network makes scores of it that are no numbers",
                    mend: "take a checkpoint from before the training diverged")
            }
            for (i, number) in waiting.enumerated() {
                let activations = layers.map { layer in
                    let count = network.layers[layer].map.count
                    return pass.activation(layer, clips: waiting.count).extracting(i * count..<(i + 1) * count)
                }
                try body(
                    Outcome(
                        number: number, view: plan.views[number],
                        output: out.extracting(i * network.classes..<(i + 1) * network.classes),
                        endsWithScores: network.endsWithScores, activations: activations))
            }
            waiting.removeAll()
        }
    }
}

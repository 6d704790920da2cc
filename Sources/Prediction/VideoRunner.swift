public import Clips
public import Faults
import Kernels
public import Models

/// Runs a network over clips of videos: their softmax scores and the activations that were asked for.
public final class VideoRunner {
    public let network: NetworkDescription
    public let settings: ClipSettings
    /// Numbers of the layers whose activations are handed out.
    public let layers: [Int]
    private let pass: InferencePass
    private let clips: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - pass: with parameters and statistics set, and `layers` kept. Its N clips are run at a time.
    /// - Throws: a usage `Fault` when the clips are not of the network's size.
    public init(_ pass: InferencePass, _ settings: ClipSettings, layers: [Int] = []) throws(Fault) {
        guard settings.clipFloats == pass.network.input.count else {
            throw Fault(
                .usage, "input",
                "clips of \(settings.frames)x\(settings.crop)x\(settings.crop) are not \(pass.network.input)",
                mend: "correct the recipe")
        }
        self.pass = pass
        self.settings = settings
        self.layers = layers
        network = pass.network
        clips = .allocate(capacity: pass.N * network.input.count)
        clips.initialize(repeating: 0)
    }

    deinit { clips.deallocate() }

    /// What the network makes of one clip; valid until `body` returns.
    public struct Outcome {
        /// The clip's number among `starts`.
        public let number: Int
        public let start: Int
        /// The softmax of the logits, which sums to 1.
        public let scores: [Double]
        /// By place in `layers`: T H W C.
        public let activations: [UnsafeBufferPointer<Float>]
    }

    /// Runs the clips of `video` that begin at `starts` and gives each to `body`, in order.
    /// - Throws: a data `Fault` when a frame does not decode, or the network's output is not finite; what `body` throws.
    public func run(_ video: VideoClips, name: String, starts: [Int], _ body: (Outcome) throws -> Void) throws {
        let classes = network.classes
        var scores = [Double](repeating: 0, count: classes)
        for first in stride(from: 0, to: starts.count, by: pass.N) {
            let slice = Array(starts[first..<min(first + pass.N, starts.count)])
            try video.load(starts: slice, into: clips)
            _ = pass.input.update(fromContentsOf: clips[..<(slice.count * network.input.count)])
            let logits = pass.run(clips: slice.count)
            guard logits.allSatisfy(\.isFinite) else {
                throw Fault(
                    .data, name, "makes the network's output infinite or no number",
                    mend: "take a checkpoint from before the training diverged")
            }
            for (i, start) in slice.enumerated() {
                let row = logits.extracting(i * classes..<(i + 1) * classes)
                if let base = row.baseAddress { SoftmaxCrossEntropy.softmax(K: classes, logits: base, scores: &scores) }
                let activations = layers.map { layer in
                    let count = network.layers[layer].map.count
                    return pass.activation(layer, clips: slice.count).extracting(i * count..<(i + 1) * count)
                }
                try body(Outcome(number: first + i, start: start, scores: scores, activations: activations))
            }
        }
    }
}

/// Where the time of a training pass goes: seconds by layer and by what was done for it.
///
/// Whoever runs the pass marks the end of each piece of work; the time since the mark before belongs to it.
public final class PassProfile {
    public enum Phase: String, CaseIterable, Sendable {
        case packing
        case forward
        /// Forward once more, for what was not kept.
        case recomputation
        case backwardWeights = "backward-weights"
        case backwardData = "backward-data"
        /// What the gradient was handed to: the optimizer's update, or the sending of it.
        case gradientTaken = "gradient taken"
        /// Backward of what is not a convolution or a linear layer.
        case backward
    }

    public struct Key: Hashable, Sendable {
        /// The number of the layer whose tensor the work made.
        public let layer: Int
        public let phase: Phase

        public init(layer: Int, phase: Phase) {
            self.layer = layer
            self.phase = phase
        }
    }

    /// Seconds over all runs so far.
    public private(set) var seconds: [Key: Double] = [:]
    private var last = ContinuousClock.now

    public init() {}

    /// Forgets what came before: a pass begins.
    func begin() { last = .now }

    func mark(_ layer: Int, _ phase: Phase) {
        let now = ContinuousClock.now
        let time = (now - last).components
        seconds[Key(layer: layer, phase: phase), default: 0] +=
            Double(time.seconds) + Double(time.attoseconds) * 1e-18
        last = now
    }
}

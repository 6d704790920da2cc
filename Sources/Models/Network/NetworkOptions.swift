import Faults

/// What may differ from a network as it was published. A family refuses the options that its origin has no graph for.
public struct NetworkOptions: Sendable, Equatable {
    /// What stands behind the last map.
    public enum Head: String, Sendable, CaseIterable {
        /// The mean over the whole map, then one linear layer: what training uses. The network ends with logits.
        case linear
        /// The mean over the window that the network was trained with, moved over larger maps, the linear layer at each
        /// place, and the scores of all places as the origin averages them. For testing with larger crops.
        case convolutional
    }

    /// One of the options, by its name in recipes.
    enum Key: String, CaseIterable {
        case channelMultiplier = "channel_multiplier"
        case bottleneckMultiplier = "bottleneck_multiplier"
        case pool1 = "pool1"
        case conv1TemporalStride = "conv1_temporal_stride"
        case conv1TemporalKernel = "conv1_temporal_kernel"
        case dropout = "dropout"
        case convolutionalHead = "convolutional_head"
    }

    /// Times the channels of every residual stage, cut to a whole number; above 0, at most 16.
    public var channelMultiplier = 1.0
    /// Times the inner channels of bottlenecks, cut to a whole number; above 0, at most 16.
    public var bottleneckMultiplier = 1.0
    /// A max pool behind the first convolution, for crops of 224 and more.
    public var pool1 = false
    /// Frames from one place of the first convolution to the next, 1 to 16.
    public var conv1TemporalStride = 1
    /// Frames that the first convolution sees: 3 or 5.
    public var conv1TemporalKernel = 3
    /// How probably dropout forgets a value in front of the head, in [0, 1); nil: as published.
    public var dropout: Double?
    public var head = Head.linear
    /// Rows and columns of the crops that the network was trained with, which decide the window of a convolutional head;
    /// nil: as published.
    public var trainedCrop: Int?

    /// The published network.
    public init() {}

    /// The options that are not as published.
    private var changed: [Key] {
        let standard = NetworkOptions()
        return Key.allCases.filter { key in
            switch key {
            case .channelMultiplier: channelMultiplier != standard.channelMultiplier
            case .bottleneckMultiplier: bottleneckMultiplier != standard.bottleneckMultiplier
            case .pool1: pool1 != standard.pool1
            case .conv1TemporalStride: conv1TemporalStride != standard.conv1TemporalStride
            case .conv1TemporalKernel: conv1TemporalKernel != standard.conv1TemporalKernel
            case .dropout: dropout != standard.dropout
            case .convolutionalHead: head != standard.head
            }
        }
    }

    /// Refuses values out of range, and options other than `known`.
    /// - Throws: `Fault.usage` that names the option.
    func check(for name: String, known: Set<Key>) throws(Fault) {
        for key in changed where !known.contains(key) {
            let names = Key.allCases.filter(known.contains).map(\.rawValue)
            throw Fault(
                .usage, "model.\(key.rawValue)", "\(name) has no such option where it comes from",
                mend: names.isEmpty ? "leave it out" : "it takes \(names.joined(separator: ", "))")
        }
        for (key, value) in [
            (Key.channelMultiplier, channelMultiplier), (.bottleneckMultiplier, bottleneckMultiplier),
        ] where !(value > 0 && value <= 16) {
            throw Fault(.usage, "model.\(key.rawValue)", "\(value) is not above 0 and at most 16")
        }
        guard (1...16).contains(conv1TemporalStride) else {
            throw Fault(.usage, "model.conv1_temporal_stride", "\(conv1TemporalStride) is outside 1...16")
        }
        if let trainedCrop, !(1...4096).contains(trainedCrop) {
            throw Fault(.usage, name, "cannot have been trained with crops of \(trainedCrop) pixels")
        }
        guard conv1TemporalKernel == 3 || conv1TemporalKernel == 5 else {
            throw Fault(.usage, "model.conv1_temporal_kernel", "\(conv1TemporalKernel) is neither 3 nor 5")
        }
        if let dropout, !(0..<1).contains(dropout) {
            throw Fault(.usage, "model.dropout", "\(dropout) is not a probability in [0, 1)")
        }
    }
}

/// What is asked of a family.
struct NetworkRequest {
    /// The whole name: `r2plus1d-18`, `slowfast/X3D_M`.
    var name: String
    /// Outputs of the last layer, 1 or more.
    var classes: Int
    /// Of a clip, 1 or more.
    var frames: Int
    /// Rows and columns of a clip, 1 or more.
    var height: Int
    var width: Int
    var options = NetworkOptions()

    /// `8x112x112`.
    var clip: String { "\(frames)x\(height)x\(width)" }
}

public import Kernels

/// One node of a network's graph: it makes one tensor, whose number is the layer's own place in the list.
public struct Layer: Sendable, Equatable {
    public let name: String
    public let operation: Operation
    /// The numbers of the tensors it reads, all smaller than its own.
    public let inputs: [Int]
    /// What it makes, for one clip.
    public let map: FeatureMap
}

/// What a layer does. Parameters and statistics are numbers in the network's lists.
public enum Operation: Sendable, Equatable {
    /// What the products of positions are divided by before they weigh the values.
    public enum AttentionNormalisation: Sendable, Equatable {
        /// Products times C^-1/2, then softmax over the positions: "embedded Gaussian, scaled".
        case softmax
        /// Products over the number of positions: "dot product".
        case positions
    }

    /// The clip; always layer 0.
    case input
    /// Some frames of the map, in this order.
    case selectFrames([Int])
    /// With a bias for each output channel, if there is one.
    case convolution(ConvolutionShape, weight: Int, bias: Int?)
    case batchNorm(statistics: Int, scale: Int, shift: Int)
    case relu
    /// x times sigmoid(x) (Ramachandran et al., "Searching for Activation Functions", 2017).
    case swish
    case sigmoid
    /// The sum of two tensors.
    case add
    /// The first tensor, each channel times a number: the second, which has one position (Hu et al.,
    /// "Squeeze-and-Excitation Networks", CVPR 2018).
    case multiplyChannels
    /// The channels of all tensors, one tensor's after the other's.
    case concatenate
    /// Places of the window outside the map do not count.
    case maxPool(PoolingShape)
    case averagePool(PoolingShape)
    /// The core of a non-local block: reads theta `[P][C]`, phi `[Q][C]` and g `[Q][K]`, P and Q being positions of one
    /// clip, and makes A g `[P][K]` with A the normalised theta phi^T (Wang et al., "Non-local Neural Networks",
    /// CVPR 2018).
    case attention(AttentionNormalisation)
    /// In training each element is 0 with this probability, else times 1 / (1 - probability); in inference nothing
    /// happens.
    case dropout(probability: Double)
    /// At each position: a product with all its channels, and a bias if there is one.
    case linear(weight: Int, bias: Int?)
    /// Scores of a fully convolutional head: the mean over positions of the softmax over classes at each, or with `joint` of
    /// one softmax over classes and positions together. Inference only.
    case softmaxMean(joint: Bool)

    /// As `model info` prints it.
    public var summary: String {
        switch self {
        case .input: "input"
        case .selectFrames(let frames): "\(frames.count) frames"
        case .convolution(let shape, _, _):
            "convolution \(shape.kernel)" + (shape.stride == .one ? "" : " / \(shape.stride)")
                + (shape.groups == 1 ? "" : ", \(shape.groups) groups")
        case .batchNorm: "batch norm"
        case .relu: "ReLU"
        case .swish: "Swish"
        case .sigmoid: "sigmoid"
        case .add: "add"
        case .multiplyChannels: "multiply channels"
        case .concatenate: "concatenate"
        case .maxPool(let shape): "max pool \(shape.kernel) / \(shape.stride)"
        case .averagePool(let shape):
            "average pool \(shape.kernel)" + (shape.stride == .one ? "" : " / \(shape.stride)")
        case .attention(.softmax): "attention, softmax"
        case .attention(.positions): "attention, dot product"
        case .dropout(let probability): "dropout \(probability)"
        case .linear: "linear"
        case .softmaxMean(let joint): joint ? "joint softmax, mean" : "softmax, mean"
        }
    }
}

extension Extent3 {
    /// A kernel that sees one place, a stride that skips none.
    package static let one = Extent3(1, 1, 1)
}

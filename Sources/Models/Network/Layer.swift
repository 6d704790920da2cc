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
    /// The clip, or one pathway's share of it.
    case input(pathway: Int)
    case convolution(ConvolutionShape, weight: Int)
    case batchNorm(statistics: Int, scale: Int, shift: Int)
    case relu
    /// The sum of two tensors.
    case add
    /// Places of the window outside the map do not count.
    case maxPool(PoolingShape)
    case averagePool(PoolingShape)
    /// Over all of a clip's values, in memory order.
    case linear(weight: Int, bias: Int)

    /// As `model info` prints it.
    public var summary: String {
        switch self {
        case .input(let pathway): pathway == 0 ? "input" : "input \(pathway)"
        case .convolution(let shape, _):
            "convolution \(shape.kernel)" + (shape.stride == .one ? "" : " / \(shape.stride)")
        case .batchNorm: "batch norm"
        case .relu: "ReLU"
        case .add: "add"
        case .maxPool(let shape): "max pool \(shape.kernel) / \(shape.stride)"
        case .averagePool(let shape): "average pool \(shape.kernel)"
        case .linear: "linear"
        }
    }
}

extension Extent3 {
    /// A kernel that sees one place, a stride that skips none.
    package static let one = Extent3(1, 1, 1)
}

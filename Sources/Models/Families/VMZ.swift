import Kernels

/// The residual networks of facebookresearch/VMZ, under its blob names: R(2+1)D and R3D
/// (Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018).
struct VMZNetwork {
    /// What stands for each 3 x 3 x 3 convolution.
    enum Kind: String, CaseIterable {
        case r3d
        case r2plus1d
    }

    /// Blocks in each of the four stages.
    static let blocks: [Int: [Int]] = [
        10: [1, 1, 1, 1], 16: [2, 2, 2, 1], 18: [2, 2, 2, 2], 26: [2, 2, 2, 2], 34: [3, 4, 6, 3],
    ]
    /// Channels of the four stages.
    private static let widths = [64, 128, 256, 512]

    let kind: Kind
    let depth: Int
    private var net = NetworkBuilder(.vmz)

    init(_ kind: Kind, depth: Int) {
        self.kind = kind
        self.depth = depth
    }

    /// Every name of the family, shallow first.
    static var names: [String] {
        Kind.allCases.flatMap { kind in blocks.keys.sorted().map { "\(kind.rawValue)-\($0)" } }
    }

    /// The network for clips of `frames` square frames.
    consuming func described(classes: Int, frames: Int, size: Int) -> NetworkDescription {
        var x = stem(net.input(frames: frames, size: size))
        var index = 0
        for (stage, width) in Self.widths.enumerated() {
            // Clips too short to be halved once more keep their frames in the last stages.
            let short = frames < [0, 0, 4, 8][stage]
            let down = stage == 0 ? Extent3.one : Extent3(short ? 1 : 2, 2, 2)
            for number in 0..<Self.blocks[depth, default: []][stage] {
                x = block(x, index, K: width, stride: number == 0 ? down : .one)
                index += 1
            }
        }
        _ = net.linear(net.globalAveragePool(x, "final_avg"), "last_out_L\(classes)", out: classes)
        return net.network(named: "\(kind.rawValue)-\(depth)")
    }

    private mutating func stem(_ x: Int) -> Int {
        let names = NetworkBuilder.Names(convolution: "conv1", norm: "conv1_spatbn_relu")
        let kernel = Extent3(3, 7, 7)
        let stride = Extent3(1, 2, 2)
        switch kind {
        case .r3d:
            return net.convolutionNorm(x, names, K: 64, kernel: kernel, stride: stride)
        case .r2plus1d:
            return net.spaceThenTime(
                x, space: .init(convolution: "conv1_middle", norm: "conv1_middle_spatbn_relu"), time: names,
                middle: 45, K: 64, kernel: kernel, stride: stride)
        }
    }

    /// A simple block of two convolutions, or at depth 26 a bottleneck whose width does not expand.
    private mutating func block(_ x: Int, _ index: Int, K: Int, stride: Extent3) -> Int {
        let three = Extent3(3, 3, 3)
        var branch = x
        if depth == 26 {
            branch = net.convolutionNorm(branch, names(index, 1), K: K, kernel: .one)
            branch = convolution(branch, index, 2, K: K, stride: stride, relu: true)
            branch = net.convolutionNorm(branch, names(index, 3), K: K, kernel: .one, relu: false)
        } else {
            branch = convolution(branch, index, 1, K: K, stride: stride, relu: true)
            branch = convolution(branch, index, 2, K: K, stride: .one, relu: false)
        }
        var shortcut = x
        if net.map(x).C != K || stride != .one {
            let name = "shortcut_projection_\(index)"
            shortcut = net.convolutionNorm(
                x, .init(convolution: name, norm: "\(name)_spatbn"), K: K, kernel: .one, stride: stride, relu: false)
        }
        return net.join(branch, shortcut, "comp_\(index)_sum")

        func convolution(_ x: Int, _ index: Int, _ j: Int, K: Int, stride: Extent3, relu: Bool) -> Int {
            switch kind {
            case .r3d:
                return net.convolutionNorm(x, names(index, j), K: K, kernel: three, stride: stride, relu: relu)
            case .r2plus1d:
                return net.spaceThenTime(
                    x, space: names(index, j, "_middle"), time: names(index, j),
                    middle: middleChannels(net.map(x).C, K), K: K, kernel: three, stride: stride, relu: relu)
            }
        }
    }

    private func names(_ index: Int, _ j: Int, _ suffix: String = "") -> NetworkBuilder.Names {
        .init(convolution: "comp_\(index)_conv_\(j)\(suffix)", norm: "comp_\(index)_spatbn_\(j)\(suffix)")
    }
}

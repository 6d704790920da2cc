import Faults
import Kernels

/// X3D (Feichtenhofer, "X3D: Expanding Architectures for Efficient Video Recognition", CVPR 2020), under the keys of
/// PySlowFast or pytorchvideo. The two differ in one more thing: where stage 2 begins, pytorchvideo's shortcut has no batch norm.
struct X3DNetwork {
    enum Origin {
        case slowfast
        case pytorchvideo
    }

    enum Size {
        case xs, s, m, l

        var clip: PublishedClip {
            switch self {
            case .xs: PublishedClip(frames: 4, size: 160)
            case .s: PublishedClip(frames: 13, size: 160)
            case .m: PublishedClip(frames: 16, size: 224)
            case .l: PublishedClip(frames: 16, size: 312)
            }
        }

        /// Blocks of stages 2 to 5: 1, 2, 5 and 3 times 2.2, or 5.
        fileprivate var blocks: [Int] { self == .l ? [5, 10, 25, 15] : [3, 5, 11, 7] }
    }

    /// Channels of stages 2 to 5, and inside their blocks: 2.25 times as many.
    private static let widths = [(24, 54), (48, 108), (96, 216), (192, 432)]

    let size: Size
    let origin: Origin
    private var net: NetworkBuilder

    init(_ size: Size, _ origin: Origin) {
        self.size = size
        self.origin = origin
        net = NetworkBuilder(origin == .slowfast ? .slowfast : .pytorchvideo)
    }

    consuming func described(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        try request.options.check(for: request.name, known: [.dropout, .convolutionalHead])
        var x = stem(net.input(request))
        for (index, (K, inner)) in Self.widths.enumerated() {
            for block in 0..<size.blocks[index] {
                x = self.block(x, names(stage: index + 2, block), inner: inner, K: K, index: block)
            }
        }
        head(x, request)
        return net.network(named: request.name)
    }

    /// 1 x 3 x 3 to 24 channels, then 5 frames of each channel.
    private mutating func stem(_ x: Int) -> Int {
        // pytorchvideo calls the spatial one conv_t and the temporal one conv_xy.
        let (space, names): (String, NetworkBuilder.Names) =
            switch origin {
            case .slowfast:
                (
                    "s1.pathway0_stem.conv_xy",
                    .init(convolution: "s1.pathway0_stem.conv", norm: "s1.pathway0_stem.bn")
                )
            case .pytorchvideo:
                ("blocks.0.conv.conv_t", .init(convolution: "blocks.0.conv.conv_xy", norm: "blocks.0.norm"))
            }
        let flat = net.convolution(x, space, K: 24, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2))
        return net.convolutionNorm(flat, names, K: 24, kernel: Extent3(5, 1, 1), groups: 24)
    }

    /// A bottleneck whose middle is depthwise; in every second block the middle's channels are weighed. Swish stands
    /// behind the middle.
    private mutating func block(
        _ x: Int, _ names: BlockNames, inner: Int, K: Int, index: Int
    ) -> Int {
        let stride = index == 0 ? Extent3(1, 2, 2) : .one
        var shortcut = x
        if index == 0 {
            shortcut = net.convolution(x, names.shortcut.convolution, K: K, kernel: .one, stride: stride)
            if origin == .slowfast || net.map(x).C != K { shortcut = net.batchNorm(shortcut, names.shortcut.norm) }
        }
        var y = net.convolutionNorm(x, names.a, K: inner, kernel: .one)
        y = net.convolutionNorm(
            y, names.b, K: inner, kernel: Extent3(3, 3, 3), stride: stride, groups: inner, relu: false)
        if index.isMultiple(of: 2) { y = squeezeAndExcitation(y, names) }
        y = net.convolutionNorm(net.swish(y), names.c, K: K, kernel: .one, relu: false, scaleStart: 0)
        return net.join(y, shortcut, "\(names.block).add")
    }

    /// Each channel times a number that all channels' means decide.
    private mutating func squeezeAndExcitation(_ x: Int, _ names: BlockNames) -> Int {
        let C = net.map(x).C
        // A sixteenth in multiples of 8, at least 8, and not less than nine tenths of what was asked for.
        let rounded = max(8, (C / 16 + 4) / 8 * 8)
        let squeezed = 10 * 16 * rounded < 9 * C ? rounded + 8 : rounded
        var s = net.globalAveragePool(x, "\(names.squeeze).avg_pool")
        s = net.relu(net.convolution(s, names.reduce, K: squeezed, kernel: .one, bias: true))
        s = net.sigmoid(net.convolution(s, names.expand, K: C, kernel: .one, bias: true))
        return net.multiplyChannels(x, by: s, "\(names.squeeze).multiply")
    }

    private mutating func head(_ x: Int, _ request: NetworkRequest) {
        let head = origin == .slowfast ? "head" : "blocks.5"
        let (first, average, second, last): (NetworkBuilder.Names, String, String, String) =
            switch origin {
            case .slowfast:
                (
                    .init(convolution: "head.conv_5", norm: "head.conv_5_bn"), "head.avg_pool", "head.lin_5",
                    "head.projection"
                )
            case .pytorchvideo:
                (
                    .init(convolution: "blocks.5.pool.pre_conv", norm: "blocks.5.pool.pre_norm"), "blocks.5.pool.pool",
                    "blocks.5.pool.post_conv", "blocks.5.proj"
                )
            }
        let wide = net.convolutionNorm(x, first, K: 432, kernel: .one)
        let side = ((request.options.trainedCrop ?? size.clip.size) + 31) / 32
        let map = net.map(wide).extent
        let isWhole = request.options.head == .linear
        let mean = net.windowAverage(wide, average, window: isWhole ? map : Extent3(map.t, side, side))
        let features = net.relu(net.convolution(mean, second, K: 2048, kernel: .one))
        let kept = net.dropout(features, "\(head).dropout", probability: request.options.dropout ?? 0.5)
        let places = net.linear(kept, last, out: request.classes)
        if !isWhole { _ = net.softmaxMean(places, "\(head).softmax", joint: false) }
    }

    private struct BlockNames {
        var block: String
        var shortcut: NetworkBuilder.Names
        var a: NetworkBuilder.Names
        var b: NetworkBuilder.Names
        var c: NetworkBuilder.Names
        /// Of the squeeze and excitation, and its two convolutions.
        var squeeze: String
        var reduce: String
        var expand: String
    }

    private func names(stage: Int, _ index: Int) -> BlockNames {
        func pair(_ convolution: String, _ norm: String) -> NetworkBuilder.Names {
            .init(convolution: convolution, norm: norm)
        }
        switch origin {
        case .slowfast:
            let block = "s\(stage).pathway0_res\(index)"
            let branch = "\(block).branch2"
            return BlockNames(
                block: block, shortcut: pair("\(block).branch1", "\(block).branch1_bn"),
                a: pair("\(branch).a", "\(branch).a_bn"), b: pair("\(branch).b", "\(branch).b_bn"),
                c: pair("\(branch).c", "\(branch).c_bn"), squeeze: "\(branch).se", reduce: "\(branch).se.fc1",
                expand: "\(branch).se.fc2")
        case .pytorchvideo:
            let block = "blocks.\(stage - 1).res_blocks.\(index)"
            let branch = "\(block).branch2"
            return BlockNames(
                block: block, shortcut: pair("\(block).branch1_conv", "\(block).branch1_norm"),
                a: pair("\(branch).conv_a", "\(branch).norm_a"), b: pair("\(branch).conv_b", "\(branch).norm_b.0"),
                c: pair("\(branch).conv_c", "\(branch).norm_c"), squeeze: "\(branch).norm_b.1",
                reduce: "\(branch).norm_b.1.block.0", expand: "\(branch).norm_b.1.block.2")
        }
    }
}

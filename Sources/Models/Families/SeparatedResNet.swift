import Faults
import Kernels

/// pytorchvideo's ResNets whose blocks take the 3 x 3 x 3 convolution apart: by channels (ir-CSN of depth 101; Tran et
/// al., "Video Classification with Channel-Separated Convolutional Networks", ICCV 2019) or in time and space (R(2+1)D of
/// depth 50, which unlike the paper's sees time first and keeps the channels between the two).
struct SeparatedResNet {
    enum Kind {
        case csn
        case r2plus1d
    }

    let kind: Kind
    private let names = PyTorchVideoNames(pathways: 1, hasFramePool: false)
    private var net = NetworkBuilder(.pytorchvideo)

    init(_ kind: Kind) { self.kind = kind }

    consuming func described(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        try request.options.check(for: request.name, known: [.dropout, .convolutionalHead])
        var x = stem(net.input(request))
        let blocks = [3, 4, kind == .csn ? 23 : 6, 3]
        for index in blocks.indices {
            for block in 0..<blocks[index] {
                x = self.block(x, stage: index + 2, block, inner: 64 << index, isFirst: block == 0)
            }
        }
        head(x, request)
        return net.network(named: request.name)
    }

    private mutating func stem(_ x: Int) -> Int {
        let first = net.convolutionNorm(
            x, names.stem(pathway: 0), K: 64, kernel: Extent3(kind == .csn ? 3 : 1, 7, 7), stride: Extent3(1, 2, 2))
        return kind == .csn ? net.stemPool(first, names.stemPool(pathway: 0)) : first
    }

    private mutating func block(_ x: Int, stage: Int, _ index: Int, inner: Int, isFirst: Bool) -> Int {
        // CSN's stem pools, so its stage 2 does not stride; R(2+1)D halves frames from stage 4 on.
        let halves = (space: kind == .r2plus1d || stage > 2, time: stage > (kind == .csn ? 2 : 3))
        let stride =
            isFirst ? Extent3(halves.time ? 2 : 1, halves.space ? 2 : 1, halves.space ? 2 : 1) : Extent3.one
        let names = names.block(stage: stage, pathway: 0, index)
        return net.bottleneck(x, names, inner: inner, K: 4 * inner, stride: stride) { [kind] net, x in
            switch kind {
            case .csn:
                return net.convolutionNorm(
                    x, names.b, K: inner, kernel: Extent3(3, 3, 3), stride: stride, groups: inner)
            case .r2plus1d:
                let name = names.b.convolution
                let time = net.convolutionNorm(
                    x, .init(convolution: "\(name).conv_t", norm: "\(name).norm"), K: inner, kernel: Extent3(3, 1, 1),
                    stride: Extent3(stride.t, 1, 1))
                return net.convolutionNorm(
                    time, .init(convolution: "\(name).conv_xy", norm: names.b.norm), K: inner, kernel: Extent3(1, 3, 3),
                    stride: Extent3(1, stride.h, stride.w))
            }
        }
    }

    private mutating func head(_ x: Int, _ request: NetworkRequest) {
        let isWhole = request.options.head == .linear
        let map = net.map(x).extent
        let side = ((request.options.trainedCrop ?? 224) + 31) / 32
        var y = net.windowAverage(
            x, names.average(pathway: 0), window: isWhole ? map : Extent3(map.t, side, side))
        if let probability = request.options.dropout ?? (kind == .csn ? nil : 0.5) {
            y = net.dropout(y, "blocks.5.dropout", probability: probability)
        }
        let places = net.linear(y, names.head, out: request.classes)
        guard !isWhole else { return }
        switch kind {
        case .csn: names.scores(places, &net)
        case .r2plus1d: _ = net.softmaxMean(places, "blocks.5.activation", joint: false)
        }
    }
}

/// The keys of pytorchvideo's networks: everything is in `blocks`.
struct PyTorchVideoNames: PathwayNames {
    /// 1 or 2.
    let pathways: Int
    /// Whether block 2 is the pool behind stage 2.
    let hasFramePool: Bool

    private func part(_ stage: Int, _ pathway: Int) -> String {
        let block = hasFramePool && stage > 2 ? stage : stage - 1
        return "blocks.\(block)" + (pathways == 1 ? "" : ".multipathway_blocks.\(pathway)")
    }

    func stem(pathway: Int) -> NetworkBuilder.Names {
        .init(convolution: "\(part(1, pathway)).conv", norm: "\(part(1, pathway)).norm")
    }

    func stemPool(pathway: Int) -> String { "\(part(1, pathway)).pool" }

    func block(stage: Int, pathway: Int, _ index: Int) -> NetworkBuilder.BlockNames {
        let block = "\(part(stage, pathway)).res_blocks.\(index)"
        func branch(_ letter: String) -> NetworkBuilder.Names {
            .init(convolution: "\(block).branch2.conv_\(letter)", norm: "\(block).branch2.norm_\(letter)")
        }
        return .init(
            block: block, shortcut: .init(convolution: "\(block).branch1_conv", norm: "\(block).branch1_norm"),
            a: branch("a"), b: branch("b"), c: branch("c"))
    }

    func nonLocal(stage: Int, _ block: Int) -> String { "\(part(stage, 0)).nonlocal.\(block)" }

    func lateral(after stage: Int) -> NetworkBuilder.Names {
        let fusion = "blocks.\(stage - 1).multipathway_fusion"
        return .init(convolution: "\(fusion).conv_fast_to_slow", norm: "\(fusion).norm")
    }

    var framePool: String { "blocks.2" }
    func average(pathway: Int) -> String { pathways == 1 ? "\(part(6, 0)).pool" : "blocks.5.pool.\(pathway)" }
    var head: String { pathways == 2 || hasFramePool ? "blocks.6.proj" : "blocks.5.proj" }

    /// The mean of the logits.
    func scores(_ places: Int, _ net: inout NetworkBuilder) {
        _ = net.globalAveragePool(places, "\(head).mean")
    }
}

extension LayerShapes {
    /// A network's convolutions, each shape once.
    public struct Network: Sendable {
        public let name: String
        public let layers: [Named]

        init(_ name: String, _ layers: [Named]) {
            self.name = name
            var seen: Set<ConvolutionShape> = []
            self.layers = layers.filter { seen.insert($0.shape).inserted }
        }
    }

    /// The networks that Zoetrope is measured by, on clips of the sizes that they are published with: as in
    /// pytorchvideo's hub and, the last two, in torchvision.
    public static let networks: [Network] = [csn, slowFast, x3d, rTwoPlusOneD, r3d]

    /// csn_r101 on 32 x 224 x 224.
    private static let csn = Network(
        "csn_r101",
        [layer("stem", 3, 64, Extent3(3, 7, 7), stride: twice, Extent3(32, 224, 224))]
            + Bottleneck("stage 2", from: 64, 64, to: 256, on: Extent3(32, 56, 56), groups: 64).layers
            + Bottleneck("stage 3", from: 256, 128, to: 512, on: Extent3(32, 56, 56), by: halves, groups: 128).layers
            + Bottleneck("stage 4", from: 512, 256, to: 1024, on: Extent3(16, 28, 28), by: halves, groups: 256).layers
            + Bottleneck("stage 5", from: 1024, 512, to: 2048, on: Extent3(8, 14, 14), by: halves, groups: 512).layers)

    /// slowfast_r50 on 32 x 224 x 224: 8 frames on the slow pathway. The slow stages' inputs hold what a lateral
    /// convolution brings from the fast pathway.
    private static let slowFast = Network(
        "slowfast_r50",
        [
            layer("slow stem", 3, 64, Extent3(1, 7, 7), stride: twice, Extent3(8, 224, 224)),
            layer("fast stem", 3, 8, Extent3(5, 7, 7), stride: twice, Extent3(32, 224, 224)),
            lateral(8, on: 56), lateral(32, on: 56), lateral(64, on: 28), lateral(128, on: 14),
        ]
            + slow("slow stage 2", from: 80, 64, on: 56, by: once, first: point)
            + slow("slow stage 3", from: 320, 128, on: 56, by: twice, first: point)
            + slow("slow stage 4", from: 640, 256, on: 28, by: twice, first: temporal)
            + slow("slow stage 5", from: 1280, 512, on: 14, by: twice, first: temporal)
            + fast("fast stage 2", from: 8, 8, on: 56, by: once)
            + fast("fast stage 3", from: 32, 16, on: 56, by: twice)
            + fast("fast stage 4", from: 64, 32, on: 28, by: twice)
            + fast("fast stage 5", from: 128, 64, on: 14, by: twice))

    private static func lateral(_ C: Int, on size: Int) -> Named {
        layer("lateral \(C)", C, 2 * C, Extent3(7, 1, 1), stride: Extent3(4, 1, 1), Extent3(32, size, size))
    }

    private static func slow(
        _ name: String, from C: Int, _ width: Int, on size: Int, by stride: Extent3, first: Extent3
    ) -> [Named] {
        let map = Extent3(8, size, size)
        return Bottleneck(
            name, from: C, width, to: 4 * width, on: map, by: stride, first: first, kernel: spatial
        ).layers
    }

    private static func fast(
        _ name: String, from C: Int, _ width: Int, on size: Int, by stride: Extent3
    ) -> [Named] {
        let map = Extent3(32, size, size)
        return Bottleneck(
            name, from: C, width, to: 4 * width, on: map, by: stride, first: temporal, kernel: spatial
        ).layers
    }

    /// x3d_m on 16 x 224 x 224.
    private static let x3d = Network(
        "x3d_m",
        [
            layer("stem 1x3x3", 3, 24, spatial, stride: twice, Extent3(16, 224, 224)),
            layer("stem 5x1x1", 24, 24, Extent3(5, 1, 1), Extent3(16, 112, 112), groups: 24),
        ]
            + x3dStage("stage 2", from: 24, to: 24, squeezed: 8, on: 112)
            + x3dStage("stage 3", from: 24, to: 48, squeezed: 8, on: 56)
            + x3dStage("stage 4", from: 48, to: 96, squeezed: 16, on: 28)
            + x3dStage("stage 5", from: 96, to: 192, squeezed: 32, on: 14) + [
                layer("head 192->432", 192, 432, point, Extent3(16, 7, 7)),
                layer("head 432->2048", 432, 2048, point, point),
            ])

    /// The middle is 2.25 times as wide as the end; squeeze and excitation look at one pixel.
    private static func x3dStage(_ name: String, from C: Int, to K: Int, squeezed: Int, on size: Int) -> [Named] {
        let (width, map) = (K * 9 / 4, Extent3(16, size, size))
        return Bottleneck(name, from: C, width, to: K, on: map, by: twice, groups: width).layers + [
            layer("\(name) squeeze", width, squeezed, point, point),
            layer("\(name) excite", squeezed, width, point, point),
        ]
    }

    /// r3d_18 on 16 x 112 x 112.
    private static let r3d = Network(
        "r3d_18",
        [layer("stem", 3, 64, Extent3(3, 7, 7), stride: twice, Extent3(16, 112, 112))]
            + eighteen { name, C, K, _, stride, input in [layer(name, C, K, full, stride: stride, input)] })

    /// r2plus1d_18 on 16 x 112 x 112.
    private static let rTwoPlusOneD = Network(
        "r2plus1d_18",
        [
            layer("stem 1x7x7", 3, 45, Extent3(1, 7, 7), stride: twice, Extent3(16, 112, 112)),
            layer("stem 3x1x1", 45, 64, temporal, Extent3(16, 56, 56)),
        ]
            + eighteen { name, C, K, blockInput, stride, input in
                // As many channels between as give the weights of the 3x3x3 kernel that begins the block.
                let middle = blockInput * K * 27 / (blockInput * 9 + 3 * K)
                let map = Extent3(input.t, input.h / stride.h, input.w / stride.w)
                return [
                    layer("\(name) 1x3x3", C, middle, spatial, stride: Extent3(1, stride.h, stride.w), input),
                    layer("\(name) 3x1x1", middle, K, temporal, stride: Extent3(stride.t, 1, 1), map),
                ]
            })

    /// The stages of an R3D-18 on 16 x 112 x 112, `make(name, C, K, its block's C, stride, input)` for each 3x3x3 kernel.
    private static func eighteen(_ make: (String, Int, Int, Int, Extent3, Extent3) -> [Named]) -> [Named] {
        var layers = make("stage 2", 64, 64, 64, once, Extent3(16, 56, 56))
        for stage in 3...5 {
            let (K, part) = (64 << (stage - 2), 1 << (stage - 3))
            let input = Extent3(16 / part, 56 / part, 56 / part)
            let map = Extent3(input.t / 2, input.h / 2, input.w / 2)
            layers += make("stage \(stage) stride 2", K / 2, K, K / 2, halves, input)
            layers += make("stage \(stage) first block", K, K, K / 2, once, map)
            layers += [layer("stage \(stage) projection", K / 2, K, point, stride: halves, input)]
            layers += make("stage \(stage)", K, K, K, once, map)
        }
        return layers
    }

    private static let once = Extent3(1, 1, 1)
    private static let twice = Extent3(1, 2, 2)
    private static let halves = Extent3(2, 2, 2)
}

/// A stage of bottleneck blocks: `first` to `width` channels, `kernel` at the stride, a point to K channels, beside a
/// projection; the blocks after the first have K channels and no stride.
private struct Bottleneck {
    let layers: [LayerShapes.Named]

    init(
        _ name: String, from C: Int, _ width: Int, to K: Int, on input: Extent3,
        by stride: Extent3 = Extent3(1, 1, 1), first: Extent3 = LayerShapes.point,
        kernel: Extent3 = LayerShapes.full, groups: Int = 1
    ) {
        let map = Extent3(input.t / stride.t, input.h / stride.h, input.w / stride.w)
        func layer(
            _ what: String, _ C: Int, _ K: Int, _ kernel: Extent3, _ stride: Extent3, _ input: Extent3,
            groups: Int = 1
        ) -> LayerShapes.Named {
            LayerShapes.layer("\(name) \(what)", C, K, kernel, stride: stride, input, groups: groups)
        }
        let once = Extent3(1, 1, 1)
        layers = [
            layer("projection", C, K, LayerShapes.point, stride, input),
            layer("first \(first), first block", C, width, first, once, input),
            layer("\(kernel), first block", width, width, kernel, stride, input, groups: groups),
            layer("last", width, K, LayerShapes.point, once, map),
            layer("first \(first)", K, width, first, once, map),
            layer("\(kernel)", width, width, kernel, once, map, groups: groups),
        ]
    }
}

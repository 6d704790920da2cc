/// Convolution shapes that tests and `bench kernels` share.
public enum LayerShapes {
    /// A shape and what it stands for.
    public struct Named: Sendable, CustomStringConvertible {
        public let name: String
        public let shape: ConvolutionShape
        public var description: String { "\(name): \(shape)" }

        public init(name: String, shape: ConvolutionShape) {
            self.name = name
            self.shape = shape
        }
    }

    /// One with half the kernel as padding.
    static func layer(
        _ name: String, _ C: Int, _ K: Int, _ kernel: Extent3, stride: Extent3 = Extent3(1, 1, 1), _ input: Extent3,
        groups: Int = 1
    ) -> Named {
        let padding = Extent3(kernel.t / 2, kernel.h / 2, kernel.w / 2)
        return Named(
            name: name,
            shape: ConvolutionShape(
                C: C, K: K, kernel: kernel, stride: stride, padding: padding, input: input, groups: groups))
    }

    static let spatial = Extent3(1, 3, 3)
    static let temporal = Extent3(3, 1, 1)
    static let point = Extent3(1, 1, 1)
    static let full = Extent3(3, 3, 3)

    /// The layer that the design measures by.
    public static let design = layer("design 64->144", 64, 144, spatial, Extent3(16, 56, 56))

    /// Layers of R(2+1)D-18 and R3D-18 on 8 x 112 x 112.
    public static let large: [Named] = [
        design,
        layer("stem 1x7x7", 3, 45, Extent3(1, 7, 7), stride: Extent3(1, 2, 2), Extent3(8, 112, 112)),
        layer("stem 3x1x1", 45, 64, temporal, Extent3(8, 56, 56)),
        layer("stage 2 1x3x3", 64, 144, spatial, Extent3(8, 56, 56)),
        layer("stage 2 3x1x1", 144, 64, temporal, Extent3(8, 56, 56)),
        layer("stage 3 1x3x3 stride 2", 64, 230, spatial, stride: Extent3(1, 2, 2), Extent3(8, 56, 56)),
        layer("stage 3 3x1x1 stride 2", 230, 128, temporal, stride: Extent3(2, 1, 1), Extent3(8, 28, 28)),
        layer("stage 3 projection", 64, 128, point, stride: Extent3(2, 2, 2), Extent3(8, 56, 56)),
        layer("stage 3 1x3x3", 128, 288, spatial, Extent3(4, 28, 28)),
        layer("stage 3 3x1x1", 288, 128, temporal, Extent3(4, 28, 28)),
        layer("stage 4 1x3x3", 256, 576, spatial, Extent3(2, 14, 14)),
        layer("stage 4 3x1x1", 576, 256, temporal, Extent3(2, 14, 14)),
        layer("stage 5 1x3x3 stride 2", 256, 921, spatial, stride: Extent3(1, 2, 2), Extent3(2, 14, 14)),
        layer("stage 5 3x1x1 stride 2", 921, 512, temporal, stride: Extent3(2, 1, 1), Extent3(2, 7, 7)),
        layer("stage 5 1x3x3", 512, 1152, spatial, Extent3(1, 7, 7)),
        layer("stage 5 3x1x1", 1152, 512, temporal, Extent3(1, 7, 7)),
        layer("R3D stage 2 3x3x3", 64, 64, Extent3(3, 3, 3), Extent3(8, 56, 56)),
        layer("R3D stem 3x7x7", 3, 64, Extent3(3, 7, 7), stride: Extent3(1, 2, 2), Extent3(8, 112, 112)),
    ]

    /// Layers of R(2+1)D-10 on 8 x 56 x 56, which the motion recipe trains.
    public static let motion: [Named] = [
        layer("motion stem 1x7x7", 3, 45, Extent3(1, 7, 7), stride: Extent3(1, 2, 2), Extent3(8, 56, 56)),
        layer("motion stem 3x1x1", 45, 64, temporal, Extent3(8, 28, 28)),
        layer("motion stage 2 1x3x3", 64, 144, spatial, Extent3(8, 28, 28)),
        layer("motion stage 2 3x1x1", 144, 64, temporal, Extent3(8, 28, 28)),
        layer("motion stage 3 1x3x3 stride 2", 64, 230, spatial, stride: Extent3(1, 2, 2), Extent3(8, 28, 28)),
        layer("motion stage 3 3x1x1 stride 2", 230, 128, temporal, stride: Extent3(2, 1, 1), Extent3(8, 14, 14)),
        layer("motion stage 3 projection", 64, 128, point, stride: Extent3(2, 2, 2), Extent3(8, 28, 28)),
        layer("motion stage 4 1x3x3", 256, 576, spatial, Extent3(2, 7, 7)),
        layer("motion stage 4 3x1x1", 576, 256, temporal, Extent3(2, 7, 7)),
        layer("motion stage 5 1x3x3", 512, 1152, spatial, Extent3(1, 4, 4)),
        layer("motion stage 5 3x1x1", 1152, 512, temporal, Extent3(1, 4, 4)),
    ]

    /// Small shapes where everything is odd: for tests.
    public static let odd: [Named] = oddDense + oddGroups
    /// Layers of every kind, in every way that a shape decides on: what a build makes of them tells which kernels it has.
    public static let telling: [Named] = odd + [fewTiles, fewerProducts]

    private static let oddDense: [Named] = [
        layer("one pixel", 1, 1, point, Extent3(1, 1, 1)),
        layer("three channels, no row", 3, 5, temporal, Extent3(5, 3, 3)),
        layer("one channel, joined row", 1, 17, Extent3(1, 1, 3), Extent3(2, 3, 5)),
        layer("joined row, no height", 3, 45, Extent3(1, 7, 7), stride: Extent3(1, 2, 2), Extent3(2, 9, 11)),
        layer("joined rows in time", 5, 7, Extent3(3, 3, 3), stride: Extent3(2, 1, 3), Extent3(4, 5, 7)),
        layer("narrow, four pixels", 3, 4, Extent3(3, 7, 7), stride: Extent3(1, 2, 2), Extent3(3, 9, 16)),
        layer("narrow, two of four pixels", 3, 8, Extent3(3, 7, 7), stride: Extent3(1, 2, 2), Extent3(3, 9, 16)),
        layer("planes, full vectors", 3, 8, Extent3(5, 7, 7), stride: Extent3(1, 2, 2), Extent3(4, 9, 96)),
        layer("planes, half a vector beyond the row", 3, 24, spatial, stride: Extent3(2, 2, 2), Extent3(3, 8, 80)),
        layer(
            "planes, one channel, strides beyond", 1, 5, Extent3(2, 3, 3), stride: Extent3(3, 4, 4), Extent3(7, 9, 90)),
        layer("planes, several bands and tiles", 3, 8, spatial, stride: Extent3(1, 2, 2), Extent3(2, 60, 170)),
        layer("planes, a wide row", 1, 5, Extent3(1, 1, 3), Extent3(1, 1, 300)),
        Named(
            name: "planes, padding beyond the kernel",
            shape: ConvolutionShape(
                C: 4, K: 19, kernel: Extent3(2, 2, 5), padding: Extent3(3, 3, 7), input: Extent3(2, 3, 3))),
        layer("narrow, two pixels", 8, 6, spatial, Extent3(2, 5, 6)),
        layer("prime channels", 23, 61, spatial, Extent3(2, 5, 6)),
        layer("45 channels in time", 45, 64, temporal, Extent3(4, 5, 5)),
        layer("230 channels, stride in time", 230, 128, temporal, stride: Extent3(2, 1, 1), Extent3(4, 3, 3)),
        layer("921 channels", 40, 921, spatial, stride: Extent3(1, 2, 2), Extent3(1, 4, 4)),
        layer("from 921 channels, one frame", 921, 33, temporal, Extent3(1, 2, 2)),
        layer("stride beyond the kernel", 17, 19, point, stride: Extent3(2, 3, 2), Extent3(5, 7, 6)),
        layer("points, odd pixels", 23, 54, point, Extent3(3, 5, 7)),
        layer("projection", 64, 128, point, stride: Extent3(2, 2, 2), Extent3(4, 6, 6)),
        layer("full kernel", 16, 32, Extent3(3, 3, 3), Extent3(3, 4, 5)),
        layer("full kernel, stride 2", 20, 48, Extent3(3, 3, 3), stride: Extent3(2, 2, 2), Extent3(5, 7, 9)),
        layer("large map", 16, 24, spatial, Extent3(2, 19, 23)),
        layer("large map in time", 20, 80, temporal, Extent3(5, 15, 23)),
        layer("large map in time, stride 2", 9, 24, Extent3(3, 3, 3), stride: Extent3(2, 1, 1), Extent3(6, 10, 30)),
        Named(
            name: "even kernel, uneven padding",
            shape: ConvolutionShape(
                C: 18, K: 20, kernel: Extent3(2, 4, 2), stride: Extent3(1, 3, 2), padding: Extent3(1, 2, 0),
                input: Extent3(3, 8, 7))),
        Named(
            name: "no padding",
            shape: ConvolutionShape(C: 34, K: 50, kernel: Extent3(2, 3, 3), input: Extent3(4, 6, 5))),
        Named(
            name: "padding beyond the kernel",
            shape: ConvolutionShape(C: 16, K: 16, kernel: spatial, padding: Extent3(1, 4, 3), input: Extent3(1, 2, 3))),
    ]
}

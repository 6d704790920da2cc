extension LayerShapes {
    /// Small depthwise and grouped shapes where everything is odd: for tests.
    static let oddGroups: [Named] = [
        depthwise("depthwise 54", 54, full, Extent3(3, 5, 9)),
        depthwise("depthwise 54, stride 2", 54, full, stride: Extent3(1, 2, 2), Extent3(3, 6, 8)),
        depthwise("depthwise 33, stride 2 on odd lengths", 33, full, stride: Extent3(2, 2, 2), Extent3(4, 5, 7)),
        depthwise("depthwise 24 in time", 24, Extent3(5, 1, 1), Extent3(6, 3, 5)),
        depthwise("depthwise 45 in space, wide map", 45, spatial, Extent3(2, 9, 41)),
        depthwise("depthwise 16, one pixel", 16, full, Extent3(1, 1, 1)),
        depthwise("depthwise 17, two columns", 17, full, Extent3(2, 3, 2)),
        depthwise("depthwise 432, blocks of channels", 432, full, Extent3(2, 4, 4)),
        depthwise("depthwise 19, kernel of 5", 19, Extent3(5, 5, 5), Extent3(4, 6, 7)),
        depthwise(
            "depthwise 18, kernel beyond the map", 18, Extent3(7, 7, 7), stride: Extent3(1, 2, 1), Extent3(2, 3, 4)),
        depthwise("depthwise 21, stride beyond the kernel", 21, point, stride: Extent3(2, 3, 2), Extent3(5, 7, 6)),
        depthwise("depthwise 22, rows of three at stride 3", 22, full, stride: Extent3(3, 3, 3), Extent3(4, 7, 10)),
        depthwise("depthwise 1", 1, full, Extent3(2, 5, 6)),
        depthwise("depthwise 5, stride 2", 5, full, stride: Extent3(2, 2, 2), Extent3(3, 5, 6)),
        depthwise("depthwise 13, large map", 13, spatial, Extent3(2, 19, 23)),
        Named(
            name: "depthwise 20, even kernel, uneven padding",
            shape: ConvolutionShape(
                C: 20, K: 20, kernel: Extent3(2, 4, 2), stride: Extent3(1, 3, 2), padding: Extent3(1, 2, 0),
                input: Extent3(3, 8, 7), groups: 20)),
        Named(
            name: "depthwise 40, no padding",
            shape: ConvolutionShape(C: 40, K: 40, kernel: full, input: Extent3(4, 6, 5), groups: 40)),
        Named(
            name: "depthwise 16, padding beyond the kernel",
            shape: ConvolutionShape(
                C: 16, K: 16, kernel: full, stride: Extent3(1, 1, 2), padding: Extent3(1, 4, 5),
                input: Extent3(1, 2, 3), groups: 16)),
        layer("2 groups, prime channels", 46, 34, spatial, Extent3(2, 5, 6), groups: 2),
        layer("8 groups of 4, stride 2", 32, 32, full, stride: Extent3(1, 2, 2), Extent3(3, 6, 7), groups: 8),
        layer("3 groups in time", 9, 51, Extent3(5, 1, 1), stride: Extent3(2, 1, 1), Extent3(6, 3, 4), groups: 3),
        layer("5 groups of one channel, two each", 5, 10, full, Extent3(2, 4, 5), groups: 5),
        layer("4 groups, points at stride 2", 72, 24, point, stride: Extent3(2, 2, 2), Extent3(3, 5, 6), groups: 4),
        Named(
            name: "2 groups, even kernel, uneven padding",
            shape: ConvolutionShape(
                C: 18, K: 20, kernel: Extent3(2, 4, 2), stride: Extent3(1, 3, 2), padding: Extent3(1, 2, 0),
                input: Extent3(3, 8, 7), groups: 2)),
    ]

    private static func depthwise(
        _ name: String, _ C: Int, _ kernel: Extent3, stride: Extent3 = Extent3(1, 1, 1), _ input: Extent3
    ) -> Named {
        layer(name, C, C, kernel, stride: stride, input, groups: C)
    }
}

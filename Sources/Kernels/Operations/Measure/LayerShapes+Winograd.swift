extension LayerShapes {
    /// Shapes that Winograd's convolution takes, where everything is odd: for tests.
    public static let tiles: [Named] = [
        tile("one tile", 16, 16, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(1, 4, 4)),
        tile("less than a tile", 17, 19, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(2, 3, 2)),
        tile("clipped tiles, prime channels", 23, 61, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(2, 5, 6)),
        tile("many tiles", 20, 34, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(8, 41, 39)),
        tile("uneven padding", 32, 50, Extent3(1, 3, 3), Extent3(0, 2, 0), Extent3(1, 9, 7)),
        tile("230 channels", 64, 230, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(1, 7, 7)),
        tile("one frame, full kernel", 17, 40, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(1, 5, 5)),
        tile("full kernel", 48, 64, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(5, 6, 9)),
        tile("full kernel without padding", 20, 48, Extent3(3, 3, 3), Extent3(0, 0, 0), Extent3(5, 7, 9)),
        tile("more frames than a block", 16, 18, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(37, 4, 4)),
        tile("five taps in time", 16, 16, Extent3(5, 3, 3), Extent3(2, 1, 1), Extent3(4, 6, 5)),
        tile("larger: clipped tiles, prime channels", 23, 61, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(2, 13, 14)),
        tile("larger: uneven padding", 32, 50, Extent3(1, 3, 3), Extent3(0, 2, 0), Extent3(1, 13, 15)),
        tile("larger: full kernel", 48, 64, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(5, 12, 17)),
        tile("larger: full kernel without padding", 20, 48, Extent3(3, 3, 3), Extent3(0, 0, 0), Extent3(5, 15, 14)),
        tile("larger: more frames than a block", 16, 18, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(37, 12, 12)),
        tile("larger: five taps in time", 16, 16, Extent3(5, 3, 3), Extent3(2, 1, 1), Extent3(4, 12, 13)),
        fewerProducts,
        tile(
            "larger: two frames, chains in pieces", 130, 40, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(2, 16, 15)),
        tile("late: several pieces and panels", 150, 70, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(2, 7, 7)),
        tile("late: two frames, several pieces", 130, 40, Extent3(3, 3, 3), Extent3(1, 1, 1), Extent3(2, 4, 4)),
        tile("late: more tiles than are together", 33, 20, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(9, 10, 11)),
        fewTiles,
        tile("in time", 45, 64, Extent3(3, 1, 1), Extent3(1, 0, 0), Extent3(8, 5, 7)),
        tile("clipped in time", 64, 45, Extent3(3, 1, 1), Extent3(1, 0, 0), Extent3(6, 3, 5)),
        tile("in time, no padding", 30, 21, Extent3(3, 1, 1), Extent3(0, 0, 0), Extent3(9, 2, 3)),
        tile("in time, many tiles", 33, 17, Extent3(3, 1, 1), Extent3(1, 0, 0), Extent3(4, 33, 35)),
    ]

    /// The same with strides of two, whose weight gradients it does not take.
    public static let phases: [Named] = [
        phase("strided: one tile", 16, 16, Extent3(1, 8, 8)),
        phase("strided: less than a tile", 17, 19, Extent3(2, 3, 2)),
        phase("strided: one pixel more than a tile", 16, 18, Extent3(1, 9, 10)),
        phase("strided: clipped tiles, prime channels", 23, 61, Extent3(2, 13, 14)),
        phase("strided: several blocks, which end within rows of tiles", 20, 34, Extent3(3, 41, 39)),
        phase("strided: chains in pieces", 150, 136, Extent3(1, 15, 24)),
        phase("strided: 230 channels", 64, 230, Extent3(1, 26, 27)),
    ]

    /// A late layer by its channels, not by the size of its map.
    public static let fewTiles = tile(
        "late: few tiles for many channels", 256, 257, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(1, 12, 13))

    /// One whose blocks have fewer products, for its patches are large: three of them, which end within rows of tiles, so that
    /// the sums of a batch norm behind it show where.
    public static let fewerProducts = tile(
        "larger: fewer products in a block", 119, 115, Extent3(1, 3, 3), Extent3(0, 1, 1), Extent3(2, 13, 18))

    private static func phase(_ name: String, _ C: Int, _ K: Int, _ input: Extent3) -> Named {
        Named(
            name: name,
            shape: ConvolutionShape(
                C: C, K: K, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2), padding: Extent3(0, 1, 1), input: input)
        )
    }

    private static func tile(
        _ name: String, _ C: Int, _ K: Int, _ kernel: Extent3, _ padding: Extent3, _ input: Extent3
    ) -> Named {
        Named(name: name, shape: ConvolutionShape(C: C, K: K, kernel: kernel, padding: padding, input: input))
    }
}

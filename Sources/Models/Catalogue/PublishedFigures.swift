/// Every figure that is published of the networks that can be named.
extension PublishedFigure {
    package static let all: [PublishedFigure] = vmz + torchvision + slowfast + pytorchvideo

    private static let vmz: [PublishedFigure] = {
        // Weights in millions; 1e9 multiply-accumulates for 8 and for 16 frames.
        let resNet18: [(String, String, String, String, String)] = [
            ("r2d-18", "11.4", "1.9", "11.5", "2.2"), ("r2df-18", "11.4", "13.8", "11.4", "27.6"),
            ("mc2-18", "11.4", "14.3", "11.4", "28.5"), ("mc3-18", "11.7", "21.7", "11.7", "43.3"),
            ("mc4-18", "12.7", "20", "12.7", "40"), ("mc5-18", "16.8", "20", "16.8", "39.9"),
            ("rmc2-18", "33.3", "19.9", "33.3", "39.8"), ("rmc3-18", "33", "12.5", "33", "25"),
            ("rmc4-18", "32", "14.5", "32", "29.1"), ("rmc5-18", "27.9", "15.4", "27.9", "30.8"),
            ("r3d-18", "33.4", "20.3", "33.4", "40.7"), ("r2plus1d-18", "33.3", "20.7", "33.3", "41.5"),
        ]
        func zoo(
            _ name: String, _ frames: Int, _ size: Int, pool1: Bool, _ millions: String, _ gigaMACs: String,
            difference: String? = nil
        ) -> PublishedFigure {
            var options = NetworkOptions()
            options.pool1 = pool1
            options.head = .convolutional
            return PublishedFigure(
                name: name, frames: frames, size: size, options: options, millions: millions, parameters: .weights,
                gigaMACs: gigaMACs, source: .vmzZoo, difference: difference)
        }
        return resNet18.flatMap { row in
            [(8, row.1, row.2), (16, row.3, row.4)].map { frames, millions, gigaMACs in
                PublishedFigure(
                    name: row.0, frames: frames, size: 112, millions: millions, parameters: .weights,
                    gigaMACs: gigaMACs, source: .vmzModels)
            }
        } + [
            // The zoo says 112 and 224 pixels; it counts at the crops that it tests with.
            zoo(
                "r2plus1d-34", 8, 128, pool1: false, "63.6", "49.8",
                difference: "49.7498, rounded to 49.75 and then to 49.8"),
            zoo("r2plus1d-34", 32, 128, pool1: false, "63.6", "199.0"),
            zoo("r2plus1d-152", 32, 128, pool1: false, "118.0", "329.1"),
            zoo("ir-csn-152", 32, 256, pool1: true, "29.6", "96.7"),
            zoo("ip-csn-152", 32, 256, pool1: true, "32.8", "108.8"),
            PublishedFigure(
                name: "c3d", frames: 16, size: 112, millions: "64.9", parameters: .weights, gigaMACs: "38.5",
                source: .vmzZoo),
        ]
    }()

    private static let torchvision = [
        ("r3d_18", "33.371472", "40.697"), ("mc3_18", "11.695440", "43.343"), ("r2plus1d_18", "31.505325", "40.519"),
    ].map { name, millions, gigaMACs in
        PublishedFigure(
            name: "torchvision/\(name)", frames: 16, size: 112, millions: millions, parameters: .all,
            gigaMACs: gigaMACs, source: .torchvision)
    }

    private static let slowfast: [PublishedFigure] = {
        let x3d = [
            ("X3D_XS", 4, 160, "3.8", "0.60"), ("X3D_S", 13, 160, "3.8", "1.96"), ("X3D_M", 16, 224, "3.8", "4.73"),
            ("X3D_L", 16, 312, "6.2", "18.37"),
        ].map { name, frames, size, millions, gigaMACs in
            PublishedFigure(
                name: "slowfast/\(name)", frames: frames, size: size, millions: millions, parameters: .all,
                gigaMACs: gigaMACs, source: .slowfastZoo)
        }
        let paper = [
            ("SLOWFAST_4x16_R50", 32, "36.1"), ("SLOWFAST_8x8_R50", 32, "65.7"),
            ("SLOWFAST_8x8_R101_50_50", 32, "106"), ("SLOWFAST_16x8_R101_50_50", 64, "213"),
        ].map { name, frames, gigaMACs in
            PublishedFigure(
                name: "slowfast/\(name)", frames: frames, size: 256, options: .convolutionalHead, millions: nil,
                parameters: .all, gigaMACs: gigaMACs, source: .slowfastPaper)
        }
        // pytorchvideo's zoo holds PySlowFast's networks under new names.
        let zoo = [
            ("C2D_8x8_R50", 8, "24.33", "25.89"), ("I3D_8x8_R50", 8, "28.04", "37.53"),
            ("SLOW_4x16_R50", 4, "32.45", "27.55"), ("SLOW_8x8_R50", 8, "32.45", "54.52"),
            ("SLOWFAST_4x16_R50", 32, "34.48", "36.69"), ("SLOWFAST_8x8_R50", 32, "34.57", "65.71"),
            ("SLOWFAST_8x8_R101", 32, "62.83", "127.20"), ("SLOWFAST_16x8_R101_50_50", 64, "53.77", "215.61"),
        ].map { name, frames, millions, gigaMACs in
            tested("slowfast/\(name)", frames, 256, millions, gigaMACs)
        }
        return zoo + paper + x3d
    }()

    private static let pytorchvideo = [
        ("c2d_r50", 8, 256, "24.33", "25.89"), ("i3d_r50", 8, 256, "28.04", "37.53"),
        ("slow_r50", 8, 256, "32.45", "54.52"), ("slowfast_r50", 32, 256, "34.57", "65.71"),
        ("slowfast_r101", 32, 256, "62.83", "127.20"), ("slowfast_16x8_r101_50_50", 64, 256, "53.77", "215.61"),
        ("csn_r101", 32, 256, "22.21", "75.62"), ("r2plus1d_r50", 16, 256, "28.11", "76.45"),
        ("x3d_xs", 4, 182, "3.79", "0.91"), ("x3d_s", 13, 182, "3.79", "2.96"), ("x3d_m", 16, 256, "3.79", "6.72"),
        ("x3d_l", 16, 356, "6.15", "26.64"),
    ].map { name, frames, size, millions, gigaMACs in
        tested("pytorchvideo/\(name)", frames, size, millions, gigaMACs)
    }

    /// A row of pytorchvideo's zoo: counted for one of the crops that it tests with.
    private static func tested(
        _ name: String, _ frames: Int, _ size: Int, _ millions: String, _ gigaMACs: String
    ) -> PublishedFigure {
        PublishedFigure(
            name: name, frames: frames, size: size, options: .convolutionalHead, millions: millions, parameters: .all,
            gigaMACs: gigaMACs, source: .pytorchvideoZoo)
    }
}

extension NetworkOptions {
    fileprivate static let convolutionalHead: NetworkOptions = {
        var options = NetworkOptions()
        options.head = .convolutional
        return options
    }()
}

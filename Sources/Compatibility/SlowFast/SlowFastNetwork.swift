/// Which of our networks a configuration describes. PySlowFast builds networks from keys; here they have names.
struct SlowFastNetwork: Sendable {
    /// As `zoetrope model list` prints it.
    let name: String
    /// `MODEL.MODEL_NAME` and `MODEL.ARCH` that build it.
    let builders: [(model: String, arch: String)]
    let depth: Int
    /// `RESNET.NUM_BLOCK_TEMP_KERNEL` of stage 4, a number for each pathway; the other stages take all blocks.
    var stage4: [Int] = []
    /// `NONLOCAL.LOCATION` of the slow pathway: stages 3 and 4.
    var nonLocal: [[Int]] = [[], []]
    var isSoftmax = false
    /// `SLOWFAST.ALPHA` and `SLOWFAST.FUSION_KERNEL_SZ`.
    var lateral: (alpha: Int, kernel: Int)?
    /// `X3D.DEPTH_FACTOR`.
    var depthFactor: Double?
    /// `DATA.NUM_FRAMES` it was published with; decides among networks that are alike.
    let frames: Int

    var pathways: Int { lateral == nil ? 1 : 2 }

    static let all: [SlowFastNetwork] = slowFast("slowfast/", "SlowFast") + single + ptv

    private static let single: [SlowFastNetwork] = {
        let resNet = [("ResNet", "c2d")]
        let i3d = [("ResNet", "i3d")]
        let slow = [("ResNet", "slow")]
        let places = [[1, 3], [1, 3, 5]]
        return [
            .init(name: "slowfast/C2D_8x8_R50", builders: resNet, depth: 50, frames: 8),
            .init(
                name: "slowfast/C2D_NOPOOL_8x8_R50", builders: [("ResNet_nopool", "c2d"), ("ResNet", "slow_c2d")],
                depth: 50, frames: 8),
            .init(
                name: "slowfast/C2D_NLN_8x8_R50", builders: resNet, depth: 50, nonLocal: places, isSoftmax: true,
                frames: 8),
            .init(name: "slowfast/I3D_8x8_R50", builders: i3d, depth: 50, stage4: [6], frames: 8),
            .init(name: "slowfast/I3D_8x8_R101", builders: i3d, depth: 101, stage4: [23], frames: 8),
            .init(
                name: "slowfast/I3D_NLN_8x8_R50", builders: i3d, depth: 50, stage4: [6], nonLocal: places,
                isSoftmax: true, frames: 8),
            .init(
                name: "slowfast/I3D_NLN_8x8_R101", builders: i3d, depth: 101, stage4: [23], nonLocal: places,
                isSoftmax: true, frames: 8),
            .init(name: "slowfast/SLOW_4x16_R50", builders: slow, depth: 50, stage4: [6], frames: 4),
            .init(name: "slowfast/SLOW_8x8_R50", builders: slow, depth: 50, stage4: [6], frames: 8),
            .init(
                name: "slowfast/SLOW_NLN_4x16_R50", builders: slow, depth: 50, stage4: [6], nonLocal: places, frames: 4),
            .init(
                name: "slowfast/SLOW_NLN_8x8_R50", builders: slow, depth: 50, stage4: [6], nonLocal: places, frames: 8),
        ] + x3d("slowfast/X3D_", "X3D", ["XS", "S", "M", "L"])
    }()

    private static func slowFast(_ prefix: String, _ model: String) -> [SlowFastNetwork] {
        func network(
            _ name: String, _ alpha: Int, _ kernel: Int, _ depth: Int, _ stage4: [Int], _ nonLocal: [[Int]] = [[], []],
            frames: Int = 32
        ) -> SlowFastNetwork {
            SlowFastNetwork(
                name: prefix + name, builders: [(model, "slowfast")], depth: depth, stage4: stage4, nonLocal: nonLocal,
                lateral: (alpha, kernel), frames: frames)
        }
        let places = [[1, 3], [1, 3, 5]]
        return [
            network("SLOWFAST_4x16_R50", 8, 5, 50, [6, 6]), network("SLOWFAST_4x16_R101", 8, 5, 101, [23, 23]),
            network("SLOWFAST_8x8_R50", 4, 7, 50, [6, 6]), network("SLOWFAST_8x8_R101", 4, 5, 101, [23, 23]),
            network("SLOWFAST_8x8_R101_50_101", 4, 5, 101, [6, 23]),
            network("SLOWFAST_8x8_R101_50_50", 4, 5, 101, [6, 6]),
            network("SLOWFAST_16x8_R101_50_50", 4, 5, 101, [6, 6], frames: 64),
            network("SLOWFAST_NLN_4x16_R50", 8, 5, 50, [6, 6], places),
            network("SLOWFAST_NLN_8x8_R50", 4, 5, 50, [6, 6], places),
            network("SLOWFAST_NLN_16x8_R101_50_50", 4, 5, 101, [6, 6], [[], [6, 13, 20]], frames: 64),
        ]
    }

    private static func x3d(_ prefix: String, _ model: String, _ sizes: [String]) -> [SlowFastNetwork] {
        zip(sizes, [4, 13, 16, 16]).map { size, frames in
            SlowFastNetwork(
                name: prefix + size, builders: [(model, "x3d")], depth: 50,
                depthFactor: size.lowercased() == "l" ? 5 : 2.2, frames: frames)
        }
    }

    /// Pytorchvideo's, which PySlowFast builds too.
    private static let ptv: [SlowFastNetwork] =
        [
            .init(name: "pytorchvideo/c2d_r50", builders: [("PTVResNet", "c2d")], depth: 50, frames: 8),
            .init(name: "pytorchvideo/i3d_r50", builders: [("PTVResNet", "i3d")], depth: 50, stage4: [6], frames: 8),
            .init(name: "pytorchvideo/slow_r50", builders: [("PTVResNet", "slow")], depth: 50, stage4: [6], frames: 8),
            .init(
                name: "pytorchvideo/slowfast_r50", builders: [("PTVSlowFast", "slowfast")], depth: 50, stage4: [6, 6],
                lateral: (4, 7), frames: 32),
            .init(
                name: "pytorchvideo/slowfast_r101", builders: [("PTVSlowFast", "slowfast")], depth: 101,
                stage4: [23, 23], lateral: (4, 5), frames: 32),
            .init(
                name: "pytorchvideo/slowfast_16x8_r101_50_50", builders: [("PTVSlowFast", "slowfast")], depth: 101,
                stage4: [6, 6], lateral: (4, 5), frames: 64),
            .init(name: "pytorchvideo/csn_r101", builders: [("PTVCSN", "csn")], depth: 101, frames: 32),
            .init(name: "pytorchvideo/r2plus1d_r50", builders: [("PTVR2plus1D", "r2plus1d")], depth: 50, frames: 16),
        ] + x3d("pytorchvideo/x3d_", "PTVX3D", ["xs", "s", "m", "l"])
}

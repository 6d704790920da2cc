import Compatibility
import Configuration
import Models
import Testing

@Suite struct SlowFastNetworkTests {
    /// What the published configurations say of their networks (configs/Kinetics, c2/ and pytorchvideo/ at 287ec00).
    static let published: [(name: String, frames: Int, keys: String)] = [
        ("slowfast/C2D_8x8_R50", 8, "MODEL.MODEL_NAME ResNet MODEL.ARCH c2d NONLOCAL.INSTANTIATION softmax"),
        (
            "slowfast/C2D_NOPOOL_8x8_R50", 8,
            "MODEL.MODEL_NAME ResNet_nopool MODEL.ARCH c2d NONLOCAL.INSTANTIATION softmax"
        ),
        (
            "slowfast/C2D_NLN_8x8_R50", 8,
            "MODEL.MODEL_NAME ResNet MODEL.ARCH c2d NONLOCAL.INSTANTIATION softmax NONLOCAL.LOCATION [[[]],[[1,3]],[[1,3,5]],[[]]]"
        ),
        ("slowfast/I3D_8x8_R50", 8, "MODEL.MODEL_NAME ResNet MODEL.ARCH i3d NONLOCAL.INSTANTIATION softmax"),
        (
            "slowfast/I3D_8x8_R101", 8,
            "MODEL.MODEL_NAME ResNet MODEL.ARCH i3d RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3],[4],[23],[3]]"
        ),
        (
            "slowfast/I3D_NLN_8x8_R50", 8,
            "MODEL.MODEL_NAME ResNet MODEL.ARCH i3d NONLOCAL.INSTANTIATION softmax NONLOCAL.LOCATION [[[]],[[1,3]],[[1,3,5]],[[]]]"
        ),
        (
            "slowfast/I3D_NLN_8x8_R101", 8,
            "MODEL.MODEL_NAME ResNet MODEL.ARCH i3d RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3],[4],[23],[3]] NONLOCAL.INSTANTIATION softmax NONLOCAL.LOCATION [[[]],[[1,3]],[[1,3,5]],[[]]]"
        ),
        ("slowfast/SLOW_4x16_R50", 4, "MODEL.MODEL_NAME ResNet MODEL.ARCH slow"),
        ("slowfast/SLOW_8x8_R50", 8, "MODEL.MODEL_NAME ResNet MODEL.ARCH slow"),
        (
            "slowfast/SLOW_NLN_4x16_R50", 4,
            "MODEL.MODEL_NAME ResNet MODEL.ARCH slow NONLOCAL.LOCATION [[[]],[[1,3]],[[1,3,5]],[[]]]"
        ),
        (
            "slowfast/SLOW_NLN_8x8_R50", 8,
            "MODEL.MODEL_NAME ResNet MODEL.ARCH slow NONLOCAL.LOCATION [[[]],[[1,3]],[[1,3,5]],[[]]]"
        ),
        ("slowfast/SLOWFAST_4x16_R50", 32, "SLOWFAST.ALPHA 8 SLOWFAST.FUSION_KERNEL_SZ 5"),
        ("slowfast/SLOWFAST_8x8_R50", 32, "SLOWFAST.ALPHA 4 SLOWFAST.FUSION_KERNEL_SZ 7"),
        ("slowfast/SLOWFAST_NLN_4x16_R50", 32, "NONLOCAL.LOCATION [[[],[]],[[1,3],[]],[[1,3,5],[]],[[],[]]]"),
        (
            "slowfast/SLOWFAST_NLN_8x8_R50", 32,
            "SLOWFAST.ALPHA 4 NONLOCAL.LOCATION [[[],[]],[[1,3],[]],[[1,3,5],[]],[[],[]]]"
        ),
        (
            "slowfast/SLOWFAST_8x8_R101", 32,
            "SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[23,23],[3,3]]"
        ),
        (
            "slowfast/SLOWFAST_8x8_R101_50_101", 32,
            "SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[6,23],[3,3]]"
        ),
        (
            "slowfast/SLOWFAST_8x8_R101_50_50", 32,
            "SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[6,6],[3,3]]"
        ),
        (
            "slowfast/SLOWFAST_16x8_R101_50_50", 64,
            "SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[6,6],[3,3]]"
        ),
        (
            "slowfast/SLOWFAST_NLN_16x8_R101_50_50", 64,
            "SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[6,6],[3,3]] NONLOCAL.LOCATION [[[],[]],[[],[]],[[6,13,20],[]],[[],[]]]"
        ),
        (
            "slowfast/X3D_XS", 4,
            "MODEL.MODEL_NAME X3D MODEL.ARCH x3d X3D.DEPTH_FACTOR 2.2 DATA.TRAIN_CROP_SIZE 160 DATA.TEST_CROP_SIZE 182 DATA.TRAIN_JITTER_SCALES [182,228]"
        ),
        (
            "slowfast/X3D_S", 13,
            "MODEL.MODEL_NAME X3D MODEL.ARCH x3d X3D.DEPTH_FACTOR 2.2 DATA.TRAIN_CROP_SIZE 160 DATA.TEST_CROP_SIZE 182 DATA.TRAIN_JITTER_SCALES [182,228]"
        ),
        ("slowfast/X3D_M", 16, "MODEL.MODEL_NAME X3D MODEL.ARCH x3d X3D.DEPTH_FACTOR 2.2"),
        (
            "slowfast/X3D_L", 16,
            "MODEL.MODEL_NAME X3D MODEL.ARCH x3d X3D.DEPTH_FACTOR 5.0 DATA.TRAIN_CROP_SIZE 312 DATA.TEST_CROP_SIZE 356 DATA.TRAIN_JITTER_SCALES [356,446]"
        ),
        ("pytorchvideo/slowfast_r50", 32, "MODEL.MODEL_NAME PTVSlowFast SLOWFAST.ALPHA 4 SLOWFAST.FUSION_KERNEL_SZ 7"),
        (
            "pytorchvideo/slowfast_r101", 32,
            "MODEL.MODEL_NAME PTVSlowFast SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[23,23],[3,3]]"
        ),
        (
            "pytorchvideo/slowfast_16x8_r101_50_50", 64,
            "MODEL.MODEL_NAME PTVSlowFast SLOWFAST.ALPHA 4 RESNET.DEPTH 101 RESNET.NUM_BLOCK_TEMP_KERNEL [[3,3],[4,4],[6,6],[3,3]]"
        ),
        ("pytorchvideo/csn_r101", 32, "MODEL.MODEL_NAME PTVCSN MODEL.ARCH csn RESNET.DEPTH 101"),
        ("pytorchvideo/r2plus1d_r50", 16, "MODEL.MODEL_NAME PTVR2plus1D MODEL.ARCH r2plus1d"),
        ("pytorchvideo/x3d_m", 16, "MODEL.MODEL_NAME PTVX3D MODEL.ARCH x3d X3D.DEPTH_FACTOR 2.2"),
    ]

    @Test(arguments: published)
    func everyPublishedConfigurationIsANetwork(name: String, frames: Int, keys: String) throws {
        let x3d = "WIDTH_FACTOR: 2.0, BOTTLENECK_FACTOR: 2.25"
        let text = "TRAIN: {ENABLE: False}\nX3D: {\(x3d)}\n"
        var options = keys.split(separator: " ").map(String.init) + ["DATA.NUM_FRAMES", "\(frames)"]
        if keys.contains("x3d") { options += ["RESNET.TRANS_FUNC", "x3d_transform"] }
        let run = try SlowFastConfigs.translate(text, options)
        #expect(run.recipe.entries["model.name"]?.value == .string(name))
        #expect(NetworkDescription.names.contains(name))
    }
}

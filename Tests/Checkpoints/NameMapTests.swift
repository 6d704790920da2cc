import Checkpoints
import Faults
import TestSupport
import Testing

/// The zoo's tensors as PySlowFast itself names them: every row of its seven models.
private struct ZooNames {
    /// Key and blob of each tensor of a model, by the model's letter.
    let models: [Character: [(key: String, blob: String)]]

    init() throws {
        let norms = zip(
            [".weight", ".bias", ".running_mean", ".running_var"], ["_s", "_b", "_rm", "_riv"])
        var models: [Character: [(String, String)]] = [:]
        let lines = try text(of: sourceTree + "/Tests/Fixtures/slowfast-names.tsv").split(separator: "\n")
        for line in lines where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t").map(String.init)
            try #require(fields.count == 3, "\(line)")
            let rows =
                fields[0].hasSuffix("*")
                ? norms.map { (fields[0].dropLast() + $0, fields[1].dropLast() + $1) } : [(fields[0], fields[1])]
            for letter in fields[2] { models[letter, default: []] += rows }
        }
        self.models = models
    }
}

struct NameMapTests {
    @Test func everyBlobOfTheZooIsItsKeyAndBack() throws {
        let zoo = try ZooNames().models
        #expect(zoo.mapValues(\.count) == ["c": 267, "i": 267, "n": 327, "f": 552, "F": 552, "s": 267, "x": 484])
        for (model, rows) in zoo {
            let keys = rows.map(\.key)
            let blobs = rows.map(\.blob)
            #expect(Naming.recognising(keys) == .slowfast, "\(model)")
            #expect(Naming.recognising(blobs) == .slowfastBlobs, "\(model)")
            let wanted = Dictionary(uniqueKeysWithValues: zip(blobs, keys))
            #expect(try NameMap.names(blobs, from: .slowfastBlobs, to: .slowfast) == wanted, "\(model)")
            let back = Dictionary(uniqueKeysWithValues: zip(keys, blobs))
            #expect(try NameMap.names(keys, from: .slowfast, to: .slowfastBlobs) == back, "\(model)")
            let map = NameMap(from: blobs, to: keys)
            #expect(map.sources == back && map.source == .slowfastBlobs && map.target == .slowfast, "\(model)")
        }
    }

    @Test func deeperNetworksHangTheLateralConvolutionOnTheirLastBlock() throws {
        let blobs = ["t_res4_0_branch1_w", "t_res4_22_branch2a_w", "t_res4_22_branch2c_bn_subsample_bn_riv"]
        let keys = try NameMap.names(blobs, from: .slowfastBlobs, to: .slowfast)
        #expect(keys["t_res4_22_branch2c_bn_subsample_bn_riv"] == "s4_fuse.bn.running_var")
        let back = try NameMap.names(Array(keys.values), from: .slowfast, to: .slowfastBlobs)
        #expect(Set(back.values) == Set(blobs))
        // Without the fast pathway nobody knows which block is the last.
        #expect(throws: Fault.self) {
            try NameMap.names(["s4_fuse.bn.weight"], from: .slowfast, to: .slowfastBlobs)
        }
    }

    @Test func whatOnlyANetworkTellsIsRefused() {
        let network = #expect(throws: Fault.self) {
            try NameMap.names(["pred_w"], from: .slowfastBlobs, to: .pytorchvideo)
        }
        #expect(network?.code == .usage && network?.thing == "pytorchvideo")
        let unknown = #expect(throws: Fault.self) {
            try NameMap.names(["conv1_w", "nonsense"], from: .slowfastBlobs, to: .slowfast)
        }
        #expect(unknown?.thing == "nonsense")
        // PySlowFast has no convolutions in two halves.
        #expect(throws: Fault.self) {
            try NameMap.names(["layer1.0.conv1.0.0.weight"], from: .torchvision, to: .slowfast)
        }
    }

    @Test func pytorchvideoCountsPoolsAndSlowFastDoesNot() {
        func check(_ pairs: KeyValuePairs<String, String>) {
            let sources = pairs.map(\.key)
            let targets = pairs.map(\.value)
            #expect(
                NameMap(from: sources, to: targets).sources == Dictionary(uniqueKeysWithValues: zip(targets, sources)))
            #expect(
                NameMap(from: targets, to: sources).sources == Dictionary(uniqueKeysWithValues: zip(sources, targets)))
        }
        // I3D: a pool is number 2 of pytorchvideo's blocks.
        check([
            "blocks.0.conv.weight": "s1.pathway0_stem.conv.weight",
            "blocks.0.norm.running_var": "s1.pathway0_stem.bn.running_var",
            "blocks.1.res_blocks.2.branch2.norm_c.weight": "s2.pathway0_res2.branch2.c_bn.weight",
            "blocks.3.res_blocks.0.branch1_conv.weight": "s3.pathway0_res0.branch1.weight",
            "blocks.4.res_blocks.5.branch2.conv_a.weight": "s4.pathway0_res5.branch2.a.weight",
            "blocks.5.res_blocks.0.branch1_norm.bias": "s5.pathway0_res0.branch1_bn.bias",
            "blocks.6.proj.weight": "head.projection.weight",
        ])
        check([
            "blocks.0.multipathway_blocks.1.conv.weight": "s1.pathway1_stem.conv.weight",
            "blocks.0.multipathway_fusion.conv_fast_to_slow.weight": "s1_fuse.conv_f2s.weight",
            "blocks.1.multipathway_blocks.0.res_blocks.0.branch2.conv_b.weight": "s2.pathway0_res0.branch2.b.weight",
            "blocks.2.multipathway_blocks.1.res_blocks.3.branch2.norm_b.running_mean":
                "s3.pathway1_res3.branch2.b_bn.running_mean",
            "blocks.2.multipathway_fusion.norm.weight": "s3_fuse.bn.weight",
            "blocks.6.proj.bias": "head.projection.bias",
        ])
        // X3D: pytorchvideo calls the first half of the stem `conv_t`, though it sees space.
        check([
            "blocks.0.conv.conv_t.weight": "s1.pathway0_stem.conv_xy.weight",
            "blocks.0.conv.conv_xy.weight": "s1.pathway0_stem.conv.weight",
            "blocks.1.res_blocks.0.branch2.norm_b.0.weight": "s2.pathway0_res0.branch2.b_bn.weight",
            "blocks.1.res_blocks.0.branch2.norm_b.1.block.0.bias": "s2.pathway0_res0.branch2.se.fc1.bias",
            "blocks.1.res_blocks.0.branch2.norm_b.1.block.2.weight": "s2.pathway0_res0.branch2.se.fc2.weight",
            "blocks.4.res_blocks.6.branch2.norm_b.weight": "s5.pathway0_res6.branch2.b_bn.weight",
            "blocks.2.res_blocks.0.branch2.conv_a.weight": "s3.pathway0_res0.branch2.a.weight",
            "blocks.3.res_blocks.0.branch2.conv_a.weight": "s4.pathway0_res0.branch2.a.weight",
            "blocks.5.pool.pre_conv.weight": "head.conv_5.weight",
            "blocks.5.pool.pre_norm.running_mean": "head.conv_5_bn.running_mean",
            "blocks.5.pool.post_conv.weight": "head.lin_5.weight",
            "blocks.5.proj.weight": "head.projection.weight",
        ])
    }

    @Test func vmzCountsBlocksThroughAllStages() {
        // A bottleneck network of two blocks a stage begins its stages at blocks 0, 2, ...; its depthwise convolutions
        // count twice.
        let blobs = [
            "conv1_w", "shortcut_projection_0_w", "comp_0_conv_1_w", "comp_0_conv_3_w", "comp_0_conv_4_w",
            "comp_1_conv_1_w", "comp_1_conv_3_w", "comp_1_conv_4_w", "comp_1_spatbn_4_riv", "shortcut_projection_2_w",
            "shortcut_projection_2_spatbn_rm", "comp_2_conv_4_w", "comp_3_conv_3_w", "comp_3_conv_4_w",
            "last_out_L487_w",
        ]
        let keys = [
            "blocks.0.conv.weight", "blocks.1.res_blocks.0.branch1_conv.weight",
            "blocks.1.res_blocks.0.branch2.conv_a.weight", "blocks.1.res_blocks.0.branch2.conv_b.weight",
            "blocks.1.res_blocks.0.branch2.conv_c.weight", "blocks.1.res_blocks.1.branch2.conv_a.weight",
            "blocks.1.res_blocks.1.branch2.conv_b.weight", "blocks.1.res_blocks.1.branch2.conv_c.weight",
            "blocks.1.res_blocks.1.branch2.norm_c.running_var", "blocks.2.res_blocks.0.branch1_conv.weight",
            "blocks.2.res_blocks.0.branch1_norm.running_mean", "blocks.2.res_blocks.0.branch2.conv_c.weight",
            "blocks.2.res_blocks.1.branch2.conv_b.weight", "blocks.2.res_blocks.1.branch2.conv_c.weight",
            "blocks.5.proj.weight",
        ]
        #expect(NameMap(from: blobs, to: keys).sources == Dictionary(uniqueKeysWithValues: zip(keys, blobs)))
        #expect(NameMap(from: keys, to: blobs).sources == Dictionary(uniqueKeysWithValues: zip(blobs, keys)))
    }

    @Test func sameNamesAreTheSameTensorEvenWhereAFileIsIncomplete() {
        // Without its projection the second stage is not to be taken for a part of the first.
        let network = [
            "conv1_w", "comp_0_conv_1_w", "shortcut_projection_1_w", "comp_1_conv_1_w", "shortcut_projection_2_w",
            "comp_2_conv_1_w",
        ]
        let file = network.filter { $0 != "shortcut_projection_1_w" }
        #expect(NameMap(from: file, to: network).sources == Dictionary(uniqueKeysWithValues: file.map { ($0, $0) }))
    }

    @Test func aSchemeWithOtherNumbersGoesByPlace() {
        // C2D's stages are blocks 1, 3, 4, 5 of pytorchvideo, Slow's 1, 2, 3, 4.
        func keys(_ numbers: [Int]) -> [String] {
            numbers.map { "blocks.\($0).res_blocks.0.branch1_conv.weight" } + ["blocks.\(numbers[3] + 1).proj.weight"]
        }
        let map = NameMap(from: keys([1, 3, 4, 5]), to: keys([1, 2, 3, 4]))
        #expect(map.sources == Dictionary(uniqueKeysWithValues: zip(keys([1, 2, 3, 4]), keys([1, 3, 4, 5]))))
    }

    @Test func picturesOfTorchvisionAreSlowFastsWithoutTime() {
        let pairs: KeyValuePairs<String, String> = [
            "conv1.weight": "s1.pathway0_stem.conv.weight", "bn1.running_mean": "s1.pathway0_stem.bn.running_mean",
            "layer1.0.conv1.weight": "s2.pathway0_res0.branch2.a.weight",
            "layer1.0.bn3.weight": "s2.pathway0_res0.branch2.c_bn.weight",
            "layer4.2.conv2.weight": "s5.pathway0_res2.branch2.b.weight",
            "layer2.0.downsample.0.weight": "s3.pathway0_res0.branch1.weight",
            "layer2.0.downsample.1.bias": "s3.pathway0_res0.branch1_bn.bias", "fc.weight": "head.projection.weight",
        ]
        let map = NameMap(from: pairs.map(\.key), to: pairs.map(\.value))
        #expect(map.source == .torchvision)
        #expect(map.sources == Dictionary(uniqueKeysWithValues: pairs.map { ($0.value, $0.key) }))
    }

    /// Thousands of projections, and sixteen names for each: none of them looks at all the others.
    @Test(.timeLimit(.minutes(3))) func namesOfAHostileFileTakeTheirNumberInTime() {
        let blocks = 0..<10_000
        var names = blocks.map { "shortcut_projection_\($0)_w" }
        for block in blocks {
            for layer in 1...4 {
                for value in ["s", "b", "rm", "riv"] { names.append("comp_\(block)_spatbn_\(layer)_\(value)") }
            }
        }
        let places = Naming.vmz.places(of: names)
        #expect(places["comp_9999_spatbn_1_s"]?.site == .block(stage: 2 + 9999, index: 0))
        // Of the sixteen, those of a fourth layer have no place where no convolution is the fourth.
        #expect(places.count == 13 * blocks.count)
    }

    @Test func unknownNamesHaveNoScheme() {
        #expect(Naming.recognising(["a", "b.weight", ""]) == nil)
        #expect(NameMap(from: ["a", "b"], to: ["b", "c"]).sources == ["b": "b"])
        // Numbers that no network has are not counted with.
        #expect(Naming.recognising(["res99999999999999999999_0_branch2a_w", "layer.0.conv1.weight"]) == nil)
    }
}

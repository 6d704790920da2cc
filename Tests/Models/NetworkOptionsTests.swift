import Faults
import Models
import Testing

/// What differs from a published network: options, clips, heads.
struct NetworkOptionsTests {
    private func network(
        _ name: String, frames: Int = 8, size: Int = 112, _ change: (inout NetworkOptions) -> Void = { _ in }
    ) throws -> NetworkDescription {
        var options = NetworkOptions()
        change(&options)
        return try NetworkDescription(named: name, classes: 400, frames: frames, size: size, options: options)
    }

    @Test(arguments: [
        ("r2d-18", "dropout"), ("r2df-18", "pool1"), ("mc3-18", "channel_multiplier"),
        ("rmc4-34", "conv1_temporal_stride"),
        ("torchvision/r3d_18", "dropout"), ("torchvision/r3d_18", "convolutional_head"),
        ("slowfast/SLOWFAST_8x8_R50", "pool1"), ("pytorchvideo/csn_r101", "bottleneck_multiplier"),
        ("slowfast/X3D_M", "conv1_temporal_kernel"), ("r2d-50", "convolutional_head"),
    ])
    func optionsWithoutAGraphAreRefused(_ name: String, option: String) throws {
        let fault = #expect(throws: Fault.self) {
            try network(name, frames: 32, size: 224) { options in
                switch option {
                case "dropout": options.dropout = 0.5
                case "pool1": options.pool1 = true
                case "channel_multiplier": options.channelMultiplier = 2
                case "bottleneck_multiplier": options.bottleneckMultiplier = 2
                case "conv1_temporal_stride": options.conv1TemporalStride = 2
                case "conv1_temporal_kernel": options.conv1TemporalKernel = 5
                default: options.head = .convolutional
                }
            }
        }
        #expect(fault?.code == .usage)
        #expect(fault?.thing == "model.\(option)")
    }

    @Test func valuesOutOfRangeAreRefused() {
        let changes: [(inout NetworkOptions) -> Void] = [
            { $0.channelMultiplier = 0 }, { $0.channelMultiplier = .nan }, { $0.bottleneckMultiplier = 17 },
            { $0.channelMultiplier = 0.001 }, { $0.conv1TemporalStride = 0 }, { $0.conv1TemporalKernel = 4 },
            { $0.dropout = 1 }, { $0.dropout = -0.1 }, { $0.dropout = .nan },
        ]
        for (index, change) in changes.enumerated() {
            let fault = #expect(throws: Fault.self, "change \(index)") { try network("r3d-50", change) }
            #expect(fault?.code == .usage)
        }
    }

    @Test(arguments: [
        ("slowfast/SLOWFAST_8x8_R50", 30, 224), ("slowfast/SLOWFAST_4x16_R50", 12, 224),
        ("slowfast/C2D_8x8_R50", 1, 224),
        ("pytorchvideo/i3d_r50", 1, 224), ("slowfast/I3D_NLN_8x8_R50", 8, 16), ("c3d", 8, 112), ("c3d", 16, 128),
    ])
    func clipsThatDoNotFitAreRefused(_ name: String, frames: Int, size: Int) throws {
        let fault = #expect(throws: Fault.self) { try network(name, frames: frames, size: size) }
        #expect(fault?.code == .usage)
        #expect(fault?.mend.isEmpty == false)
    }

    @Test(arguments: NetworkDescription.names)
    func anySizeIsADescriptionOrAFault(_ name: String) {
        for (frames, size) in [(1, 1), (2, 17), (8, 16), (4096, 33)] {
            for head in NetworkOptions.Head.allCases {
                do {
                    let net = try network(name, frames: frames, size: size) { $0.head = head }
                    #expect(net.layers.last?.map.count == 400)
                } catch let fault as Fault {
                    #expect(fault.code == .usage)
                } catch {
                    Issue.record("\(error)")
                }
            }
        }
    }

    /// PyTorch's `torch.linspace(0, T - 1, T / alpha).long()`; its f32 gives 52, not 53, as one of the last.
    @Test func theSlowPathwaySeesWhatPySlowFastPacks() throws {
        func frames(_ name: String, _ T: Int) throws -> [Int] {
            let net = try network(name, frames: T, size: 32)
            for case .selectFrames(let frames) in net.layers.map(\.operation) { return frames }
            return []
        }
        #expect(try frames("slowfast/SLOWFAST_8x8_R50", 32) == [0, 4, 8, 13, 17, 22, 26, 31])
        #expect(try frames("slowfast/SLOWFAST_4x16_R50", 32) == [0, 10, 20, 31])
        #expect(try frames("slowfast/SLOWFAST_4x16_R50", 8) == [0])
        #expect(try frames("pytorchvideo/slowfast_r50", 160)[12...14] == [48, 52, 57])
        #expect(
            try frames("slowfast/SLOWFAST_16x8_R101_50_50", 64)
                == [0, 4, 8, 12, 16, 21, 25, 29, 33, 37, 42, 46, 50, 54, 58, 63])
    }

    @Test(arguments: [
        ("slowfast/SLOWFAST_8x8_R50", 32, 256, 4, false), ("slowfast/X3D_M", 16, 256, 4, false),
        ("slowfast/X3D_L", 16, 356, 9, false), ("slowfast/SLOW_8x8_R50", 8, 224, 1, false),
        ("pytorchvideo/r2plus1d_r50", 16, 256, 4, false), ("ir-csn-152", 32, 256, 4, true),
        ("r2plus1d-18", 16, 128, 4, true),
        ("r3d-26", 8, 112, 1, true),
    ])
    func convolutionalHeadsScoreEveryPlace(_ name: String, frames: Int, size: Int, places: Int, joint: Bool) throws {
        let net = try network(name, frames: frames, size: size) {
            $0.head = .convolutional
            $0.pool1 = name == "ir-csn-152"
        }
        #expect(net.layers.last?.operation == .softmaxMean(joint: joint))
        #expect(net.layers[net.layers.count - 2].map.positions == places)
        // The linear head has the same parameters; VMZ's other head keeps its weights as a convolution's.
        let linear = try network(name, frames: frames, size: size) { $0.pool1 = name == "ir-csn-152" }
        #expect(linear.parameters.map(\.name) == net.parameters.map(\.name))
        #expect(linear.parameters.map(\.count) == net.parameters.map(\.count))
    }

    @Test func pytorchvideosHeadWithoutASoftmaxAveragesLogits() throws {
        let net = try network("pytorchvideo/csn_r101", frames: 32, size: 256) { $0.head = .convolutional }
        #expect(net.layers.last?.operation.summary == "average pool 1x2x2")
    }

    /// As PySlowFast builds them: a window of all frames, and of a thirty-second of the crop of training.
    @Test(arguments: [("pytorchvideo/csn_r101", 16, 160, 192), ("pytorchvideo/r2plus1d_r50", 32, 160, 192)])
    func theWindowOfAHeadIsThatOfTheTrainedClips(_ name: String, frames: Int, trained: Int, size: Int) throws {
        let net = try network(name, frames: frames, size: size) {
            $0.head = .convolutional
            $0.trainedCrop = trained
        }
        // Maps of 6 x 6 under a window of 5 x 5.
        let average = try #require(net.layers.first { $0.name == "blocks.5.pool" })
        #expect("\(average.map)" == "2048x1x2x2")
    }

    @Test func dropoutStandsBeforeTheHead() throws {
        func probabilities(_ net: NetworkDescription) -> [Double] {
            net.layers.compactMap { if case .dropout(let probability) = $0.operation { probability } else { nil } }
        }
        #expect(try probabilities(network("r2plus1d-18")) == [])
        #expect(try probabilities(network("r2plus1d-18") { $0.dropout = 0.5 }) == [0.5])
        #expect(try probabilities(network("c3d", frames: 16)) == [0.5, 0.5])
        #expect(try probabilities(network("slowfast/X3D_S", frames: 13, size: 160)) == [0.5])
        #expect(try probabilities(network("slowfast/SLOW_8x8_R50") { $0.dropout = 0.2 }) == [0.2])
        #expect(try probabilities(network("pytorchvideo/csn_r101")) == [])
    }

    @Test func parametersStartAsTheirOriginsDo() throws {
        func start(_ net: NetworkDescription, _ name: String) throws -> Initialiser {
            try #require(net.parameters.first { $0.name == name }).initialiser
        }
        let c3d = try network("c3d", frames: 16)
        #expect(try start(c3d, "conv3b_w") == .normal(deviation: 0.01))
        #expect(try start(c3d, "fc6_w") == .normal(deviation: 0.005))
        #expect(try start(c3d, "conv1a_b") == .constant(0))
        #expect(try start(c3d, "last_out_L400_w") == .uniform(bound: (3.0 / 4096).squareRoot()))
        // Fan-out counts every output channel, whatever the groups.
        let csn = try network("ir-csn-50")
        #expect(try start(csn, "comp_0_conv_3_w") == .normal(deviation: (2.0 / (64 * 27)).squareRoot()))
        let nonLocal = try network("slowfast/I3D_NLN_8x8_R50", size: 64)
        #expect(try start(nonLocal, "s3.pathway0_nonlocal1.bn.weight") == .constant(0))
        #expect(try start(nonLocal, "s3.pathway0_nonlocal1.conv_theta.bias") == .constant(0))
        #expect(try start(nonLocal, "head.projection.weight") == .normal(deviation: 0.01))
    }
}

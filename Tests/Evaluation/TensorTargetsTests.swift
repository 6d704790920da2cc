import Checkpoints
import Evaluation
import Faults
import Models
import Testing

struct TensorTargetsTests {
    private func network(_ name: String, classes: Int = 5) throws -> NetworkDescription {
        let clip = try NetworkDescription.publishedClip(named: name)
        return try NetworkDescription(named: name, classes: classes, frames: clip.frames, size: clip.size)
    }

    private func names(_ network: NetworkDescription) -> [String] { network.tensorTargets.map(\.name) }

    /// Whether a block's shortcut comes before its convolutions or after them is a matter of taste: here they come last.
    private func ordered(_ names: [String]) -> [String] {
        func isShortcut(_ name: String) -> Bool {
            ["shortcut", "branch1", "downsample"].contains { name.contains($0) }
        }
        return names.filter { !isShortcut($0) } + names.filter(isShortcut)
    }

    @Test func parametersComeFirstAndTheHeadIsMarked() throws {
        let network = try network("torchvision/r3d_18")
        let targets = network.tensorTargets
        #expect(targets.count == network.parameters.count + 2 * network.statistics.count)
        #expect(targets.prefix(network.parameters.count).map(\.name) == network.parameters.map(\.name))
        #expect(targets.filter(\.isHead).map(\.name) == ["fc.weight", "fc.bias"])
        #expect(targets.last?.name == "layer4.1.conv2.1.running_var")
    }

    /// Where two origins have the same network, its tensors come in the same order: an answer that no table of names gave.
    @Test(arguments: [
        ("r3d-18", "torchvision/r3d_18"), ("r2plus1d-18", "torchvision/r2plus1d_18"), ("mc3-18", "torchvision/mc3_18"),
        ("ir-csn-101", "pytorchvideo/csn_r101"), ("slowfast/C2D_8x8_R50", "pytorchvideo/c2d_r50"),
        ("slowfast/I3D_8x8_R50", "pytorchvideo/i3d_r50"), ("slowfast/SLOW_8x8_R50", "pytorchvideo/slow_r50"),
        ("slowfast/SLOWFAST_8x8_R50", "pytorchvideo/slowfast_r50"),
        ("slowfast/SLOWFAST_8x8_R101", "pytorchvideo/slowfast_r101"),
    ])
    func theSameNetworkOfTwoOriginsIsMappedTensorByTensor(first: String, second: String) throws {
        let (a, b) = (ordered(names(try network(first))), ordered(names(try network(second))))
        #expect(a != b && a.count == b.count)
        #expect(NameMap(from: a, to: b).sources == Dictionary(uniqueKeysWithValues: zip(b, a)))
        #expect(NameMap(from: b, to: a).sources == Dictionary(uniqueKeysWithValues: zip(a, b)))
    }

    /// The only difference: PySlowFast's X3D has a batch norm on every shortcut, pytorchvideo's has none on the first.
    @Test func anX3DLacksOrSparesOneBatchNorm() throws {
        let (slowfast, pytorchvideo) = (try network("slowfast/X3D_M"), try network("pytorchvideo/x3d_m"))
        let norm = [".weight", ".bias", ".running_mean", ".running_var"].map { "s2.pathway0_res0.branch1_bn" + $0 }
        let lacking = try LoadPlan(file(of: pytorchvideo), into: slowfast.tensorTargets, of: slowfast.name)
        #expect(lacking.report.missing.map(\.target).sorted() == norm.sorted())
        #expect(lacking.report.unexpected.isEmpty && lacking.report.mismatched.isEmpty)
        #expect(throws: Fault.self) { try lacking.check() }
        let sparing = try LoadPlan(file(of: slowfast), into: pytorchvideo.tensorTargets, of: pytorchvideo.name)
        #expect(sparing.report.unexpected.map(\.source).sorted() == norm.sorted())
        #expect(sparing.report.missing.isEmpty && sparing.report.mismatched.isEmpty)
        #expect(throws: Fault.self) { try sparing.check() }
    }

    /// Every network finds its own scheme, so that files of other origins find their places in it.
    @Test func everyNetworksNamesAreOfItsOrigin() throws {
        for name in NetworkDescription.names {
            let naming = Naming.recognising(names(try network(name)))
            let origin = name.split(separator: "/").count == 2 ? String(name.prefix { $0 != "/" }) : "vmz"
            #expect(naming?.rawValue == origin, "\(name)")
        }
    }

    /// A fully convolutional head takes the linear one's weights.
    @Test func aLinearHeadLoadsIntoAConvolutionalOne() throws {
        var options = NetworkOptions()
        options.head = .convolutional
        for name in ["r2plus1d-18", "slowfast/SLOW_8x8_R50", "slowfast/X3D_M"] {
            let linear = try network(name)
            let clip = try NetworkDescription.publishedClip(named: name)
            let convolutional = try NetworkDescription(
                named: name, classes: 5, frames: clip.frames, size: clip.size + 32, options: options)
            let plan = try LoadPlan(file(of: linear), into: convolutional.tensorTargets, of: name)
            try plan.check()
            #expect(plan.report.matched.count + plan.report.reshaped.count == linear.tensorTargets.count, "\(name)")
        }
    }

    /// A file with the tensors of a network, one value in all of them.
    private func file(of network: NetworkDescription) -> Checkpoint {
        Checkpoint(
            path: "f.pth", format: .torchZip,
            tensors: network.tensorTargets.map { target in
                let count = target.shape.reduce(1, *)
                return CheckpointTensor(
                    name: target.name, shape: target.shape, elementType: .f32,
                    bytes: [UInt8](repeating: 0, count: 4 * count))
            })
    }

    @Test func anR3DOfOneOriginLoadsIntoTheOthers() throws {
        let plan = try LoadPlan(
            file(of: try network("torchvision/r3d_18")), into: try network("r3d-18").tensorTargets, of: "r3d-18")
        try plan.check()
        #expect(plan.report.matched.count == 102)
        #expect(plan.report.notes.count == 1)
    }

    /// VMZ counts the middle channels of each convolution from its own inputs, torchvision from the block's.
    @Test func anR2Plus1DOfTheOtherOriginIsRefusedForItsMiddleChannels() throws {
        let target = try network("r2plus1d-18")
        let plan = try LoadPlan(
            file(of: try network("torchvision/r2plus1d_18")), into: target.tensorTargets, of: target.name)
        let fault = #expect(throws: Fault.self) { try plan.check() }
        #expect(fault?.code == .data && fault?.reason.contains("have other shapes than those of r2plus1d-18") == true)
        #expect(
            plan.report.mismatched.first { $0.target == "comp_2_conv_2_middle_w" }.map { [$0.stored[0], $0.wanted[0]] }
                == [230, 288])
    }

    @Test func aFileTellsItsClasses() throws {
        let checkpoint = file(of: try network("torchvision/r3d_18", classes: 7))
        #expect(try network("r3d-18").classes(of: checkpoint) == 7)
        #expect(try network("torchvision/r2plus1d_18").classes(of: checkpoint) == 7)
        let headless = Checkpoint(
            path: "f", format: .torchZip, tensors: checkpoint.tensors.filter { !$0.name.hasPrefix("fc.") })
        #expect(try network("r3d-18").classes(of: headless) == nil)
    }
}

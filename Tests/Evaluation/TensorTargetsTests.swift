import Checkpoints
import Evaluation
import Faults
import Models
import Testing

struct TensorTargetsTests {
    private func network(_ name: String, classes: Int = 5) throws -> NetworkDescription {
        try NetworkDescription(named: name, classes: classes, frames: 8, size: 56)
    }

    private func names(_ network: NetworkDescription) -> [String] { network.tensorTargets.map(\.name) }

    @Test func parametersComeFirstAndTheHeadIsMarked() throws {
        let network = try network("torchvision/r3d_18")
        let targets = network.tensorTargets
        #expect(targets.count == network.parameters.count + 2 * network.statistics.count)
        #expect(targets.prefix(network.parameters.count).map(\.name) == network.parameters.map(\.name))
        #expect(targets.filter(\.isHead).map(\.name) == ["fc.weight", "fc.bias"])
        #expect(targets.last?.name == "layer4.1.conv2.1.running_var")
    }

    /// Where two origins have the same network, its tensors come in the same order: an answer that no table of names gave.
    @Test(arguments: [("r3d-18", "torchvision/r3d_18"), ("r2plus1d-18", "torchvision/r2plus1d_18")])
    func theSameNetworkOfTwoOriginsIsMappedTensorByTensor(vmz: String, torchvision: String) throws {
        let (a, b) = (names(try network(vmz)), names(try network(torchvision)))
        #expect(NameMap(from: a, to: b).sources == Dictionary(uniqueKeysWithValues: zip(b, a)))
        #expect(NameMap(from: b, to: a).sources == Dictionary(uniqueKeysWithValues: zip(a, b)))
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

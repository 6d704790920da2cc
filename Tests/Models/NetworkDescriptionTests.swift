import Faults
import Kernels
import Models
import Testing

/// Against the figures that VMZ documents (conv and FC weights in millions, GMAC of one clip, blobs) and torchvision's.
struct NetworkDescriptionTests {
    struct Published: Sendable, CustomTestStringConvertible {
        var name: String
        var frames = 8
        var weights: Double
        var gigaMACs: Double
        var testDescription: String { "\(name) \(frames) frames" }
    }

    @Test(arguments: [
        Published(name: "r2plus1d-10", weights: 14.54, gigaMACs: 10.34),
        Published(name: "r2plus1d-10", frames: 16, weights: 14.54, gigaMACs: 20.69),
        Published(name: "r2plus1d-16", weights: 19.19, gigaMACs: 20.06),
        Published(name: "r2plus1d-18", weights: 33.34, gigaMACs: 20.75),
        Published(name: "r2plus1d-18", frames: 32, weights: 33.34, gigaMACs: 82.99),
        Published(name: "r2plus1d-26", weights: 20.41, gigaMACs: 13.69),
        Published(name: "r2plus1d-34", weights: 63.65, gigaMACs: 38.09),
        Published(name: "r3d-10", weights: 14.56, gigaMACs: 9.94),
        Published(name: "r3d-18", weights: 33.36, gigaMACs: 20.35),
        Published(name: "r3d-34", frames: 32, weights: 63.66, gigaMACs: 150.8),
    ])
    func countsAsVMZDoes(_ published: Published) throws {
        let net = try NetworkDescription(named: published.name, classes: 400, frames: published.frames, size: 112)
        // Half a unit of the last figure, and a little: some of the published figures are cut, not rounded.
        #expect(abs(Double(net.weights) / 1e6 - published.weights) < 0.006)
        #expect(abs(Double(net.macs) / 1e9 - published.gigaMACs) < (published.gigaMACs > 100 ? 0.06 : 0.006))
    }

    @Test(arguments: [("r2plus1d-18", 187), ("r3d-18", 102), ("r2plus1d-34", 347)])
    func hasVMZsBlobs(_ name: String, blobs: Int) throws {
        let net = try NetworkDescription(named: name, classes: 400, frames: 8, size: 112)
        #expect(net.parameters.count + 2 * net.statistics.count == blobs)
    }

    @Test(arguments: [
        ("torchvision/r3d_18", 33_371_472), ("torchvision/mc3_18", 11_695_440), ("torchvision/r2plus1d_18", 31_505_325),
    ])
    func countsAsTorchvisionDoes(_ name: String, parameters: Int) throws {
        let net = try NetworkDescription(named: name, classes: 400, frames: 8, size: 112)
        #expect(net.parameterCount == parameters)
    }

    @Test(arguments: NetworkDescription.names)
    func namesAreUniqueAndGraphsAreOrdered(_ name: String) throws {
        let net = try NetworkDescription.small(name)
        let tensors = net.parameters.map(\.name) + net.statistics.flatMap { [$0.meanName, $0.varianceName] }
        #expect(Set(tensors).count == tensors.count)
        for (index, layer) in net.layers.enumerated() { #expect(layer.inputs.allSatisfy { $0 < index }) }
        #expect(net.layers.last?.map.count == 10)
        #expect(net.name == name)
    }

    @Test func shortClipsKeepTheirFrames() throws {
        // The map that reaches the final average: VMZ halves time in the last stages only where there are frames for it.
        for (frames, expected) in [(2, 1), (3, 2), (4, 1), (6, 2), (8, 1), (16, 2)] {
            let net = try NetworkDescription(named: "r2plus1d-18", classes: 5, frames: frames, size: 112)
            let map = net.layers[net.layers.count - 3].map
            #expect(map.extent.t == expected, "\(frames) frames")
            #expect((map.C, map.extent.h) == (512, 7))
        }
    }

    @Test func namesFollowTheFamilies() throws {
        let vmz = try NetworkDescription(named: "r2plus1d-26", classes: 400, frames: 8, size: 112)
        let names = Set(vmz.parameters.map(\.name) + vmz.statistics.flatMap { [$0.meanName, $0.varianceName] })
        for blob in [
            "conv1_middle_w", "conv1_middle_spatbn_relu_s", "conv1_spatbn_relu_riv", "comp_0_conv_1_w",
            "comp_0_conv_2_middle_w", "comp_0_spatbn_2_middle_rm", "comp_7_conv_3_w", "comp_7_spatbn_3_b",
            "shortcut_projection_2_w", "shortcut_projection_6_spatbn_s", "last_out_L400_w", "last_out_L400_b",
        ] { #expect(names.contains(blob), "\(blob)") }
        let torchvision = try NetworkDescription(named: "torchvision/r2plus1d_18", classes: 400, frames: 8, size: 112)
        let shapes = Dictionary(uniqueKeysWithValues: torchvision.parameters.map { ($0.name, $0.shape) })
        #expect(shapes["stem.3.weight"] == [64, 45, 3, 1, 1])
        #expect(shapes["layer2.0.conv1.0.0.weight"] == [230, 64, 1, 3, 3])
        #expect(shapes["layer2.0.conv2.0.0.weight"] == [230, 128, 1, 3, 3])
        #expect(shapes["layer4.1.conv2.0.3.weight"] == [512, 1152, 3, 1, 1])
        #expect(shapes["layer3.0.downsample.0.weight"] == [256, 128, 1, 1, 1])
        #expect(shapes["fc.weight"] == [400, 512])
    }

    @Test func unknownNamesAreRefusedWithTheNearest() {
        for (name, near) in [("r2plus1d-81", "r2plus1d-18"), ("torchvison/r3d_18", "torchvision/r3d_18")] {
            let fault = #expect(throws: Fault.self) {
                try NetworkDescription(named: name, classes: 400, frames: 8, size: 112)
            }
            #expect(fault?.code == .usage)
            #expect(fault?.mend.contains("'\(near)'") == true)
        }
        for (classes, frames, size) in [(0, 8, 112), (400, 0, 112), (400, 8, -1), (400, 8, Int.max)] {
            #expect(throws: Fault.self) {
                try NetworkDescription(named: "r3d-18", classes: classes, frames: frames, size: size)
            }
        }
    }
}

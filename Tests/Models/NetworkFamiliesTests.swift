import Faults
import Models
import Testing

/// Every network against what its origin says of it: PyTorch modules of torchvision, pytorchvideo and PySlowFast, and a
/// rebuilding of VMZ's graphs that gives every figure VMZ documents.
struct NetworkFamiliesTests {
    /// Graphs that no file of the origin describes.
    private static let unrecorded: Set = [
        // PySlowFast's 4x16 on its ResNet-101; pytorchvideo's name for SLOWFAST_8x8_R101_101_101.
        "slowfast/SLOWFAST_4x16_R101", "slowfast/SLOWFAST_8x8_R101",
    ]

    private static let fixtures = NetworkFixture.all

    @Test func everyNetworkIsRecorded() {
        let recorded = Set(Self.fixtures.map(\.name)).union(Self.unrecorded)
        #expect(Set(NetworkDescription.names) == recorded)
        #expect(NetworkDescription.names.count == recorded.count, "a name occurs twice")
    }

    @Test(arguments: NetworkDescription.names)
    func tensorsAreTheOrigins(_ name: String) throws {
        for fixture in Self.fixtures where fixture.name == name {
            let net = try NetworkDescription(
                named: name, classes: 400, frames: fixture.frames, size: fixture.size, options: fixture.options)
            var shapes: [String: [Int]] = [:]
            for parameter in net.parameters { shapes[parameter.name] = parameter.shape }
            for layer in net.statistics {
                shapes[layer.meanName] = [layer.C]
                shapes[layer.varianceName] = [layer.C]
            }
            #expect(shapes.count == net.parameters.count + 2 * net.statistics.count, "a name occurs twice")
            for (tensor, shape) in fixture.shapes { #expect(shapes[tensor] == shape, "\(tensor)") }
            for tensor in shapes.keys where fixture.shapes[tensor] == nil { Issue.record("\(tensor) is not \(name)'s") }
            #expect(net.parameterCount == fixture.parameters)
            #expect(net.weights == fixture.weights)
            #expect(net.macs == fixture.macs)
            let zeros = net.parameters.filter { $0.initialiser == .constant(0) && $0.role == .scale }
            #expect(Set(zeros.map(\.name)) == fixture.zeros)
        }
    }

    @Test(arguments: NetworkDescription.names)
    func otherClipsAreTheOrigins(_ name: String) throws {
        for fixture in Self.fixtures where fixture.name == name {
            for clip in fixture.clips {
                var options = clip.options
                // PyTorch's modules apply their last layers at each place that the average leaves of a larger crop.
                if clip.normed != nil { options.head = .convolutional }
                let net = try NetworkDescription(
                    named: name, classes: 400, frames: clip.frames, size: clip.size, options: options)
                #expect(net.macs == clip.macs, "\(clip)")
                if let map = clip.map {
                    let average = try #require(net.layers.last { $0.operation.summary.hasPrefix("average pool") })
                    #expect("\(net.layers[average.inputs[0]].map)" == map, "\(clip)")
                }
                if let normed = clip.normed {
                    #expect(net.statistics.reduce(0) { $0 + $1.C * $1.positions } == normed)
                }
            }
        }
    }

    @Test func fixturesAreUnfolded() {
        #expect(NetworkFixture.unfolded("a_[0-1,3]_{s,b}") == ["a_0_s", "a_0_b", "a_1_s", "a_1_b", "a_3_s", "a_3_b"])
        #expect(NetworkFixture.unfolded("a.0.weight") == ["a.0.weight"])
    }
}

import Configuration
import Faults
import Models
import TestSupport
import Testing
import Training
import Worker

/// What `[model]` and `[input]` of a recipe make.
struct RecipeNetworkTests {
    private func recipe(_ assignments: String...) throws -> Recipe {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        var document = try Document(toml: try text(of: path), name: path)
        for assignment in assignments { try document.set(assignment) }
        return try Recipe.read(document).recipe
    }

    @Test func everyOptionReachesTheNetwork() throws {
        let network = try recipe(
            "model.name=\"r3d-50\"", "model.channel_multiplier=0.5", "model.bottleneck_multiplier=2",
            "model.pool1=true",
            "model.conv1_temporal_stride=2", "model.conv1_temporal_kernel=5", "model.dropout=0.25"
        ).network(classes: 7)
        var options = NetworkOptions()
        options.channelMultiplier = 0.5
        options.bottleneckMultiplier = 2
        options.pool1 = true
        options.conv1TemporalStride = 2
        options.conv1TemporalKernel = 5
        options.dropout = 0.25
        let expected = try NetworkDescription(named: "r3d-50", classes: 7, frames: 8, size: 56, options: options)
        #expect(network == expected)
        #expect(network != (try recipe("model.name=\"r3d-50\"").network(classes: 7)))
    }

    @Test func withoutOptionsItIsThePublishedNetwork() throws {
        let network = try recipe("model.name=\"pytorchvideo/slow_r50\"", "input.crop=32").network(classes: 400)
        let published = try NetworkDescription(named: "pytorchvideo/slow_r50", classes: 400, frames: 8, size: 32)
        #expect(network == published)
    }

    @Test func optionsThatTheNetworkLacksAreRefused() throws {
        let fault = #expect(throws: Fault.self) {
            try recipe("model.name=\"torchvision/r3d_18\"", "model.dropout=0.5").network(classes: 400)
        }
        #expect(fault?.thing == "model.dropout")
        #expect(throws: Fault.self) { try recipe("model.dropout=-0.5").network(classes: 400) }
    }
}

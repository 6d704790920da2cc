import Configuration
import Faults
import Testing
import Training

@Suite struct ParameterGroupsTests {
    private static let names = [
        "stem.0.weight", "stem.1.weight", "stem.1.bias", "layer1.0.conv1.0.weight", "layer1.0.conv1.1.weight",
        "layer10.0.conv1.0.weight", "fc.weight", "fc.bias",
    ]

    private func groups(freeze: [String] = [], rates: [(String, Double)] = []) throws -> ParameterGroups {
        var document = Document(name: "test")
        func set(_ key: String, _ value: Value) { document.set(key, to: value, origin: "test") }
        set("model.name", .string("toy"))
        set("input.frames", .integer(8))
        set("input.crop", .integer(56))
        set("optimizer.learning_rate", .real(0.1))
        set("schedule.steps", .integer(1))
        set("optimizer.freeze", .list(freeze.map(Value.string)))
        set("optimizer.rates", .list(rates.map { .list([.string($0.0), .real($0.1)]) }))
        return try ParameterGroups(try Recipe.read(document).recipe.optimizer, parameters: Self.names)
    }

    private func frozen(_ patterns: String...) throws -> [String] {
        zip(Self.names, try groups(freeze: patterns).isFrozen).filter(\.1).map(\.0)
    }

    @Test func starsAndQuestionMarksStandForAnything() throws {
        #expect(try frozen("stem.*") == ["stem.0.weight", "stem.1.weight", "stem.1.bias"])
        #expect(try frozen("layer1.*") == ["layer1.0.conv1.0.weight", "layer1.0.conv1.1.weight"])
        #expect(try frozen("layer1*").count == 3)
        #expect(try frozen("*.bias", "fc.weight") == ["stem.1.bias", "fc.weight", "fc.bias"])
        #expect(try frozen("stem.?.weight") == ["stem.0.weight", "stem.1.weight"])
        #expect(try frozen("*conv1*1.weight") == ["layer1.0.conv1.1.weight"])
        #expect(try frozen("fc.bias**") == ["fc.bias"])
        #expect(try groups().isFrozen.allSatisfy { !$0 })
    }

    @Test func theFirstPatternThatFitsDecides() throws {
        let rates = try groups(rates: [("fc.*", 10), ("*.weight", 0.5), ("fc.weight", 3)]).rates
        #expect(rates == [0.5, 0.5, 1, 0.5, 0.5, 0.5, 10, 10])
    }

    @Test func whatFitsNothingIsNamedWithTheNearest() {
        for (pattern, near) in [("layr1.*", "layer1.*"), ("fc.wieght", "fc.weight"), ("Fc.*", "fc.*")] {
            let fault = #expect(throws: Fault.self) { try groups(freeze: ["stem.*", pattern]) }
            #expect(fault?.code == .usage && fault?.thing == "optimizer.freeze")
            #expect(fault?.description.contains("'\(near)'") == true, "\(fault?.description ?? "")")
            let rate = #expect(throws: Fault.self) { try groups(rates: [(pattern, 2)]) }
            #expect(rate?.thing == "optimizer.rates")
        }
        let far = #expect(throws: Fault.self) { try groups(freeze: ["blocks.4.res_blocks.0.branch2.conv_a.weight"]) }
        #expect(far?.mend == "parameters are called for example 'stem.0.weight', 'stem.1.weight', 'stem.1.bias'")
        #expect(throws: Fault.self) { try groups(freeze: [""]) }
    }

    @Test func somethingIsLeftToTrain() {
        let fault = #expect(throws: Fault.self) { try groups(freeze: ["*"]) }
        #expect(fault?.reason == "freezes every parameter of the network")
    }
}

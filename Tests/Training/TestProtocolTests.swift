import Configuration
import Faults
import TestSupport
import Testing
import Training

/// `[test]` of a recipe.
@Suite struct TestProtocolTests {
    private func read(_ assignments: String...) throws -> Recipe.Resolved {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        var document = try Document(toml: try text(of: path), name: path)
        for assignment in assignments { try document.set(assignment) }
        return try Recipe.read(document)
    }

    @Test func withoutAProtocolItIsVMZsSmallOne() throws {
        let test = try read().recipe.test
        #expect(test == TestProtocol(.vmzSmall))
        #expect((test.clips, test.crops, test.views, test.head, test.aggregate) == (10, 1, 10, .linear, .mean))
    }

    @Test(arguments: TestProtocol.Name.allCases) func aNameGivesEveryDefault(_ name: TestProtocol.Name) throws {
        let resolved = try read("test.protocol=\(name.rawValue)", "test.clips=\(name == .dense ? 0 : 10)")
        #expect(resolved.recipe.test == TestProtocol(name, trainedCrop: 56))
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == resolved.recipe)
    }

    @Test(arguments: [(112, 128), (160, 182), (224, 256), (312, 356)]) func largeCropsFollowThoseOfTraining(
        _ trained: Int, _ tested: Int
    ) {
        for name in [TestProtocol.Name.vmzLarge, .slowfast, .nonlocal] {
            let test = TestProtocol(name, trainedCrop: trained)
            #expect((test.crop, test.shortEdge) == (tested, tested))
        }
    }

    @Test func thePublishedProtocols() {
        let large = TestProtocol(.vmzLarge)
        #expect(
            (large.views, large.crop, large.shortEdge, large.head, large.softmax) == (
                30, 256, 256, .convolutional, .joint
            ))
        #expect(TestProtocol(.vmzLargeCorrected).softmax == .separate)
        let slowfast = TestProtocol(.slowfast)
        #expect((slowfast.views, slowfast.starts, slowfast.aggregate, slowfast.targetRate) == (30, .slowfast, .sum, 30))
        #expect((TestProtocol(.nonlocal).views, TestProtocol(.nonlocal).geometry) == (30, .nonlocal))
        #expect(TestProtocol(.dense).views == nil)
    }

    @Test func whateverIsGivenWins() throws {
        let test = try read(
            "test.protocol=slowfast", "test.clips=4", "test.crops=1", "test.short_edge=182", "test.crop=160",
            "test.aggregate=max", "test.starts=slowfast-offset", "test.head=linear"
        ).recipe.test
        #expect((test.clips, test.crops, test.shortEdge, test.crop) == (4, 1, 182, 160))
        #expect((test.aggregate, test.starts, test.geometry, test.head) == (.max, .slowfastOffset, .slowfast, .linear))
    }

    /// A linear head has no places to take a softmax over: the recipe's text says so, and reads again.
    @Test func aLinearHeadChangesTheSoftmaxWithIt() throws {
        let resolved = try read("test.protocol=vmz-large", "test.head=linear")
        #expect(resolved.recipe.test.softmax == .separate)
        #expect(try Recipe.read(try Document(toml: resolved.toml, name: "r")).recipe == resolved.recipe)
    }

    @Test(arguments: [
        (["test.protocol=slowfats"], "did you mean 'slowfast'?"),
        (["test.clips=0"], "leave no views"),
        (["test.crops=2"], "no protocol's"),
        (["test.protocol=nonlocal", "test.region=frame"], "no 3 crops"),
        (["test.region=frame", "test.crops=1"], "linear head"),
        (["test.softmax=joint"], "one place"),
        (["test.protocol=slowfast", "test.crop=300"], "do not fit"),
        (["test.agregate=max"], "test.aggregate"),
    ])
    func whatMakesNoSenseIsRefused(_ assignments: [String], _ words: String) throws {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        var document = try Document(toml: try text(of: path), name: path)
        for assignment in assignments { try document.set(assignment) }
        let fault = #expect(throws: Fault.self) { try Recipe.read(document) }
        #expect("\(try #require(fault))".contains(words))
    }
}

import Configuration
import Faults
import Foundation
import TestSupport
import Testing
import Training

@Suite struct RecipeTests {
    private func motion(_ assignments: String...) throws -> Recipe.Resolved {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        var document = try Document(toml: try text(of: path), name: path)
        for assignment in assignments { try document.set(assignment) }
        return try Recipe.read(document)
    }

    @Test func everyRecipeOfTheTreeIsRead() throws {
        let folder = URL(fileURLWithPath: sourceTree + "/recipes")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var count = 0
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "toml" else { continue }
            _ = try Recipe.read(try Document(toml: try text(of: file.path), name: file.path))
            count += 1
        }
        #expect(count >= 2)
    }

    @Test func theResolvedTextGivesTheSameRecipe() throws {
        let resolved = try motion(
            "seed=7", "batch.units=16", "input.resize=\"short-edge\"", "input.short_edges=[60,70]")
        let again = try Recipe.read(try Document(toml: resolved.toml, name: "recipe.toml"))
        #expect(again.recipe == resolved.recipe)
        #expect(again.recipe.input.resize == .shortEdge([60, 70]))
        #expect(resolved.values.first { $0.key == "seed" }?.origin == "command line")
    }

    @Test func stepsComeFromEpochsOrAreGiven() throws {
        #expect(try motion("schedule.epochs=1.5").recipe.steps(dataSetClips: 33) == 4)
        #expect(try motion("schedule.steps=9").recipe.steps(dataSetClips: 33) == 9)
        #expect(try motion("schedule.epochs=2", "schedule.clips_per_epoch=160").recipe.steps(dataSetClips: 33) == 20)
    }

    @Test(arguments: [
        ("batch.unit=3", "batch.units"), ("input.crop=65", "do not fit"), ("numerics.isa=avx", "avx2"),
        ("optimizer.weight_decay_on=[\"scales\"]", "scale"), ("seed=-1", "outside"), ("augment.flip=2", "outside"),
    ]) func whatIsWrongIsNamed(assignment: String, hint: String) throws {
        let fault = #expect(throws: Fault.self) { try motion(assignment) }
        #expect(fault?.description.contains(hint) == true, "\(fault?.description ?? "")")
        #expect(fault?.code == .usage)
    }
}

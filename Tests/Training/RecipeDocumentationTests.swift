import Configuration
import TestSupport
import Testing
import Training

/// `docs/recipes.md` against the program.
@Suite struct RecipeDocumentationTests {
    @Test func everyKeyStandsInThePageAndNoOther() throws {
        let path = sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml"
        let known = Set(
            try Recipe.read(try Document(toml: try text(of: path), name: path)).values.map(\.key))
        var told: Set<String> = []
        for line in try text(of: sourceTree + "/docs/recipes.md").split(separator: "\n") where line.hasPrefix("| `") {
            // The first column: one key, or several.
            let names = line.split(separator: "|")[0].split(separator: "`")
            told.formUnion(names.map(String.init).filter { $0 == "seed" || $0.contains(".") })
        }
        #expect(known.subtracting(told).isEmpty, "not in docs/recipes.md")
        #expect(told.subtracting(known).isEmpty, "no key of a recipe")
    }
}

import Configuration
import Faults
import Foundation
import Models
import TestSupport
import Testing
import Training
import Worker

/// The folder recipes/: a recipe for every row that VMZ and PySlowFast publish of networks we have.
@Suite struct PublishedRecipesTests {
    /// Of every file, by its path below recipes/.
    static let paths: [String] = {
        let root = sourceTree + "/recipes"
        let found = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(".toml") }.sorted()
    }()

    private static func recipe(_ path: String) throws -> Recipe {
        let file = sourceTree + "/recipes/" + path
        return try Recipe.read(try Document(toml: try text(of: file), name: file)).recipe
    }

    /// The network that videos are tested with: crops and head are the test's.
    private static func testNetwork(_ recipe: Recipe) throws(Fault) -> (network: NetworkDescription, size: Int) {
        let size = recipe.test.crop == 0 ? recipe.input.crop : recipe.test.crop
        return (try recipe.testNetwork(classes: recipe.model.classes, height: size, width: size), size)
    }

    /// What the catalogue's tables leave out, from the papers and from counting layer by layer: weights or parameters in
    /// millions, and 1e9 multiply-accumulates of a clip, in training (or of a view, in testing).
    private static let others: [String: (millions: String, isWeights: Bool, gigaMACs: String?, isTest: Bool)] = [
        // PySlowFast's zoo does not say; the pool over frames has no parameters.
        "kinetics-400/slowfast/C2D_NOPOOL_8x8_R50.toml": ("24.327632", false, nil, true),
        // Its zoo says neither; the products of non-local blocks are counted by some and not by others.
        "kinetics-400/slowfast/I3D_NLN_8x8_R50.toml": ("35.401936", false, nil, true),
        // Its zoo counts a view of 256 pixels, its configuration tests 224.
        "kinetics-400/slowfast/SLOWFAST_8x8_R50_stepwise_multigrid.toml": ("34.57", false, nil, true),
        // Table 5 of VMZ's models.md says neither.
        "kinetics-400/r2plus1d-34-32x112.toml": ("63.65", true, "152.36", false),
        "kinetics-400/r2plus1d-34-32x112-sports1m.toml": ("63.65", true, "152.36", false),
    ]

    @Test(arguments: paths.filter { $0.hasPrefix("kinetics-400/") })
    func parametersAndMACsAreThePublishedOnes(path: String) throws {
        let recipe = try Self.recipe(path)
        #expect(recipe.model.classes == 400)
        let trained = try TrainingJob(recipe).network
        let (tested, size) = try Self.testNetwork(recipe)
        if let other = Self.others[path] {
            let network = other.isTest ? tested : trained
            let count = other.isWeights ? network.weights : network.parameterCount
            #expect(Agreement.matches(other.millions, Double(count) / 1e6), "\(count)")
            if let giga = other.gigaMACs {
                #expect(Agreement.matches(giga, Double(network.macs) / 1e9), "\(network.macs)")
            }
            return
        }
        let name = recipe.model.name
        let figures = PublishedFigure.all.filter { figure in
            guard figure.name == name, figure.frames == recipe.input.frames else { return false }
            return figure.options.head == .linear ? figure.size == recipe.input.crop : figure.size == size
        }
        try #require(!figures.isEmpty, "no figure is published for \(name)")
        for figure in figures {
            let network = figure.options.head == .linear ? trained : tested
            #expect(figure.options.pool1 == recipe.model.pool1, "\(figure)")
            let verdicts = [figure.parameterAgreement(network), figure.macsAgreement(network)]
            #expect(verdicts.contains { $0 != nil })
            #expect(verdicts.contains(.different) == (figure.difference != nil), "\(figure): \(verdicts)")
        }
    }

    /// Each row of models.md, model_zoo.md and MODEL_ZOO.md that is about a network of ours.
    @Test func everyPublishedRowHasARecipe() throws {
        let recipes = try Self.paths.filter { $0.hasPrefix("kinetics-400/") }.map(Self.recipe)
        let tables: Set<PublishedFigure.Source> = [.vmzModels, .vmzZoo, .slowfastZoo]
        for figure in PublishedFigure.all where tables.contains(figure.source) {
            #expect(
                recipes.contains { $0.model.name == figure.name && $0.input.frames == figure.frames }, "\(figure.name)")
        }
        // models.md: 12 networks of 8 and 16 frames, C3D, two of R(2+1)D-34. model_zoo.md: one more of C3D (the other is
        // its row of models.md), two of R(2+1)D-34, three each of R(2+1)D-152, ir-CSN-152 and ip-CSN-152.
        // MODEL_ZOO.md: C2D, two of I3D, two of Slow, four of SlowFast, four of X3D.
        #expect(recipes.count == 24 + 1 + 2 + 1 + 2 + 9 + 13)
    }

    @Test(arguments: paths)
    func everyRecipeSaysWhereItComesFromAndIsWhole(path: String) throws {
        let lines = try text(of: sourceTree + "/recipes/" + path).split(separator: "\n")
        #expect(lines.first?.hasPrefix("# ") == true)
        if path.hasPrefix("kinetics-400/") {
            #expect(lines.contains { $0.hasPrefix("#") && $0.contains("ublished") }, "no accuracy is named")
        }
        var recipe = try Self.recipe(path)
        if recipe.model.classes == 0 { recipe.model.classes = 8 }
        // The network, the groups of parameters, the clips of training and the views of testing all fit.
        _ = try TrainingJob(recipe)
        _ = try recipe.clipSettings()
        _ = try recipe.viewSettings()
        _ = try Self.testNetwork(recipe)
        #expect(recipe.test.views ?? 1 > 0)
        #expect(recipe.learningRate(dataSetClips: 240_000)(0) > 0)
    }

    @Test func finetuningIsVMZs() throws {
        for (set, classes, rate) in [("hmdb51", 51, 0.0016), ("ucf101", 101, 0.0008)] {
            let recipe = try Self.recipe("\(set)/r2plus1d-34-32x112.toml")
            #expect(recipe.model.classes == classes && recipe.model.initialWeights?.replacesHead == true)
            #expect(recipe.optimizer.learningRate == rate && recipe.optimizer.weightDecay == 0.005)
            #expect(recipe.batch.units * recipe.batch.clipsPerUnit == 32)
            #expect(try TrainingJob(recipe).network.classes == classes)
        }
    }
}

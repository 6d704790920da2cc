import Checkpoints
import Clips
import Evaluation
import Faults
import Foundation
import Kernels
import Models
import Storage
import Training
import Worker

/// A recipe's network with a checkpoint's weights, ready for the views of the recipe's tests.
struct TestedNetwork {
    let recipe: Recipe
    let classes: Int
    /// The path of the checkpoint.
    let checkpoint: String
    let settings: ViewSettings
    private let tensors: LoadedTensors
    private let instructionSet: InstructionSet

    /// - Parameters:
    ///   - classes: how many outputs the network has.
    ///   - allowsUnexpected: tensors of the file that the network does not have are left out.
    /// - Throws: a data `Fault` for a checkpoint of another network, and for tensors that are missing: all that the network
    ///   needs, since random weights would test nothing.
    init(_ recipe: Recipe, _ file: Checkpoint, classes: Int, allowsUnexpected: Bool) throws(Fault) {
        self.recipe = recipe
        self.classes = classes
        checkpoint = file.path
        settings = try recipe.viewSettings()
        instructionSet = try .choose(recipe.numerics)
        let network = try Self.network(recipe, classes: classes)
        if file.metadata["format"] == "zoetrope", let model = file.metadata["model"], model != network.name {
            throw Fault(
                .data, file.path, "is a checkpoint of \(model), not of \(network.name)",
                mend: "take the recipe it was trained with")
        }
        tensors = try LoadedTensors(
            file, into: network.tensorTargets, of: network.name,
            options: LoadOptions(allowsUnexpected: allowsUnexpected))
    }

    /// What is remarkable about the way the checkpoint was loaded.
    var remark: String? { tensors.report.isRemarkable ? tensors.report.text : nil }

    /// The network for views of one size, or for a square one where they have many: its parameters are the same.
    static func network(_ recipe: Recipe, classes: Int) throws(Fault) -> NetworkDescription {
        let settings = try recipe.viewSettings()
        switch (settings.region, settings.resize) {
        case (.crops(_, let size), _), (.frame, .shortEdge(let size)):
            return try recipe.testNetwork(classes: classes, height: size, width: size)
        case (.frame, .exact(let width, let height)):
            return try recipe.testNetwork(classes: classes, height: height, width: width)
        }
    }

    /// The network with its weights, for N views of a size at a time.
    func pass(
        _ height: Int, _ width: Int, N: Int, pool: ThreadPool, keeping: Set<Int> = []
    ) throws(Fault) -> InferencePass {
        let pass = try InferencePass(
            try recipe.testNetwork(classes: classes, height: height, width: width), N: N, pool: pool,
            instructionSet: instructionSet, implementation: recipe.numerics.convolutionChoice, keeping: keeping)
        pass.load(tensors)
        return pass
    }

    /// Views that go through the network together: as many as fit into a budget of memory, and no more than a video has.
    /// - Parameter views: of a video, `nil` where they depend on its length.
    func viewsAtOnce(_ settings: ViewSettings, views: Int?, pool: ThreadPool) throws(Fault) -> Int {
        guard case .crops(_, let size) = settings.region else { return 1 }
        let one = try pass(size, size, N: 1, pool: pool).memoryBytes
        return max(1, min(Self.memory / one, Self.mostViews, views ?? Self.mostViews))
    }

    /// Bytes of activations and weights, and views beyond which nothing is gained.
    private static let memory = 3 << 30
    private static let mostViews = 10

    /// - Parameter layers: numbers of the layers whose activations are handed out.
    func runner(_ settings: ViewSettings, viewsAtOnce: Int, pool: ThreadPool, layers: [Int] = []) -> ViewRunner {
        ViewRunner(settings, viewsAtOnce: viewsAtOnce, layers: layers) { height, width, N throws(Fault) in
            try pass(height, width, N: N, pool: pool, keeping: Set(layers))
        }
    }
}

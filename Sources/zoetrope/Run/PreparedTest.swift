import Checkpoints
import Clips
import Configuration
import Evaluation
import Faults
import Kernels
import Models
import Storage
import Training
import Worker

/// A test ready to run on this machine: recipe, data set and checkpoint fit together.
struct PreparedTest {
    let recipe: Recipe
    /// The recipe's whole text, for other machines.
    let text: String
    let set: PackedSet
    let classes: Int
    private let file: Checkpoint
    private let tensors: LoadedTensors
    private let settings: ViewSettings
    private let instructionSet: InstructionSet

    /// - Parameters:
    ///   - checkpoint: a file.
    ///   - allowsUnexpected: tensors of the file that the network does not have are left out.
    /// - Throws: a `Fault` that names what does not fit: the classes, the network, a tensor that holds no numbers.
    init(
        _ resolved: Recipe.Resolved, data: String, split: String, checkpoint: String, allowsUnexpected: Bool
    ) throws(Fault) {
        recipe = resolved.recipe
        text = resolved.toml
        set = try PackedSet(directory: data, split: split)
        settings = try recipe.viewSettings()
        instructionSet = try .choose(recipe.numerics)
        file = try Checkpoint.read(checkpoint)
        classes = recipe.model.classes == 0 ? set.classes.count : recipe.model.classes
        guard classes >= set.classes.count else {
            throw Fault(
                .usage, "model.classes", "\(classes) outputs cannot name the \(set.classes.count) classes of \(data)",
                mend: "test with the recipe it was trained with")
        }
        let network = try Self.network(recipe, settings, classes: classes)
        if let stored = try network.classes(of: file), stored != classes {
            throw Fault(
                .data, file.path,
                "is a checkpoint of \(stored) classes, and the test is of \(classes)",
                mend: recipe.model.classes == 0
                    ? "\(data) has \(set.classes.count) classes: test on the data set it was trained for, or set "
                        + "model.classes=\(stored) if these are the first of its classes"
                    : "set model.classes=\(stored)")
        }
        if file.metadata["format"] == "zoetrope", let model = file.metadata["model"], model != network.name {
            throw Fault(
                .data, file.path, "is a checkpoint of \(model), not of \(network.name)",
                mend: "test with the recipe it was trained with")
        }
        // All that the network needs: a test with random weights is none.
        tensors = try LoadedTensors(
            file, into: network.tensorTargets, of: network.name,
            options: LoadOptions(allowsUnexpected: allowsUnexpected))
    }

    /// What is remarkable about the way the checkpoint was loaded.
    var remark: String? { tensors.report.isRemarkable ? tensors.report.text : nil }

    var checkpoint: String { file.path }
    var views: Int? { recipe.test.views }

    /// Views that go through the network together: as many as fit into a budget of memory, and no more than a video has.
    func viewsAtOnce(threads pool: ThreadPool) throws(Fault) -> Int {
        guard case .crops(_, let size) = settings.region else { return 1 }
        let one = try pass(size, size, N: 1, pool: pool).memoryBytes
        return max(1, min(Self.memory / one, Self.mostViews, views ?? Self.mostViews))
    }

    /// Bytes of activations and weights, and views beyond which nothing is gained.
    private static let memory = 3 << 30
    private static let mostViews = 10

    func tester(viewsAtOnce: Int, pool: ThreadPool) -> VideoTester {
        VideoTester(set, settings, aggregate: recipe.test.aggregate, viewsAtOnce: viewsAtOnce) {
            height, width, N throws(Fault) in try pass(height, width, N: N, pool: pool)
        }
    }

    /// A table with a row for each video of the set.
    func table(_ outcomes: [VideoOutcome]) -> ScoreTable {
        ScoreTable(
            classes: set.classes, count: classes,
            rows: zip(set.records, outcomes).map { ScoreTable.Row(name: $0.name, label: $0.label, outcome: $1) },
            about: [
                "model": recipe.model.name, "checkpoint": file.path, "data": "\(set.directory)/\(set.split)",
                "data_digest": "\(set.digest)", "protocol": recipe.test.name.rawValue, "recipe": text,
            ])
    }

    private func pass(_ height: Int, _ width: Int, N: Int, pool: ThreadPool) throws(Fault) -> InferencePass {
        let pass = try InferencePass(
            try recipe.testNetwork(classes: classes, height: height, width: width), N: N, pool: pool,
            instructionSet: instructionSet,
            implementation: recipe.numerics.convolution == "auto"
                ? .auto : .preferring(recipe.numerics.convolution))
        pass.load(tensors)
        return pass
    }

    /// The network for views of one size, or for a square one where they have many: its parameters are the same.
    private static func network(
        _ recipe: Recipe, _ settings: ViewSettings, classes: Int
    ) throws(Fault) -> NetworkDescription {
        switch (settings.region, settings.resize) {
        case (.crops(_, let size), _), (.frame, .shortEdge(let size)):
            return try recipe.testNetwork(classes: classes, height: size, width: size)
        case (.frame, .exact(let width, let height)):
            return try recipe.testNetwork(classes: classes, height: height, width: width)
        }
    }
}

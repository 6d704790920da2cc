import Checkpoints
import Clips
import Evaluation
import Faults
import Kernels
import Training
import Worker

/// A test ready to run on this machine: recipe, data set and checkpoint fit together.
struct PreparedTest {
    /// The recipe's whole text, for other machines.
    let text: String
    let set: PackedSet
    private let network: TestedNetwork

    /// - Parameters:
    ///   - set: the split that is tested.
    ///   - checkpoint: a file.
    ///   - allowsUnexpected: tensors of the file that the network does not have are left out.
    /// - Throws: a `Fault` that names what does not fit: the classes, the network, a tensor that holds no numbers.
    init(
        _ resolved: Recipe.Resolved, set: PackedSet, checkpoint: String, allowsUnexpected: Bool
    ) throws(Fault) {
        let recipe = resolved.recipe
        text = resolved.toml
        self.set = set
        let file = try Checkpoint.read(checkpoint)
        let classes = recipe.model.classes == 0 ? set.classes.count : recipe.model.classes
        guard classes >= set.classes.count else {
            throw Fault(
                .usage, "model.classes",
                "\(classes) outputs cannot name the \(set.classes.count) classes of \(set.directory)",
                mend: "test with the recipe it was trained with")
        }
        let stored = try TestedNetwork.network(recipe, classes: classes).classes(of: file)
        if let stored, stored != classes {
            throw Fault(
                .data, file.path,
                "is a checkpoint of \(stored) classes, and the test is of \(classes)",
                mend: recipe.model.classes == 0
                    ? "\(set.directory) has \(set.classes.count) classes: test on the data set it was trained for, or set "
                        + "model.classes=\(stored) if these are the first of its classes"
                    : "set model.classes=\(stored)")
        }
        network = try TestedNetwork(recipe, file, classes: classes, allowsUnexpected: allowsUnexpected)
    }

    var recipe: Recipe { network.recipe }
    var classes: Int { network.classes }
    var checkpoint: String { network.checkpoint }
    /// What is remarkable about the way the checkpoint was loaded.
    var remark: String? { network.remark }
    var views: Int? { recipe.test.views }

    /// Views that go through the network together.
    func viewsAtOnce(threads pool: ThreadPool) throws(Fault) -> Int {
        try network.viewsAtOnce(network.settings, views: views, pool: pool)
    }

    func tester(viewsAtOnce: Int, pool: ThreadPool) -> VideoTester {
        VideoTester(
            set, network.runner(network.settings, viewsAtOnce: viewsAtOnce, pool: pool),
            aggregate: recipe.test.aggregate)
    }

    /// A table with a row for each video of the set.
    func table(_ outcomes: [VideoOutcome]) -> ScoreTable {
        ScoreTable(
            classes: set.classes, count: classes,
            rows: zip(set.records, outcomes).map { ScoreTable.Row(name: $0.name, label: $0.label, outcome: $1) },
            about: [
                "model": recipe.model.name, "checkpoint": checkpoint, "data": "\(set.directory)/\(set.split)",
                "data_digest": "\(set.digest)", "protocol": recipe.test.name.rawValue, "recipe": text,
            ])
    }
}

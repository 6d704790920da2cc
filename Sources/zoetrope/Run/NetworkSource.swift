import ArgumentParser
import Checkpoints
import Clips
import Curation
import Evaluation
import Faults
import Foundation
import Kernels
import Models
import Reporting
import Storage
import Training
import Worker

/// Which network with which weights: a checkpoint, and the recipe that it was trained with.
struct NetworkSource: ParsableArguments {
    @Option(
        help: "A run's folder (its newest checkpoint), one checkpoint's folder, or a file of any format and origin.")
    var checkpoint: String
    @Option(help: "The recipe; without it, that of the run whose folder the checkpoint is.")
    var recipe: String?
    @Option(name: .customLong("set"), help: "key=value for whatever of the recipe is to be different; may be repeated.")
    var assignments: [String] = []
    @Flag(help: "Leave out tensors of the file that the network does not have.")
    var allowUnexpected = false
    @Option(help: "Compute threads; 0 takes one for each core.")
    var threads = 0

    func validate() throws {
        try checkThreads(threads)
    }

    /// The run whose folder the checkpoint is or lies in.
    private var run: String? {
        let parents = [checkpoint, checkpoint + "/..", checkpoint + "/../.."]
        return parents.first { pathExists($0 + "/recipe.toml") && pathExists($0 + "/checkpoints") }
    }

    /// - Throws: a `Fault` when there is no recipe or no checkpoint, or the two do not fit together.
    func open() throws(Fault) -> TestedNetwork {
        guard let path = recipe ?? run.map({ $0 + "/recipe.toml" }) else {
            throw Fault(
                .usage, checkpoint, "is not the folder of a run, so nothing tells the network and its clips",
                mend: "name the recipe with --recipe")
        }
        let recipe = try Recipe.read(try RunPreparation.document(recipe: path, assignments: assignments)).recipe
        let file = try Checkpoint.read(try checkpointFile(checkpoint))
        var classes = recipe.model.classes
        if classes == 0 { classes = try TestedNetwork.network(recipe, classes: 400).classes(of: file) ?? 400 }
        let network = try TestedNetwork(recipe, file, classes: classes, allowsUnexpected: allowUnexpected)
        if let remark = network.remark { standardError("zoetrope: \(remark)\n") }
        return network
    }

    /// The threads that compute.
    func pool() -> ThreadPool { ThreadPool(threads: computeThreads(threads)) }

    /// The classes' names by label: from a file, or from the data set that the run was trained on where that is still
    /// there; empty where neither tells.
    func classNames(_ file: String?, count: Int) throws(Fault) -> [String] {
        if let file {
            let list = try ClassList(path: file)
            guard list.names.count == count else {
                throw Fault(
                    .usage, file, "names \(list.names.count) classes, and the network has \(count)",
                    mend: "name the list that it was trained with")
            }
            return list.names
        }
        guard let run, let set = try RunDataSet(run: run), pathExists(set.directory) else { return [] }
        let names = try DataSetDescription(directory: set.directory).classes
        return names.count <= count ? names : []
    }
}

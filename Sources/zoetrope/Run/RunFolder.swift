import Checkpoints
import Clips
import Configuration
import Coordinator
import Faults
import Models
import Storage
import Training
import Worker

/// A run as its folder tells it, without its data set and without its lock.
struct RunFolder {
    let path: String
    let recipe: Recipe
    let job: TrainingJob

    /// - Throws: `Fault.usage` when there is no run in `path`.
    init(_ path: String) throws(Fault) {
        self.path = path
        let file = path + "/recipe.toml"
        guard pathExists(file) else {
            throw Fault(.usage, path, "is not the folder of a run: it has no recipe.toml", mend: "name a run's folder")
        }
        let text = String(decoding: try readWhole(file, limit: 16 << 20), as: UTF8.self)
        recipe = try Recipe.read(try Document(toml: text, name: file)).recipe
        job = try TrainingJob(recipe)
    }

    /// What the ledger must show.
    /// - Parameter data: The data set's folder; `nil`: as the run wrote it down at its start.
    /// - Throws: `Fault` when it is not the run's data set, or nothing says how many clips it has.
    func expectation(data: String?) throws(Fault) -> LedgerAudit.Expectation {
        let begun = try RunDataSet(run: path)
        var set = begun
        if let data {
            let found = RunDataSet(try PackedSet(directory: data, split: begun?.split ?? "train"))
            try begun?.require(found, run: path)
            set = found
        }
        guard let set else {
            throw Fault(
                .usage, path, "does not say how many clips its data set has: an old release began it",
                mend: "name the data set with --data")
        }
        return LedgerAudit.Expectation(
            clips: set.clips, schedule: recipe.stepSchedule(dataSetClips: set.clips), seed: recipe.seed,
            repeats: recipe.augment.repeats)
    }
}

extension TrainingJob {
    /// Where everything lies in a checkpoint of this model.
    func layout() throws(Fault) -> CheckpointLayout {
        try CheckpointLayout(
            plan: plan,
            parameters: network.parameters.map { StoredTensor(name: $0.name, type: .f32, shape: $0.shape) },
            statistics: network.statistics.map {
                CheckpointLayout.Statistics(mean: $0.meanName, variance: $0.varianceName)
            },
            metadata: ["format": "zoetrope", "model": recipe.model.name, "classes": "\(recipe.model.classes)"])
    }
}

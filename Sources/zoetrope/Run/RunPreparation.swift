import Checkpoints
import Clips
import Configuration
import Coordinator
import Faults
import Kernels
import Models
import Protocol
import Reporting
import Storage
import Training
import Wire
import Worker

/// A run ready to be coordinated: recipe, data set and folder fit together.
struct RunPreparation {
    let resolved: Recipe.Resolved
    let job: TrainingJob
    let schedule: StepSchedule
    let data: String
    let instructionSet: InstructionSet
    let dataSet: RunDataSet
    /// For workers that do not have it.
    let content: RunContent

    var recipe: Recipe { resolved.recipe }
    var steps: Int { schedule.steps }

    /// - Parameters:
    ///   - recipe: A path.
    ///   - origin: What to call the recipe, where the file is a copy that goes again; nil: its path. Workers hold on to what
    ///     they have when a coordinator comes back with the same recipe, to the letter.
    ///   - assignments: `key=value`, stronger than the file.
    ///   - run: The folder of the run. Where it holds a recipe already, that one decides what `auto` was.
    init(
        recipe path: String, origin: String? = nil, assignments: [String], data: String, run: String
    ) throws(Fault) {
        var document = try Self.document(recipe: path, origin: origin, assignments: assignments)
        let set = try PackedSet(directory: data, split: "train")
        let asked = try Recipe.read(document).recipe

        let classes = asked.model.classes == 0 ? set.classes.count : asked.model.classes
        guard classes >= set.classes.count else {
            throw Fault(
                .usage, "model.classes", "\(classes) outputs cannot name the \(set.classes.count) classes of \(data)",
                mend: "leave model.classes out, or set it to \(set.classes.count)")
        }
        if asked.model.classes == 0 { document.set("model.classes", to: .integer(classes), origin: data) }

        let begun = try Self.begun(run)
        if asked.numerics.instructionSet == "auto" {
            let chosen = begun?.recipe.numerics.instructionSet ?? InstructionSet.best.rawValue
            document.set("numerics.isa", to: .string(chosen), origin: begun == nil ? "this machine" : run)
        }
        try asked.model.initialWeights?.resolve(in: &document, begun: begun?.recipe.model.initialWeights)
        resolved = try Recipe.read(document)
        let recipe = resolved.recipe
        if var before = begun?.recipe {
            // How often the state is written or tested changes no bit of it.
            before.checkpoint = recipe.checkpoint
            before.validation = recipe.validation
            if let validations = recipe.multigrid?.validations { before.multigrid?.validations = validations }
            // Nor does the place of a file whose digest is the same.
            if let path = recipe.model.initialWeights?.path { before.model.initialWeights?.path = path }
            if before != recipe { throw Self.difference(begun?.values ?? [], resolved.values, run) }
        }
        instructionSet = try .choose(recipe.numerics)
        job = try TrainingJob(recipe)
        schedule = recipe.stepSchedule(dataSetClips: set.count)
        self.data = data
        dataSet = RunDataSet(set)
        content = RunContent(set)
        try RunDataSet(run: run)?.require(dataSet, run: run)
        _ = try recipe.clipSettings(of: schedule)
    }

    /// A recipe file with what the command line adds.
    static func document(
        recipe path: String, origin: String? = nil, assignments: [String]
    ) throws(Fault) -> Document {
        guard pathExists(path) else {
            throw Fault(.usage, path, "there is no such recipe", mend: "see the folder recipes/ for those that exist")
        }
        let text = String(decoding: try readWhole(path, limit: 16 << 20), as: UTF8.self)
        var document = try Document(toml: text, name: origin ?? path)
        for assignment in assignments { try document.set(assignment) }
        return document
    }

    /// Epochs of the data set that the first `steps` steps are.
    func epochs(_ steps: Int) -> Double {
        Double(schedule.firstPosition(ofStep: steps)) / Double(recipe.clipsPerEpoch(dataSetClips: dataSet.clips))
    }

    func settings(
        expectedWorkers: Int, cluster: ClusterConfiguration, acceptsOtherBuild: Bool
    ) -> CoordinatorSettings {
        CoordinatorSettings(
            welcome: Welcome(
                generation: 0, run: 0, recipe: resolved.toml, data: data, instructionSet: instructionSet.rawValue,
                dataSet: content.description, manifestBytes: content.manifestBytes),
            schedule: schedule, clipNorm: recipe.optimizer.clipNorm,
            plan: job.plan, fingerprints: job.fingerprints(dataSetDigest: dataSet.digest),
            checkpointEverySteps: recipe.checkpoint.everySteps, expectedWorkers: expectedWorkers,
            replicas: cluster.coordinator.replicas, verifiedShare: cluster.coordinator.verify, timing: cluster.timing,
            acceptsOtherBuild: acceptsOtherBuild)
    }

    /// Tests checkpoints as they come, if the recipe asks for it.
    /// - Parameter told: Called with each result, on a thread of the validation's.
    func validation(
        run: String, told: @escaping @Sendable (ValidatedCheckpoint) -> Void
    ) throws(Fault) -> RunValidation? {
        guard recipe.validation.everyEpochs > 0 else { return nil }
        // Now, and not after hours: is there anything to validate on?
        _ = try PackedSet(directory: data, split: recipe.validation.split)
        return try RunValidation(run: run, preparation: self, told: told)
    }

    var retention: CheckpointRetention {
        CheckpointRetention(newest: recipe.checkpoint.keep, everySteps: recipe.checkpoint.keepEvery)
    }

    /// Says so when there are more workers than a step has work for.
    func warnIfCrowded(workers: Int) {
        guard workers > 1, 2 * workers > recipe.batch.units else { return }
        standardError(
            "zoetrope: \(workers) workers share \(recipe.batch.units) gradient units a step, and more than half as many "
                + "have too little to do; batch.units=\(4 * workers) with a rate of "
                + "\(recipe.optimizer.learningRate * Double(4 * workers) / Double(recipe.batch.units)) and a warm-up "
                + "would use them\n")
    }

    private static func begun(_ run: String) throws(Fault) -> Recipe.Resolved? {
        let path = run + "/recipe.toml"
        guard pathExists(path) else { return nil }
        let text = String(decoding: try readWhole(path, limit: 16 << 20), as: UTF8.self)
        return try Recipe.read(try Document(toml: text, name: path))
    }

    private static func difference(_ begun: [Reader.Resolved], _ asked: [Reader.Resolved], _ run: String) -> Fault {
        let pair = zip(begun, asked).first {
            $0.value != $1.value && !$0.key.hasPrefix("checkpoint.") && !$0.key.hasPrefix("validation.")
                && $0.key != "multigrid.validations" && $0.key != "model.weights"
        }
        let values = pair.map { "\($0.key) is \($0.value.toml) there and \($1.value.toml) now" } ?? "keys differ"
        return Fault(
            .usage, run, "holds a run of another recipe: \(values)",
            mend: "continue with the recipe it was begun with, or name a new folder")
    }
}

extension InstructionSet {
    /// What a recipe computes with; `auto` is this machine's best.
    /// - Throws: a usage `Fault` for what this processor lacks.
    static func choose(_ numerics: Recipe.Numerics) throws(Fault) -> InstructionSet {
        try choose(
            isa: numerics.instructionSet, "numerics.isa", compute: numerics.compute, "numerics.compute")
    }
}

import ArgumentParser
import Checkpoints
import Clips
import Evaluation
import Faults
import Foundation
import Kernels
import Models
import Protocol
import Reporting
import Training
import Worker

extension ModelCommand {
    /// `zoetrope model precise`.
    struct Precise: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compute the statistics of batch norms anew, over so many training clips, for a test.",
            discussion: """
                Precise batch norm: the weights stay, running means and variances become those of the first clips of the \
                recipe's order, augmented as in training, in units of batch.clips_per_unit. Batch norms that the recipe \
                freezes keep theirs. The result is a checkpoint to test, with the same bits for any number of threads.
                """)
        @Argument(help: "The recipe, and key=value for whatever is to be different.")
        var recipe: [String]
        @Option(help: "A run's folder (its newest checkpoint), one checkpoint's folder, or a file of any format.")
        var checkpoint: String
        @Flag(help: "Begin from the moving average of the weights, of a run with optimizer.average.")
        var average = false
        @Option(help: "The data set's folder; its train split is used.")
        var data: String
        @Option(help: "Training clips, rounded up to whole units; PySlowFast takes 200 batches.")
        var clips = 1600
        @Option(help: "The safetensors file to write.")
        var out: String
        @Option(help: "Compute threads; 0 takes one for each core.")
        var threads = 0
        @Option(help: .hidden)
        var parent: Int32?
        @OptionGroup var result: ResultOptions

        func validate() throws {
            guard !recipe.isEmpty else { throw ValidationError("name a recipe") }
            guard (1...100_000_000).contains(clips) else { throw ValidationError("--clips \(clips): choose 1 or more") }
            try checkThreads(threads)
        }

        func run() throws {
            if let parent { endWith(parent: parent, name: "model precise") }
            let document = try RunPreparation.document(recipe: recipe[0], assignments: Array(recipe.dropFirst()))
            var recipe = try Recipe.read(document).recipe
            let set = try PackedSet(directory: data, split: "train")
            if recipe.model.classes == 0 { recipe.model.classes = set.classes.count }
            let job = try TrainingJob(recipe)
            let network = job.network
            guard !network.statistics.isEmpty else {
                throw Fault(.usage, recipe.model.name, "has no batch norm", mend: "test the checkpoint as it is")
            }
            let file = try Checkpoint.read(try checkpointFile(checkpoint, average: average))
            let tensors = try LoadedTensors(file, into: network.tensorTargets, of: network.name)
            let statistics = try compute(
                job, tensors, ClipLoader(set, try recipe.clipSettings(), seed: recipe.seed))
            try write(recipe, network, tensors, statistics)
            let used = units(recipe) * recipe.batch.clipsPerUnit
            let count = statistics.count { $0 != nil }
            result.report(
                ["layers": .integer(count), "clips": .integer(used), "out": .string(out)],
                text: "statistics of \(count) batch norms over \(used) clips: \(out)")
        }

        private func units(_ recipe: Recipe) -> Int {
            (clips + recipe.batch.clipsPerUnit - 1) / recipe.batch.clipsPerUnit
        }

        /// By batch norm; nil for those that keep theirs, and normalise with them.
        private func compute(
            _ job: TrainingJob, _ tensors: LoadedTensors, _ loader: ClipLoader
        ) throws -> [(mean: [Float], variance: [Float])?] {
            let (recipe, network) = (job.recipe, job.network)
            let isFrozen = job.plan.statistics.map(\.isFrozen)
            guard isFrozen.contains(false) else { return isFrozen.map { _ in nil } }
            let pass = try TrainingPass(
                network, N: recipe.batch.clipsPerUnit,
                pool: ThreadPool(threads: computeThreads(threads)),
                instructionSet: try .choose(recipe.numerics), implementation: recipe.numerics.convolutionChoice,
                frozen: job.plan.parameters.map(\.isFrozen), policy: MemoryPolicy(keepsPacked: true))
            for (index, parameter) in network.parameters.enumerated() {
                guard let values = tensors[parameter.name] else { continue }
                pass.setParameter(index, values)
            }
            for (index, layer) in network.statistics.enumerated() where isFrozen[index] {
                guard let mean = tensors[layer.meanName], let variance = tensors[layer.varianceName] else { continue }
                pass.setStatistics(index, mean: mean, variance: variance)
            }
            let clock = MonotonicClock()
            var bar = ProgressBar("batch norm", total: units(recipe), now: clock.now)
            let size = network.input.count
            let found = try preciseStatistics(pass, units: units(recipe)) { unit, input in
                for n in 0..<recipe.batch.clipsPerUnit {
                    _ = try loader.load(
                        position: UInt64(unit * recipe.batch.clipsPerUnit + n),
                        into: UnsafeMutableBufferPointer(rebasing: input[n * size..<(n + 1) * size]))
                }
                bar.update(unit + 1, "", now: clock.now)
            }
            return zip(found, isFrozen).map { $1 ? nil : $0 }
        }

        private func write(
            _ recipe: Recipe, _ network: NetworkDescription, _ tensors: LoadedTensors,
            _ statistics: [(mean: [Float], variance: [Float])?]
        ) throws(Fault) {
            let targets = network.tensorTargets
            let writer = try SafetensorsWriter(
                out, tensors: targets.map { StoredTensor(name: $0.name, type: .f32, shape: $0.shape) },
                metadata: [
                    "format": "zoetrope", "model": recipe.model.name, "classes": "\(network.classes)",
                    "statistics": "precise, \(units(recipe)) units of \(recipe.batch.clipsPerUnit) clips",
                ])
            for parameter in network.parameters {
                try writer.write(parameter.name, tensors[parameter.name] ?? [])
            }
            for (layer, values) in zip(network.statistics, statistics) {
                try writer.write(layer.meanName, values?.mean ?? tensors[layer.meanName] ?? [])
                try writer.write(layer.varianceName, values?.variance ?? tensors[layer.varianceName] ?? [])
            }
            try writer.finish()
        }
    }
}

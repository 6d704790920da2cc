import ArgumentParser
import Checkpoints
import Configuration
import Evaluation
import Faults
import Models
import Reporting
import Training
import Worker

/// How many processes and threads work for a command in the words of another program, and the commands of ours that it
/// becomes.
struct TranslatedProcesses: ParsableArguments {
    @Option(help: "Worker processes of training on this machine.")
    var workers = 1
    @Option(help: "Compute threads of each process; without it, the cores are shared among them.")
    var threads: Int?
    @Option(help: "Where workers of other machines may join the training ('zoetrope worker'): tcp://HOST:PORT.")
    var listen: String?
    @OptionGroup var protection: SecurityOptions

    /// `zoetrope train`.
    func train(
        recipe: String, assignments: [String], data: String, run: String, isJSON: Bool
    ) throws {
        var words = [recipe] + assignments + ["--data", data, "--run", run, "--workers", "\(workers)"]
        if let listen { words += ["--listen", listen] }
        words += try protection.arguments
        if let threads { words += ["--threads", "\(threads)"] }
        if isJSON { words.append("--json") }
        try Train.parse(words).run()
    }

    /// `zoetrope model precise` of a run's newest checkpoint.
    func precise(recipe: String, run: String, data: String, clips: Int, out: String) throws {
        var words = [recipe, "--checkpoint", run, "--data", data, "--clips", "\(clips)", "--out", out]
        if let threads { words += ["--threads", "\(threads)"] }
        try ModelCommand.Precise.parse(words).run()
    }

    /// `zoetrope test`.
    func test(recipe: String, checkpoint: String, data: String, split: String, isJSON: Bool) throws {
        var words = [recipe, "--checkpoint", checkpoint, "--data", data, "--split", split]
        if let threads { words += ["--threads", "\(threads)"] }
        if isJSON { words.append("--json") }
        try TestCheckpoint.parse(words).run()
    }

    /// `zoetrope features` of one row a clip, as safetensors.
    /// - Parameter clips: spread over each video; `nil`: one, from the start frame of the list.
    func features(
        recipe: String, checkpoint: String, data: String, split: String, layers: [String], clips: Int?, out: String
    ) throws {
        var words = ["--recipe", recipe, "--checkpoint", checkpoint, "--data", data, "--split", split, "--out", out]
        for layer in layers { words += ["--layer", layer] }
        words += clips.map { ["--clips", "\($0)"] } ?? ["--listed"]
        if let threads { words += ["--threads", "\(threads)"] }
        try Features.parse(words).run()
    }

    /// What a recipe is told to begin from a file: PySlowFast and VMZ take from it whatever fits, ours all of it, but for a
    /// last layer of other classes.
    func beginning(from path: String, of recipe: Recipe) throws(Fault) -> [String] {
        var words = ["model.weights=\(Value.string(path).toml)"]
        let network = try recipe.network(classes: recipe.model.classes)
        let checkpoint = try Checkpoint.read(try checkpointFile(path))
        if let found = try network.classes(of: checkpoint), found != network.classes {
            standardError(
                "zoetrope: \(path) has \(found) classes, and not \(network.classes): the last layer starts anew\n")
            words.append("model.replace_head=true")
        }
        return words
    }
}

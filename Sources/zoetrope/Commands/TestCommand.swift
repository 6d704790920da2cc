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
import Storage
import Training
import Worker

/// `zoetrope test`.
struct TestCheckpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Test a checkpoint: clip@1, video@1, video@5.",
        discussion: """
            Each video's score is the mean softmax over clips spread uniformly over it, cut out of the middle: VMZ's small \
            protocol.
            """)
    @Argument(help: "The recipe, and key=value for whatever is to be different.")
    var recipe: [String]
    @Option(
        help: "A run's folder (its newest checkpoint), one checkpoint's folder, or a file of any format and origin.")
    var checkpoint: String
    @Flag(help: "Test the moving average of the weights, of a run with optimizer.average.")
    var average = false
    @Flag(help: "Leave out tensors of the file that the network does not have.")
    var allowUnexpected = false
    @Option(help: "The data set's folder.")
    var data: String
    @Option(help: "Which split: train, val or test.")
    var split = "val"
    @Option(help: "Clips per video; without it, the recipe's.")
    var clips: Int?
    @Option(help: "Compute threads; 0 takes one for each core.")
    var threads = 0
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard !recipe.isEmpty else { throw ValidationError("name a recipe") }
        guard (0...1024).contains(threads) else { throw ValidationError("--threads \(threads): choose 0 to 1024") }
        if let clips, !(1...1000).contains(clips) { throw ValidationError("--clips \(clips): choose 1 to 1000") }
    }

    func run() throws {
        let document = try RunPreparation.document(recipe: recipe[0], assignments: Array(recipe.dropFirst()))
        let recipe = try Recipe.read(document).recipe
        let set = try PackedSet(directory: data, split: split)
        let file = try Checkpoint.read(try checkpointFile(checkpoint, average: average))
        let network = try recipe.network(
            classes: recipe.model.classes == 0 ? set.classes.count : recipe.model.classes)
        guard network.classes >= set.classes.count else {
            throw Fault(
                .usage, "model.classes",
                "\(network.classes) outputs cannot name the \(set.classes.count) classes of \(data)",
                mend: "test with the recipe it was trained with")
        }
        let clipsPerVideo = clips ?? recipe.test.clips
        guard recipe.test.name == .vmzSmall else {
            throw Fault(
                .usage, "test.protocol", "\(recipe.test.name.rawValue) is planned, not run yet",
                mend: "choose \(TestProtocol.Name.vmzSmall.rawValue)")
        }
        let pass = try InferencePass(
            network, N: min(clipsPerVideo, 10),
            pool: ThreadPool(threads: threads == 0 ? ProcessInfo.processInfo.activeProcessorCount : threads),
            instructionSet: try .choose(recipe.numerics))
        pass.load(try tensors(file, network))

        let loader = ClipLoader(set, try recipe.clipSettings(), seed: recipe.seed)
        let clock = MonotonicClock()
        var bar = ProgressBar("test", total: set.count, now: clock.now)
        var unreadable: [(name: String, reason: String)] = []
        let scores = try evaluate(pass, videos: set.count, clipsPerVideo: clipsPerVideo) { number, out in
            bar.update(number + 1, "", now: clock.now)
            if let problem = try loader.loadUniform(rank: number, count: clipsPerVideo, into: out) {
                unreadable.append((set.records[number].name, problem.reason))
                return nil
            }
            return set.records[number].label
        }
        for video in unreadable { standardError("zoetrope: \(video.name): left out: \(video.reason)\n") }
        let outcome = scores.result
        guard outcome.videos > 0 else {
            throw Fault(.data, "\(data)/\(split)", "holds no video that can be tested", mend: "pack it again")
        }
        result.report(
            [
                "videos": .integer(outcome.videos), "clips": .integer(outcome.clips),
                "clip_top1": .number(outcome.clipTop1), "video_top1": .number(outcome.videoTop1),
                "video_top5": .number(outcome.videoTop5),
                "left_out": .array(unreadable.map { .string($0.name) }),
            ],
            text: "\(outcome.videos) videos, \(outcome.clips) clips: clip@1 \(percent(outcome.clipTop1)), "
                + "video@1 \(percent(outcome.videoTop1)), video@5 \(percent(outcome.videoTop5))")
    }

    /// All that the network needs: a test with random weights is none.
    private func tensors(_ file: Checkpoint, _ network: NetworkDescription) throws(Fault) -> LoadedTensors {
        if file.metadata["format"] == "zoetrope", let model = file.metadata["model"], model != network.name {
            throw Fault(
                .data, file.path, "is a checkpoint of \(model), not of \(network.name)",
                mend: "test with the recipe it was trained with")
        }
        let tensors = try LoadedTensors(
            file, into: network.tensorTargets, of: network.name, options: LoadOptions(allowsUnexpected: allowUnexpected)
        )
        if tensors.report.isRemarkable { standardError("zoetrope: \(tensors.report.text)\n") }
        return tensors
    }
}

/// `93.75 %`.
private func percent(_ fraction: Double) -> String { hundredths(100 * fraction) + " %" }

import Coordinator
import Foundation
import Glibc
import TestSupport
import Wire

/// What all cases of one invocation share: the program, the data set, and how undisturbed runs end.
package final class Laboratory {
    package let program: String
    package let root: String
    package let seed: UInt64
    private var undisturbed: [String: Undisturbed] = [:]

    /// How a run ends that nobody disturbs, with one worker.
    struct Undisturbed {
        let hash: String
        let outcomes: [StepOutcome]
    }

    /// - Parameters:
    ///   - program: The built `zoetrope`.
    ///   - root: A folder of its own; made if it is not there.
    package init(program: String, root: String, seed: UInt64) throws {
        self.program = program
        self.root = root
        self.seed = seed
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ChaosFault("\(program) is missing: build it first")
        }
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    /// The motion data set: two classes, 16 clips of a second, 32 by 32.
    func data() throws -> String {
        let folder = root + "/data"
        if FileManager.default.fileExists(atPath: folder + "/dataset.toml") { return folder }
        let made = try run(
            program, "data", "synth", "--out", folder, "--classes", "2", "--clips-per-class", "8", "--seconds", "1",
            "--size", "32", "--seed", "3")
        guard made.exit == .code(0) else { throw ChaosFault("data synth: \(made.exit): \(made.text)") }
        return folder
    }

    /// - Parameter data: Another data set than the usual one.
    func undisturbed(_ recipe: ChaosRecipe, data: String? = nil) throws -> Undisturbed {
        let key = key(recipe, data)
        if let known = undisturbed[key] { return known }
        let run = root + "/undisturbed-\(undisturbed.count)"
        try? FileManager.default.removeItem(atPath: run)
        let data = try data ?? self.data()
        let ended = try Chaos.run(
            [program, "train", recipe.path] + recipe.assignments + ["--data", data, "--run", run])
        guard ended.exit == .code(0) else { throw ChaosFault("the undisturbed run: \(ended.exit): \(ended.text)") }
        let result = Undisturbed(
            hash: try CheckpointStore.weightsSHA256(run: run, version: recipe.steps),
            outcomes: try StepLedger.read(run: run).map(\.outcome))
        undisturbed[key] = result
        return result
    }

    /// Another way to the same: a run of several workers that nobody disturbed.
    func keep(_ result: Undisturbed, for recipe: ChaosRecipe) { undisturbed[key(recipe, nil)] = result }

    private func key(_ recipe: ChaosRecipe, _ data: String?) -> String {
        (recipe.assignments + [data ?? ""]).joined(separator: " ")
    }
}

/// What is trained.
struct ChaosRecipe {
    var steps: Int
    /// Gradient units of a step; as many as this bound the useful workers.
    var units = 4
    var checkpointEvery = 5
    var more: [String] = []

    var path: String { sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml" }

    /// The smallest network that has several chunks for each of a few workers: some tenths of a second for a step.
    var assignments: [String] {
        [
            "model.name=\"r2d-10\"", "input.frames=4", "input.width=32", "input.height=32", "input.crop=28",
            "batch.units=\(units)", "batch.clips_per_unit=1", "schedule.steps=\(steps)",
            "checkpoint.every_steps=\(checkpointEvery)",
        ] + more
    }
}

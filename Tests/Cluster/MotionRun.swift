import Foundation
import TestSupport
import Testing

/// A training of a few seconds with the program as users run it: two classes, a small network, 24 steps.
enum MotionRun {
    static let data: Result<String, any Error> = Result {
        let folder = folderOfThisProcess("cluster")
        let made = try Program.run(
            "data", "synth", "--out", folder, "--classes", "2", "--clips-per-class", "8", "--seconds", "1", "--size",
            "32", "--seed", "3")
        try #require(made.status == 0, "\(made.errors)")
        return folder
    }

    /// What to give to `zoetrope`.
    /// - Parameter more: Further arguments, `key=value` among them.
    static func arguments(run: String, workers: Int, threads: Int = 1, _ more: String...) throws -> [String] {
        [
            "train", sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
            "input.crop=28", "batch.units=4", "batch.clips_per_unit=2", "schedule.steps=24", "checkpoint.every_steps=5",
        ] + more + [
            "--data", try data.get(), "--run", run, "--workers", "\(workers)", "--threads", "\(threads)", "--json",
        ]
    }

    /// What an undisturbed run ends with.
    static let undisturbed: Result<String, any Error> = Result {
        try withTemporaryFolder { folder in
            try hash(Program.start(arguments(run: folder + "/run", workers: 1)).wait())
        }
    }

    /// One more argument: steps enough that the run is not over before somebody else has come to it.
    static let longer = "schedule.steps=100"
    static let undisturbedLonger: Result<String, any Error> = Result {
        try withTemporaryFolder { folder in
            try hash(Program.start(arguments(run: folder + "/run", workers: 2, longer)).wait())
        }
    }

    static func hash(_ result: Program.Result) throws -> String {
        try #require(result.status == 0, "\(result.errors)")
        return try #require(result.json["weights_sha256"] as? String, "\(result.output)")
    }

    /// Asks the run until `condition` holds for its status; the asking itself takes time enough between two looks.
    static func status(of run: String, until condition: ([String: Any]) -> Bool) throws -> [String: Any] {
        let deadline = Date().addingTimeInterval(120)
        while Date() < deadline {
            guard let endpoint = try? text(of: run + "/endpoint") else { continue }
            let answer = try Program.run(
                "status", "--join", endpoint.trimmingCharacters(in: .whitespacesAndNewlines), "--json")
            if answer.status == 0, condition(answer.json) { return answer.json }
        }
        throw TimedOut()
    }

    struct TimedOut: Error {}
}

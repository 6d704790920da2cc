import Foundation
import TestSupport
import Testing

/// Real processes on this machine: whatever the cluster looks like and whatever is killed, the weights are the same.
@Suite(.serialized) struct SameBitsTests {
    /// A data set of two classes and a network that is small enough for a few seconds.
    private static let data: Result<String, any Error> = Result {
        let folder = NSTemporaryDirectory() + "zoetrope-cluster-\(ProcessInfo.processInfo.processIdentifier)"
        let made = try Program.run(
            "data", "synth", "--out", folder, "--classes", "2", "--clips-per-class", "8", "--seconds", "1", "--size",
            "32", "--seed", "3")
        try #require(made.status == 0, "\(made.errors)")
        return folder
    }

    private func arguments(run: String, workers: Int, threads: Int) throws -> [String] {
        [
            "train", sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
            "input.crop=28", "batch.units=4", "batch.clips_per_unit=2", "schedule.steps=24", "checkpoint.every_steps=5",
            "--data", try Self.data.get(), "--run", run, "--workers", "\(workers)", "--threads", "\(threads)", "--json",
        ]
    }

    private func hash(_ result: Program.Result) throws -> String {
        try #require(result.status == 0, "\(result.errors)")
        return try #require(result.json["weights_sha256"] as? String, "\(result.output)")
    }

    /// Asks the run until `condition` holds for its status; the asking itself takes time enough between two looks.
    private func status(of run: String, until condition: ([String: Any]) -> Bool) throws -> [String: Any] {
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline {
            guard let endpoint = try? text(of: run + "/endpoint") else { continue }
            let answer = try Program.run(
                "status", "--join", endpoint.trimmingCharacters(in: .whitespacesAndNewlines), "--json")
            if answer.status == 0, condition(answer.json) { return answer.json }
        }
        throw TimedOut()
    }

    private struct TimedOut: Error {}

    @Test func anyNumberOfWorkersAndThreads() throws {
        try withTemporaryFolder { folder in
            var hashes: [String] = []
            for (workers, threads) in [(1, 1), (1, 2), (2, 1), (3, 1)] {
                let run = folder + "/\(workers)-\(threads)"
                hashes.append(
                    try hash(Program.start(arguments(run: run, workers: workers, threads: threads)).wait()))
            }
            #expect(Set(hashes).count == 1, "\(hashes)")
        }
    }

    @Test func aKilledWorkerAndAJoiner() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try hash(Program.start(arguments(run: folder + "/a", workers: 1, threads: 1)).wait())
            let run = folder + "/b"
            let training = try Program.start(arguments(run: run, workers: 3, threads: 1))
            let seen = try status(of: run) { ($0["step"] as? Int ?? 0) >= 2 && ($0["members"] as? [Any])?.count == 3 }
            let members = try #require(seen["members"] as? [[String: Any]])
            let victim = try #require(members[1]["pid"] as? Int)
            kill(Int32(victim), SIGKILL)
            let endpoint = try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
            let joiner = try Program.start(["worker", "--join", endpoint, "--threads", "1"])
            #expect(try hash(training.wait()) == undisturbed)
            #expect(joiner.wait().status == 0)
        }
    }

    @Test func everythingKilledAndRunAgainWithOtherWorkers() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try hash(Program.start(arguments(run: folder + "/a", workers: 1, threads: 1)).wait())
            let run = folder + "/b"
            let training = try Program.start(arguments(run: run, workers: 2, threads: 1))
            let seen = try status(of: run) { ($0["step"] as? Int ?? 0) >= 7 }
            training.kill()
            for member in try #require(seen["members"] as? [[String: Any]]) {
                if let pid = member["pid"] as? Int { kill(Int32(pid), SIGKILL) }
            }
            _ = training.wait()
            let again = try hash(Program.start(arguments(run: run, workers: 3, threads: 1)).wait())
            #expect(again == undisturbed)
            // A finished run says the same again, at once.
            #expect(try hash(Program.start(arguments(run: run, workers: 1, threads: 1)).wait()) == undisturbed)
        }
    }
}

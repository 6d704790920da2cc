import Foundation
import TestSupport
import Testing

/// Real processes whose stderr nobody reads, as with a terminal that Ctrl-S has stopped.
@Suite("Stderr that nobody reads", .serialized, .timeLimit(.minutes(15)))
struct UnreadErrorsTests {
    @Test("A training commits its steps, ends with 0 and the same weights, and every step has its line")
    func trains() throws {
        let undisturbed = try MotionRun.undisturbed.get()
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try UnreadProgram(MotionRun.arguments(run: run, workers: 2))
            defer { training.killIfRunning() }
            try #require(training.code() == 0)
            #expect(try MotionRun.hash(training.result) == undisturbed)
            #expect(try steps(of: run) == Array(0..<24))
        }
    }

    @Test("A training that a signal stops ends with 75")
    func stops() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try UnreadProgram(MotionRun.arguments(run: run, workers: 1, MotionRun.longer))
            defer { training.killIfRunning() }
            _ = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 2 }
            training.signal(SIGTERM)
            #expect(training.code() == 75)
        }
    }

    @Test("A worker joins, owns a part, and ends with its run")
    func works() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try Program.start(MotionRun.arguments(run: run, workers: 1, MotionRun.longer))
            defer { if training.process.isRunning { training.kill() } }
            _ = try MotionRun.status(of: run) { _ in true }
            let endpoint = try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
            let worker = try UnreadProgram(["worker", "--join", endpoint, "--threads", "1", "--name", "unread"])
            defer { worker.killIfRunning() }
            _ = try MotionRun.status(of: run) { status in
                (status["members"] as? [[String: Any]] ?? []).contains {
                    $0["name"] as? String == "unread" && ($0["chunks"] as? Int ?? 0) > 0
                }
            }
            #expect(training.wait().status == 0)
            #expect(worker.code() == 0)
        }
    }

    @Test("A test that workers share ends with 0 and its result")
    func tests() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let trained = try Program.start(MotionRun.arguments(run: run, workers: 1, "schedule.steps=2")).wait()
            try #require(trained.status == 0, "\(trained.errors)")
            let test = try UnreadProgram([
                "test", run + "/recipe.toml", "--checkpoint", run, "--data", try MotionRun.data.get(), "--split",
                "train", "--workers", "2", "--threads", "1", "--json",
            ])
            defer { test.killIfRunning() }
            try #require(test.code() == 0)
            #expect(test.result.json["videos"] as? Int == 16)
        }
    }
}

/// Lines that a coordinator was killed before it could write.
@Suite("Lines of metrics.jsonl that are missing", .serialized, .timeLimit(.minutes(10)))
struct MissingLinesTests {
    @Test("Whoever goes on with the run adds them from the ledger, and so does whoever finds it done")
    func added() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let arguments = try MotionRun.arguments(run: run, workers: 1, MotionRun.longer)
            let stopping = try Program.start(arguments)
            _ = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 3 }
            stopping.kill(SIGTERM)
            let stopped = stopping.wait()
            try #require(stopped.status == 75, "\(stopped.errors)")
            try cut(run)
            let ended = try Program.start(arguments).wait()
            try #require(ended.status == 0, "\(ended.errors)")
            #expect(try steps(of: run) == Array(0..<100))

            try cut(run)
            let again = try Program.start(arguments).wait()
            #expect(try MotionRun.hash(again) == MotionRun.hash(ended))
            #expect(try steps(of: run) == Array(0..<100))
        }
    }

    /// Takes the last line away and leaves a half of the one before.
    private func cut(_ run: String) throws {
        let path = run + "/metrics.jsonl"
        let lines = try text(of: path).split(separator: "\n").map(String.init)
        try #require(lines.count >= 3)
        let kept = lines.dropLast(2) + [String(lines[lines.count - 2].prefix(30))]
        try kept.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
}

/// The steps that have a line, as the lines stand in the file.
private func steps(of run: String) throws -> [Int] {
    try text(of: run + "/metrics.jsonl").split(separator: "\n").compactMap { line in
        let members = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return members?["step"] as? Int
    }
}

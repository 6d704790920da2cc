import Foundation
import Storage
import TestSupport
import Testing

/// Real processes: `zoetrope test` on this machine's workers, one of them killed.
@Suite(.serialized) struct TestCommandTests {
    private func arguments(_ run: String, out: String, _ more: [String]) throws -> [String] {
        [
            "test", run + "/recipe.toml", "--checkpoint", run, "--data", try MotionRun.data.get(), "--split", "train",
            "--out", out, "--threads", "1", "--json",
        ] + more
    }

    private func scores(_ folder: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder + "/scores.safetensors"))
    }

    @Test func theScoresAreTheSameForAnyWorkersAndDeaths() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let trained = try Program.start(MotionRun.arguments(run: run, workers: 1, "schedule.steps=2")).wait()
            try #require(trained.status == 0, "\(trained.errors)")
            // Views enough that the test is still under way when a worker is found and killed.
            let more = ["--protocol", "vmz-large", "--clips", "20", "--crops", "6"]
            let alone = try Program.start(arguments(run, out: folder + "/alone", more)).wait()
            try #require(alone.status == 0, "\(alone.errors)")
            #expect(alone.json["videos"] as? Int == 16 && alone.json["clips"] as? Int == 16 * 120)
            let expected = try scores(folder + "/alone")
            for workers in [1, 2] {
                let out = folder + "/\(workers)"
                let options = more + ["--workers", "\(workers)", "--views-at-once", "\(4 + workers)"]
                let result = try Program.start(arguments(run, out: out, options)).wait()
                #expect(result.status == 0, "\(result.errors)")
                #expect(try scores(out) == expected, "\(workers) workers")
            }

            let killed = try Program.start(arguments(run, out: folder + "/killed", more + ["--workers", "3"]))
            // Nobody misses one that has not joined yet.
            let victim = try child(of: killed) { killed.errors.now.ranges(of: " joined").count == 3 }
            kill(victim, SIGKILL)
            let result = killed.wait()
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("is gone"), "\(result.errors)")
            #expect(try scores(folder + "/killed") == expected, "one killed")
            #expect(result.json["videos"] as? Int == 16 && result.json["clips"] as? Int == 16 * 120)

            // The command itself is killed twice, each time by other means of testing, and goes on.
            let out = folder + "/resumed"
            for (count, means) in [(2, ["--workers", "2"]), (5, [])] {
                let command = try Program.start(arguments(run, out: out, more + means))
                try wait(for: count, outcomesIn: out)
                kill(command.pid, SIGKILL)
                _ = command.wait()
            }
            let resumed = try Program.start(arguments(run, out: out, more + ["--workers", "1"])).wait()
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.errors.contains("of 16 videos were tested before"), "\(resumed.errors)")
            #expect(try scores(out) == expected, "the command killed")
            #expect(!FileManager.default.fileExists(atPath: out + "/outcomes"))

            let shown = try Program.run("scores", "show", folder + "/killed/scores.safetensors", "--json")
            #expect(shown.status == 0 && shown.json["video_top1"] as? Double == alone.json["video_top1"] as? Double)
            let page = try text(of: folder + "/alone/report.html")
            #expect(page.hasPrefix("<!doctype html>") && !page.contains("http"), "one file that needs no other")
        }
    }

    @Test func whatDoesNotFitIsNamed() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let trained = try Program.start(MotionRun.arguments(run: run, workers: 1, "schedule.steps=1")).wait()
            try #require(trained.status == 0, "\(trained.errors)")
            func refused(_ status: Int32, _ words: String, _ more: String...) throws {
                let result = try Program.start(arguments(run, out: folder + "/out", more)).wait()
                #expect(result.status == status && result.errors.contains(words), "\(result.status): \(result.errors)")
            }
            try refused(64, "did you mean 'slowfast'?", "--protocol", "slowfats")
            try refused(64, "leave no views", "--clips", "0")
            try refused(65, "is a checkpoint of 2 classes, and the test is of 5", "model.classes=5")
            try refused(65, "no views are left", "input.frames=500")
            // Nobody tests when every worker finds the checkpoint changed under it.
            let worker = try Program.run("test-worker", "--join", "tcp://192.0.2.1:7000")
            #expect(worker.status == 64 && worker.errors.contains("another machine, and there are no keys"))
        }
    }

    /// Reading the log takes time enough between two looks.
    private func wait(for count: Int, outcomesIn out: String) throws {
        let deadline = Date().addingTimeInterval(300)
        while Date() < deadline {
            // The first record says which test it is.
            var records = -1
            _ = try? AppendOnlyLog.read(directory: out + "/outcomes/log") { _ in records += 1 }
            if records >= count { return }
        }
        throw MotionRun.TimedOut()
    }

    /// A child process, once `condition` holds; looking for children takes time enough between two looks.
    private func child(of parent: Running, when condition: () -> Bool) throws -> Int32 {
        let deadline = Date().addingTimeInterval(300)
        while Date() < deadline {
            if let child = try children(of: parent.pid).first, condition() { return child }
        }
        throw MotionRun.TimedOut()
    }

    private func children(of parent: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { pid in
            // Behind the name in brackets: state, parent.
            let fields = (try? text(of: "/proc/\(pid)/stat"))?.split(separator: ")").last?.split(separator: " ")
            return fields.flatMap { $0.count > 1 ? Int32($0[1]) : nil } == parent
        }
    }
}

import Foundation
import TestSupport
import Testing

/// What the units of deploy/systemd rely on.
@Suite("Under a supervisor", .serialized, .timeLimit(.minutes(2)))
struct SupervisedTests {
    @Test("A coordinator says that it is ready when workers may join, that it lives, and that it stops; the code is 75")
    func coordinator() throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            let coordinator = try Program.start(
                [
                    "NOTIFY_SOCKET=\(supervisor.path)", "WATCHDOG_USEC=3000000", Program.path, "coordinator",
                    "--recipe",
                    sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
                    "input.crop=28", "schedule.steps=4", "--data", try MotionRun.data.get(), "--run", folder + "/run",
                    "--listen", "tcp://127.0.0.1:0",
                ], with: "/usr/bin/env")
            #expect(supervisor.next(within: 60) == "READY=1")
            #expect(FileManager.default.fileExists(atPath: folder + "/run/endpoint"))
            // Again and again, each time within a third of what it has.
            for _ in 0..<4 { #expect(supervisor.next(within: 30) == "WATCHDOG=1") }
            coordinator.kill(SIGTERM)
            var last = "WATCHDOG=1"
            while last == "WATCHDOG=1", let next = supervisor.next(within: 60) { last = next }
            #expect(last == "STOPPING=1")
            let ended = coordinator.wait()
            #expect(ended.status == 75, "\(ended.errors)")
        }
    }

    /// To systemd that is a failure, 75 or not: who has not been ready has not succeeded.
    @Test("A coordinator whose address this machine does not have yet was never ready and may be started again")
    func noAddressYet() throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            // Of the documentation's network (RFC 5737): nobody's.
            let coordinator = try Program.start(
                [
                    "NOTIFY_SOCKET=\(supervisor.path)", Program.path, "coordinator", "--recipe",
                    sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "--data", try MotionRun.data.get(), "--run",
                    folder + "/run", "--listen", "tcp://192.0.2.1:5570", "--insecure",
                ], with: "/usr/bin/env"
            ).wait()
            #expect(coordinator.status == 75, "\(coordinator.errors)")
            #expect(coordinator.errors.contains("no network interface"), "\(coordinator.errors)")
            #expect(supervisor.next() == nil)
        }
    }

    @Test("A worker that waits for its coordinator is ready and lives")
    func worker() throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            let worker = try Program.start(
                [
                    "NOTIFY_SOCKET=\(supervisor.path)", "WATCHDOG_USEC=3000000", Program.path, "worker", "--join",
                    "tcp://127.0.0.1:\(try freePort())", "--threads", "1",
                ], with: "/usr/bin/env")
            defer { worker.kill() }
            #expect(supervisor.next(within: 60) == "READY=1")
            for _ in 0..<4 { #expect(supervisor.next(within: 30) == "WATCHDOG=1") }
        }
    }

    @Test("A worker whose coordinator's name nobody knows yet waits for it, and may be started again")
    func unknownName() throws {
        try withTemporaryFolder { folder in
            let configuration = folder + "/cluster.conf"
            try "[timeouts]\nbroken = 0.2\nheartbeat = 0.2\nsuspect = 0.4\ndead = 0.6\npatience = 1.0\n".write(
                toFile: configuration, atomically: true, encoding: .utf8)
            let worker = try Program.run(
                "worker", "--join", "tcp://no-such-host.invalid:5570", "--config", configuration, "--threads", "1")
            #expect(worker.status == 75, "\(worker.errors)")
            #expect(worker.errors.contains("it is tried again"), "\(worker.errors)")
        }
    }

    @Test("With --stay a coordinator whose run is done waits to be told to end, and then ends with 0")
    func stay() throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            let run = folder + "/run"
            let trained = try Program.start(MotionRun.arguments(run: run, workers: 1, "schedule.steps=1")).wait()
            try #require(trained.status == 0, "\(trained.errors)")
            var words = try MotionRun.arguments(run: run, workers: 1, "schedule.steps=1")
            let threads = try #require(words.firstIndex(of: "--threads"))
            words.removeSubrange(threads...threads + 1)
            words[0...1] = ["coordinator", "--recipe", words[1]]
            let coordinator = try Program.start(
                ["NOTIFY_SOCKET=\(supervisor.path)", Program.path] + words + ["--stay"], with: "/usr/bin/env")
            #expect(supervisor.next(within: 60) == "READY=1")
            #expect(coordinator.process.isRunning)
            // By then it heeds signals.
            while !coordinator.errors.now.contains("waiting for a signal"), coordinator.process.isRunning {}
            coordinator.kill(SIGTERM)
            let ended = coordinator.wait()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.json["weights_sha256"] as? String == trained.json["weights_sha256"] as? String)
        }
    }
}

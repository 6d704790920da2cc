import Coordinator
import Foundation
import TestSupport
import Testing

/// Real processes and what schedulers send them: SIGTERM, SIGUSR1, SIGINT.
@Suite("Signals", .serialized, .timeLimit(.minutes(10)))
struct SignalsTests {
    private static let data: Result<String, any Error> = Result {
        let folder = folderOfThisProcess("signals")
        let made = try Program.run(
            "data", "synth", "--out", folder, "--classes", "2", "--clips-per-class", "4", "--seconds", "1", "--size",
            "32", "--seed", "3")
        try #require(made.status == 0, "\(made.errors)")
        return folder
    }

    private func arguments(run: String, workers: Int, steps: Int = 60) throws -> [String] {
        [
            "train", sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
            "input.crop=28", "batch.units=4", "batch.clips_per_unit=1", "schedule.steps=\(steps)",
            "checkpoint.every_steps=100", "--data", try Self.data.get(), "--run", run, "--workers", "\(workers)",
            "--json",
        ]
    }

    private static let undisturbed = Result { () throws -> String in
        try withTemporaryFolder { folder in
            let result = try Program.start(SignalsTests().arguments(run: folder + "/run", workers: 1)).wait()
            try #require(result.status == 0, "\(result.errors)")
            return try #require(result.json["weights_sha256"] as? String)
        }
    }

    private func endpoint(of run: String) throws -> String {
        try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Asks the run until `condition` holds for its status.
    @discardableResult
    private func status(of run: String, until condition: ([String: Any]) -> Bool) throws -> [String: Any] {
        let deadline = Date().addingTimeInterval(90)
        while Date() < deadline {
            guard let endpoint = try? endpoint(of: run) else { continue }
            let answer = try Program.run("status", "--join", endpoint, "--json")
            if answer.status == 0, condition(answer.json) { return answer.json }
        }
        throw TimedOut()
    }

    private struct TimedOut: Error {}

    private func members(_ status: [String: Any]) -> [[String: Any]] { status["members"] as? [[String: Any]] ?? [] }

    @Test(
        "SIGUSR1, SIGTERM and SIGINT to a training write a checkpoint and end with 75; the same command continues",
        arguments: [
            SIGUSR1, SIGTERM, SIGINT,
        ])
    func checkpointAndStop(number: Int32) throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try Program.start(arguments(run: run, workers: 2))
            try status(of: run) { ($0["step"] as? Int ?? 0) >= 2 }
            training.kill(number)
            let stopped = training.wait()
            #expect(stopped.status == 75, "\(stopped.errors)")
            let reached = try StepLedger.read(run: run).count
            #expect((2..<60).contains(reached))
            // Nothing but the signal makes a checkpoint here, and nothing that is in the ledger is lost.
            #expect(try CheckpointStore.versions(run: run).last == reached)
            let again = try Program.start(arguments(run: run, workers: 1)).wait()
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.json["weights_sha256"] as? String == (try Self.undisturbed.get()))
            #expect(!again.errors.contains("replay"))
        }
    }

    @Test("SIGUSR1 to all processes of a training at once, as schedulers send it, does the same")
    func wholeGroup() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try Program.start(arguments(run: run, workers: 2))
            let seen = try status(of: run) { ($0["step"] as? Int ?? 0) >= 2 && members($0).count == 2 }
            for member in members(seen) { if let pid = member["pid"] as? Int { kill(Int32(pid), SIGUSR1) } }
            training.kill(SIGUSR1)
            let stopped = training.wait()
            #expect(stopped.status == 75, "\(stopped.errors)")
            let reached = try StepLedger.read(run: run).count
            #expect(try CheckpointStore.versions(run: run).last == reached)
            let again = try Program.start(arguments(run: run, workers: 1)).wait()
            #expect(again.json["weights_sha256"] as? String == (try Self.undisturbed.get()), "\(again.errors)")
        }
    }

    @Test("Of a tended coordinator a second signal, which the launch sends on, costs no checkpoint")
    func tendedTwice() throws {
        try withTemporaryFolder { folder in
            let (run, configuration) = (folder + "/run", folder + "/cluster.conf")
            // Nobody is missed while the signals come.
            try "[timeouts]\nsuspect = 100.0\ndead = 200.0\n".write(
                toFile: configuration, atomically: true, encoding: .utf8)
            var words = try arguments(run: run, workers: 1)
            words[0...1] = ["coordinator", "--recipe", words[1]]
            words += ["--config", configuration, "--listen", "tcp://127.0.0.1:0", "--parent", "\(getpid())"]
            let coordinator = try Program.start(words)
            defer { if coordinator.process.isRunning { coordinator.kill() } }
            try status(of: run) { _ in true }
            let worker = try Program.start(["worker", "--join", try endpoint(of: run), "--threads", "1"])
            defer { if worker.process.isRunning { worker.kill() } }
            try status(of: run) { ($0["step"] as? Int ?? 0) >= 2 }
            // No step ends and no checkpoint is written meanwhile.
            worker.kill(SIGSTOP)
            for _ in 0..<5 {
                coordinator.kill(SIGTERM)
                try status(of: run) { _ in true }
            }
            worker.kill(SIGCONT)
            let stopped = coordinator.wait()
            #expect(stopped.status == 75, "\(stopped.errors)")
            let reached = try StepLedger.read(run: run).count
            #expect(try CheckpointStore.versions(run: run).last == reached)
        }
    }

    @Test(
        "A worker hands back what it has and leaves: with 0 on SIGTERM, with 75 on SIGUSR1; nothing is computed twice",
        arguments: [
            (SIGTERM, 0), (SIGUSR1, 75),
        ] as [(Int32, Int32)])
    func drain(number: Int32, code: Int32) throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try Program.start(arguments(run: run, workers: 1))
            try status(of: run) { members($0).count == 1 }
            let leaving = try Program.start(
                ["worker", "--join", try endpoint(of: run), "--threads", "1", "--name", "leaving"])
            // It owns a part of the parameters by then.
            try status(of: run) { status in
                members(status).contains { $0["name"] as? String == "leaving" && ($0["chunks"] as? Int ?? 0) > 0 }
            }
            leaving.kill(number)
            let left = leaving.wait()
            #expect(left.status == code, "\(left.errors)")
            let trained = training.wait()
            #expect(trained.status == 0, "\(trained.errors)")
            #expect(trained.json["weights_sha256"] as? String == (try Self.undisturbed.get()))
            for word in ["is dead: its ", "rolled back", "replay"] {
                #expect(!trained.errors.contains(word), "\(trained.errors)")
            }
        }
    }

    @Test("Of two workers of one name the status shows what drain knows each by, and of nobody else")
    func namesakes() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            // More steps than there is time for.
            let training = try Program.start(arguments(run: run, workers: 1, steps: 10_000))
            defer { if training.process.isRunning { training.kill() } }
            try status(of: run) { members($0).count == 1 }
            let endpoint = try endpoint(of: run)
            let twins = try (0..<2).map { _ in
                try Program.start(["worker", "--join", endpoint, "--threads", "1", "--name", "twin"])
            }
            defer { for twin in twins where twin.process.isRunning { twin.kill() } }
            let seen = members(try status(of: run) { members($0).count == 3 })
            let shown = try Program.run("status", "--join", endpoint).output
            for member in seen {
                let incarnation = try #require(member["incarnation"] as? String)
                let isTwin = member["name"] as? String == "twin"
                #expect(shown.contains(", incarnation \(incarnation)") == isTwin, "\(shown)")
            }
            let first = try #require(seen.first { $0["pid"] as? Int == Int(twins[0].pid) })
            let incarnation = try #require(first["incarnation"] as? String)
            let drained = try Program.run("drain", incarnation, "--join", endpoint)
            #expect(drained.status == 0, "\(drained.errors)")
            _ = twins[0].wait()
            try status(of: run) { members($0).count == 2 }
            let left = try Program.run("status", "--join", endpoint).output
            #expect(left.contains("twin") && !left.contains("incarnation"), "\(left)")
            training.kill(SIGTERM)
            #expect(training.wait().status == 75)
        }
    }

    @Test(
        "A worker that has not joined yet leaves with the same codes",
        arguments: [
            (SIGTERM, 0), (SIGUSR1, 75),
        ] as [(Int32, Int32)])
    func leaveBeforeJoining(number: Int32, code: Int32) throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            // Somebody listens there, and says nothing.
            let port = try TakenPort()
            let worker = try Program.start(
                [
                    "NOTIFY_SOCKET=\(supervisor.path)", Program.path, "worker", "--join",
                    "tcp://127.0.0.1:\(port.number)", "--threads", "1",
                ], with: "/usr/bin/env")
            // It heeds signals by then.
            #expect(supervisor.next(within: 60) == "READY=1")
            worker.kill(number)
            let left = worker.wait()
            #expect(left.status == code, "\(left.errors)")
            #expect(left.errors.contains(code == 0 ? "told to leave before it joined" : "left on SIGUSR1"))
            withExtendedLifetime(port) {}
        }
    }

    @Test(
        "A worker that waits for the name of its coordinator leaves with the same codes",
        arguments: [
            (SIGTERM, 0), (SIGINT, 0), (SIGUSR1, 75),
        ] as [(Int32, Int32)])
    func leaveBeforeTheNameIsKnown(number: Int32, code: Int32) throws {
        let worker = try Program.start(["worker", "--join", "tcp://no-such-host.invalid:5570", "--threads", "1"])
        defer { if worker.process.isRunning { worker.kill() } }
        #expect(worker.errors.wait(for: "it is tried again"), "\(worker.errors.now)")
        worker.kill(number)
        let left = worker.wait()
        #expect(left.status == code, "\(left.errors)")
        #expect(left.errors.contains("told to leave before it joined"))
    }

    @Test("The second SIGINT ends a training at once that cannot write its checkpoint; its workers end with it")
    func secondInterrupt() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let training = try Program.start(arguments(run: run, workers: 2))
            let seen = try status(of: run) { ($0["step"] as? Int ?? 0) >= 1 && members($0).count == 2 }
            let workers = members(seen).compactMap { ($0["pid"] as? Int).map(Int32.init) }
            #expect(workers.count == 2)
            let children = ProcessTree.descendants(of: [training.pid])
            #expect(Set(children.map(\.pid)).isSuperset(of: workers))
            // Whoever is stopped sends no chunk for a checkpoint.
            for worker in workers { kill(worker, SIGSTOP) }
            func catches() throws -> Bool {
                let line = try text(of: "/proc/\(training.pid)/status").split(separator: "\n")
                    .first { $0.hasPrefix("SigCgt:") }
                let mask = line.flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
                return mask & (1 << UInt64(SIGINT - 1)) != 0
            }
            #expect(try catches())
            training.kill(SIGINT)
            let deadline = Date().addingTimeInterval(60)
            while try catches(), Date() < deadline {}
            #expect(training.process.isRunning)
            training.kill(SIGINT)
            // The workers hold its pipes open, so wait for the process alone.
            training.process.waitUntilExit()
            #expect(training.process.terminationReason == .uncaughtSignal)
            #expect(training.process.terminationStatus == SIGINT)
            for worker in workers { kill(worker, SIGCONT) }
            _ = training.wait()
            #expect(ProcessTree.end(children, within: 60))
        }
    }
}

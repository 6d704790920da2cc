import Foundation
import TestSupport
import Testing

/// Real processes: training is done, and its last checkpoints are being validated.
@Suite("Validations that are left to the next command", .serialized, .timeLimit(.minutes(10)))
struct LeftValidationTests {
    /// Stops the process that validates, as soon as there is one.
    private func stopValidation(of training: Running) throws -> ProcessTree.Entry {
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline {
            let children = ProcessTree.descendants(of: [training.pid])
            let found = children.first { ProcessTree.arguments($0).dropFirst().first == "test" }
            // After one that was at its end another follows.
            if let found, ProcessTree.stop(found) { return found }
        }
        throw MotionRun.TimedOut()
    }

    /// The steps whose checkpoints were validated.
    private func validated(_ run: String) throws -> [Int] {
        let path = run + "/validation.jsonl"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try text(of: path).split(separator: "\n").map { line in
            let members = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(members?["step"] as? Int)
        }
    }

    @Test("While the last checkpoints are validated a supervisor is asked for time")
    func supervised() throws {
        try withTemporaryFolder { folder in
            let supervisor = try #require(NoticeListener(folder + "/notify"))
            let training = try Program.start(
                ["NOTIFY_SOCKET=\(supervisor.path)", Program.path]
                    + MotionRun.arguments(
                        run: folder + "/run", workers: 1, "schedule.steps=2", "checkpoint.every_steps=2",
                        "validation.every_epochs=1"),
                with: "/usr/bin/env")
            let child = try stopValidation(of: training)
            var told = ""
            while !told.hasPrefix("EXTEND_TIMEOUT_USEC="), let next = supervisor.next(within: 60) { told = next }
            #expect(told == "EXTEND_TIMEOUT_USEC=60000000")
            kill(child.pid, SIGCONT)
            _ = try MotionRun.hash(training.wait())
        }
    }

    @Test(
        "Control-C ends the command with the run's result, a scheduler's signal with 75; the same command validates the rest",
        arguments: [(SIGINT, 0), (SIGUSR1, 75)] as [(Int32, Int32)])
    func interrupted(signal: Int32, code: Int32) throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let arguments = try MotionRun.arguments(
                run: run, workers: 1, "schedule.steps=6", "checkpoint.every_steps=2", "validation.every_epochs=1",
                "validation.clips=2")
            let training = try Program.start(arguments)
            let child = try stopValidation(of: training)
            #expect(training.errors.wait(for: "validating the last checkpoints"))
            training.kill(signal)
            #expect(training.errors.wait(for: "the last checkpoints are not validated; the same command does it"))
            // It has been told to end by then.
            kill(child.pid, SIGCONT)
            let first = training.wait()
            #expect(first.status == code, "\(first.errors)")
            let before = try validated(run)
            #expect(!before.contains(6))

            let second = try Program.start(arguments).wait()
            let hash = try MotionRun.hash(second)
            #expect(code != 0 || first.json["weights_sha256"] as? String == hash)
            let after = try validated(run)
            #expect(after.starts(with: before) && after.last == 6 && after == Set(after).sorted(), "\(after)")
            #expect(second.errors.contains("step 6: video@1"), "\(second.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: run + "/validation").isEmpty)
            #expect(FileManager.default.fileExists(atPath: run + "/best/model.safetensors"))
        }
    }

    @Test("The same command, told so again by a scheduler, ends with 75 again")
    func interruptedAgain() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let arguments = try MotionRun.arguments(
                run: run, workers: 1, "schedule.steps=2", "checkpoint.every_steps=2", "validation.every_epochs=1")
            for _ in 0..<2 {
                let training = try Program.start(arguments)
                let child = try stopValidation(of: training)
                #expect(training.errors.wait(for: "validating the last checkpoints"))
                training.kill(SIGUSR1)
                #expect(training.errors.wait(for: "the last checkpoints are not validated; the same command does it"))
                kill(child.pid, SIGCONT)
                let ended = training.wait()
                #expect(ended.status == 75, "\(ended.errors)")
                #expect(ended.errors.contains("its last checkpoints are not validated; the same command continues"))
            }
            _ = try MotionRun.hash(Program.start(arguments).wait())
            #expect(try validated(run) == [2])
        }
    }
}

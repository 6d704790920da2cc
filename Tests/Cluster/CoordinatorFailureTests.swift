import Coordinator
import Foundation
import Reporting
import TestSupport
import Testing
import Wire

/// Real processes: the coordinator and its disk fail, and the weights are the same.
@Suite(.serialized) struct CoordinatorFailureTests {
    /// Steps in the ledger of a run, and the generation of the last.
    private func ledger(_ run: String) throws -> (steps: Int, generation: UInt64) {
        let records = try StepLedger.read(run: run)
        return (records.count, records.last?.generation ?? 0)
    }

    @Test(
        "A stopped coordinator is taken over from; woken up it exits 70, and the run ends as if nothing had been",
        arguments: [true, false])
    func takenOver(wakesWhileTheOtherTrains: Bool) throws {
        let undisturbed = try MotionRun.undisturbed.get()
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let old = try Program.start(MotionRun.arguments(run: run, workers: 2))
            let seen = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 7 }
            old.kill(SIGSTOP)
            let refused = try Program.start(MotionRun.arguments(run: run, workers: 1)).wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("--take-over"))

            let new = try Program.start(MotionRun.arguments(run: run, workers: 1, "--take-over"))
            if wakesWhileTheOtherTrains {
                let deadline = Date().addingTimeInterval(60)
                while try ledger(run).generation < 2 { try #require(Date() < deadline) }
                old.kill(SIGCONT)
            }
            #expect(try MotionRun.hash(new.wait()) == undisturbed)
            if !wakesWhileTheOtherTrains { old.kill(SIGCONT) }
            let ended = old.wait()
            #expect(ended.status == 70, "\(ended.errors)")
            #expect(ended.errors.contains("generation 2 has taken over from generation 1"), "\(ended.errors)")
            #expect(try ledger(run) == (24, 2))
            let audit = try Program.run("audit", run, "--data", try MotionRun.data.get(), "--json")
            #expect(audit.status == 0, "\(audit.errors)")
            #expect(audit.json["complete_passes"] as? Int == 12)
            #expect((audit.json["generations"] as? [Any])?.count == 2)
            let verified = try Program.run("verify", run, "--json")
            #expect(verified.status == 0, "\(verified.errors)")
            #expect(verified.json["ledger_steps"] as? Int == 24)
            // Its workers went with it.
            for member in try #require(seen["members"] as? [[String: Any]]) {
                let pid = try #require(member["pid"] as? Int)
                #expect(kill(Int32(pid), 0) != 0, "worker \(pid) of the old one is still there")
            }
        }
    }

    @Test("Whoever has lost a run leaves the address of the other's page where it is")
    func pageOfTheOther() throws {
        try withTemporaryFolder { folder in
            let (run, page) = (folder + "/run", folder + "/run/dashboard")
            // More steps than there is time for.
            let arguments = try MotionRun.arguments(
                run: run, workers: 1, "schedule.steps=10000", "--dashboard", "127.0.0.1:0")
            let old = try Program.start(arguments)
            defer { if old.process.isRunning { old.kill() } }
            _ = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 1 }
            old.kill(SIGSTOP)
            let before = try text(of: page)
            let new = try Program.start(arguments + ["--take-over"])
            defer { if new.process.isRunning { new.kill() } }
            try #require(new.errors.wait(for: "page is at"))
            new.kill(SIGSTOP)
            let now = try text(of: page)
            #expect(now != before)
            old.kill(SIGCONT)
            #expect(old.wait().status == 70)
            #expect((try? text(of: page)) == now)
            new.kill(SIGCONT)
            new.kill(SIGTERM)
            #expect(new.wait().status == 75)
            #expect((try? text(of: page)) == nil)
        }
    }

    @Test(
        "A ledger that is lost while nobody runs comes back from the newest checkpoint, loudly",
        arguments: [true, false])
    func lostLedger(isRemoved: Bool) throws {
        let undisturbed = try MotionRun.undisturbed.get()
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let first = try Program.start(MotionRun.arguments(run: run, workers: 2))
            _ = try MotionRun.status(of: run) { ($0["newest_checkpoint"] as? Int ?? 0) >= 5 }
            first.kill(SIGTERM)
            #expect(first.wait().status == 75)
            // As if it had been killed between the ledger's disk and the lines of its last two steps.
            let lines = try text(of: run + "/metrics.jsonl").split(separator: "\n")
            try #require(lines.count > 2)
            let torn = "\(lines.dropLast(2).joined(separator: "\n"))\n\(lines[lines.count - 2].prefix(30))"
            try Data(torn.utf8).write(to: URL(fileURLWithPath: run + "/metrics.jsonl"))
            let segment = run + "/ledger/0000000000000000-00000001.log"
            if isRemoved {
                try FileManager.default.removeItem(atPath: run + "/ledger")
            } else {
                var bytes = try Data(contentsOf: URL(fileURLWithPath: segment))
                bytes[70] ^= 4
                try bytes.write(to: URL(fileURLWithPath: segment))
            }
            let again = try Program.start(MotionRun.arguments(run: run, workers: 1)).wait()
            #expect(try MotionRun.hash(again) == undisturbed)
            #expect(
                again.errors.contains(isRemoved ? "THE LEDGER WAS LOST" : "THE LEDGER WAS DAMAGED"), "\(again.errors)")
            #expect(try ledger(run).steps == 24)
            #expect(try stepsInMetrics(run) == Array(0..<24))
        }
    }

    @Test("Steps that are computed again because the ledger was lost are shown once")
    func shownOnce() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            let shown = { try EventFile.steps(of: "loss", in: run + "/tensorboard").sorted() }
            let arguments = try MotionRun.arguments(
                run: run, workers: 1, "checkpoint.every_steps=1000", MotionRun.longer)
            let first = try Program.start(arguments)
            _ = try MotionRun.status(of: run) { _ in ((try? shown())?.count ?? 0) >= 3 }
            first.kill()
            try #require(first.wait().status == SIGKILL)
            // There is no checkpoint to restore it from: all is computed again.
            try FileManager.default.removeItem(atPath: run + "/ledger")
            let again = try Program.start(arguments).wait()
            try #require(again.status == 0, "\(again.errors)")
            #expect(try shown() == Array(0..<100))
            #expect(try stepsInMetrics(run) == Array(0..<100))
        }
    }

    /// Those that have a line, ascending.
    private func stepsInMetrics(_ run: String) throws -> [Int] {
        try text(of: run + "/metrics.jsonl").split(separator: "\n").compactMap { line in
            let json = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return json?["step"] as? Int
        }.sorted()
    }

    /// Whether `text` has turned up among what the program says.
    private func wait(for text: String, from program: Running, asking run: String) throws {
        _ = try MotionRun.status(of: run) { _ in program.errors.now.contains(text) }
    }

    @Test("Audit and verify name what is wrong with a run's folder, and exit 65")
    func proofs() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            _ = try MotionRun.hash(Program.start(MotionRun.arguments(run: run, workers: 1)).wait())
            for command in ["audit", "verify"] { #expect(try Program.run(command, run).status == 0) }
            func spoil(_ path: String, at offset: Int) throws {
                let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
                try file.seek(toOffset: UInt64(offset))
                let byte = try #require(try file.read(upToCount: 1)?.first)
                try file.seek(toOffset: UInt64(offset))
                try file.write(contentsOf: Data([byte ^ 16]))
                try file.close()
            }
            try spoil(run + "/checkpoints/step-20/state.safetensors", at: 1_000_000)
            let damaged = try Program.run("verify", run, "--json")
            #expect(damaged.status == 65)
            #expect(damaged.errors.contains("checkpoints/step-20: chunk"), "\(damaged.errors)")
            let checkpoints = try #require(damaged.json["checkpoints"] as? [[String: Any]])
            #expect(checkpoints.map { $0["ok"] as? Bool } == [true, false, true])

            // The last checkpoint damaged: whoever reads the run uses the one before, and training makes it anew.
            try spoil(run + "/checkpoints/step-24/model.safetensors", at: 1_000_000)
            let info = try Program.run("model", "inspect", run)
            #expect(info.errors.contains("the checkpoint of step 24 is not used"), "\(info.errors)")
            let again = try Program.start(MotionRun.arguments(run: run, workers: 1)).wait()
            #expect(try MotionRun.hash(again) == MotionRun.undisturbed.get())
            #expect(again.errors.contains("rolled back") || again.errors.contains("replay"), "\(again.errors)")

            try spoil(run + "/ledger/0000000000000000-00000001.log", at: 70)
            let audit = try Program.run("audit", run, "--json")
            #expect(audit.status == 65)
            #expect(audit.errors.contains("the log is damaged at byte 32"), "\(audit.errors)")
            // Nothing is left to train: the ledger is restored, and the same is said again.
            let restored = try Program.start(MotionRun.arguments(run: run, workers: 1)).wait()
            #expect(try MotionRun.hash(restored) == MotionRun.undisturbed.get())
            #expect(restored.errors.contains("THE LEDGER WAS DAMAGED"), "\(restored.errors)")
            #expect(try Program.run("audit", run).status == 0)
            #expect(try Program.run("audit", folder).status == 64)
        }
    }

    @Test(
        "A disk without room for a checkpoint: the old one stays, training goes on, the next one is written",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a tmpfs"))
    func fullDiskUnderCheckpoints() throws {
        try SmallDisk.with(kilobytes: 600 << 10) { disk in
            let run = disk.path + "/run"
            let plain = try Program.start(
                MotionRun.arguments(run: disk.path + "/plain", workers: 1, "schedule.steps=60", "checkpoint.keep=1"))
            let undisturbed = try MotionRun.hash(plain.wait())
            try FileManager.default.removeItem(atPath: disk.path + "/plain")
            let training = try Program.start(
                MotionRun.arguments(run: run, workers: 2, "schedule.steps=60", "checkpoint.keep=1"))
            _ = try MotionRun.status(of: run) { ($0["newest_checkpoint"] as? Int ?? 0) >= 5 }
            try disk.fill(leaving: 20 << 10)
            try wait(for: "No space left on device", from: training, asking: run)
            let failed = try MotionRun.status(of: run) { _ in true }
            let step = try #require(failed["step"] as? Int)
            // Steps go on beside it.
            let later = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) > step + 1 }
            #expect((later["newest_checkpoint"] as? Int ?? 0) >= 5)
            try disk.free()
            _ = try MotionRun.status(of: run) {
                ($0["newest_checkpoint"] as? Int ?? 0) > (later["newest_checkpoint"] as? Int ?? 0)
            }
            #expect(try MotionRun.hash(training.wait()) == undisturbed)
        }
    }
}

import Foundation
import TestSupport
import Testing

/// Real processes on this machine: whatever the cluster looks like and whatever is killed, the weights are the same.
@Suite(.serialized, .timeLimit(.minutes(10))) struct SameBitsTests {
    @Test func anyNumberOfWorkersAndThreads() throws {
        try withTemporaryFolder { folder in
            var hashes: [String] = []
            for (workers, threads) in [(1, 1), (1, 2), (2, 1), (3, 1)] {
                let run = folder + "/\(workers)-\(threads)"
                hashes.append(
                    try MotionRun.hash(
                        Program.start(MotionRun.arguments(run: run, workers: workers, threads: threads)).wait()))
            }
            #expect(Set(hashes).count == 1, "\(hashes)")
        }
    }

    /// Each worker decides for itself whether it recomputes activations.
    @Test func workersThatRecomputeAndOthers() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try MotionRun.undisturbedLonger.get()
            let alone = try Program.start(
                MotionRun.arguments(run: folder + "/a", workers: 2, MotionRun.longer, "--recompute")
            ).wait()
            #expect(try MotionRun.hash(alone) == undisturbed)
            #expect(alone.errors.ranges(of: Self.recomputing).count == 2, "\(alone.errors)")
            let run = folder + "/b"
            let training = try Program.start(MotionRun.arguments(run: run, workers: 1, MotionRun.longer))
            _ = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 1 }
            let endpoint = try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
            let joiner = try Program.start(["worker", "--join", endpoint, "--threads", "1", "--recompute"])
            let others = training.wait()
            #expect(try MotionRun.hash(others) == undisturbed)
            #expect(others.errors.ranges(of: Self.recomputing).isEmpty, "\(others.errors)")
            let joined = joiner.wait()
            #expect(joined.status == 0)
            #expect(joined.errors.ranges(of: Self.recomputing).count == 1, "\(joined.errors)")
        }
    }

    /// What a worker says that does.
    private static let recomputing = "activations are recomputed: "

    @Test func aKilledWorkerAndAJoiner() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try MotionRun.undisturbedLonger.get()
            let run = folder + "/b"
            let training = try Program.start(MotionRun.arguments(run: run, workers: 3, MotionRun.longer))
            let seen = try MotionRun.status(of: run) {
                ($0["step"] as? Int ?? 0) >= 2 && ($0["members"] as? [Any])?.count == 3
            }
            let members = try #require(seen["members"] as? [[String: Any]])
            let victim = try #require(members[1]["pid"] as? Int)
            kill(Int32(victim), SIGKILL)
            let endpoint = try text(of: run + "/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
            let joiner = try Program.start(["worker", "--join", endpoint, "--threads", "1"])
            #expect(try MotionRun.hash(training.wait()) == undisturbed)
            #expect(joiner.wait().status == 0)
        }
    }

    @Test func everythingKilledAndRunAgainWithOtherWorkers() throws {
        try withTemporaryFolder { folder in
            let undisturbed = try MotionRun.hash(
                Program.start(MotionRun.arguments(run: folder + "/a", workers: 1, threads: 1)).wait())
            let run = folder + "/b"
            let training = try Program.start(MotionRun.arguments(run: run, workers: 2, threads: 1))
            let seen = try MotionRun.status(of: run) { ($0["step"] as? Int ?? 0) >= 7 }
            training.kill()
            for member in try #require(seen["members"] as? [[String: Any]]) {
                if let pid = member["pid"] as? Int { kill(Int32(pid), SIGKILL) }
            }
            _ = training.wait()
            let again = try MotionRun.hash(Program.start(MotionRun.arguments(run: run, workers: 3, threads: 1)).wait())
            #expect(again == undisturbed)
            // A finished run says the same again, at once.
            #expect(
                try MotionRun.hash(Program.start(MotionRun.arguments(run: run, workers: 1, threads: 1)).wait())
                    == undisturbed)
        }
    }
}

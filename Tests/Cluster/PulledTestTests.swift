import Clips
import Evaluation
import Faults
import Foundation
import Protocol
import Storage
import TestSupport
import Testing

/// A worker of a test, as a process, on a machine that has neither the videos nor the checkpoint: where the coordinator has
/// them it finds nothing.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PulledTestTests {
    private struct Trained {
        let recipe: String
        let set: PackedSet
        let checkpoint: CachedFile
        /// Of the whole test on this machine.
        let table: ScoreTable

        init(_ folder: String) throws {
            let (run, out) = (folder + "/run", folder + "/out")
            let trained = try Program.start(MotionRun.arguments(run: run, workers: 1, "schedule.steps=2")).wait()
            try #require(trained.status == 0, "\(trained.errors)")
            let data = try MotionRun.data.get()
            let tested = try Program.run(
                "test", run + "/recipe.toml", "--checkpoint", run, "--data", data, "--split", "train", "--out", out,
                "--json")
            try #require(tested.status == 0, "\(tested.errors)")
            recipe = try text(of: run + "/recipe.toml")
            set = try PackedSet(directory: data, split: "train")
            let path = run + "/checkpoints/step-2/model.safetensors"
            checkpoint = CachedFile(digest: try fileDigest(path), byteCount: try fileSize(path), name: path)
            table = try ScoreTable(path: out + "/scores.safetensors")
        }

        /// A coordinator whose folders nobody else sees.
        /// - Parameter path: What it gives as the checkpoint.
        func coordinator(checkpoint path: String) throws -> TestCoordinator {
            var paths: [Digest: String] = [:]
            for file in set.files { paths[file.digest] = set.path(of: file.digest) }
            paths[checkpoint.digest] = path
            let assignment = TestAssignment(
                recipe: recipe,
                data: OfferedSplit(
                    directory: "/nowhere/data", split: "train", description: set.description.text,
                    manifestBytes: set.files[0].byteCount),
                dataDigest: "\(set.digest)",
                checkpoint: CachedFile(
                    digest: checkpoint.digest, byteCount: checkpoint.byteCount, name: "/nowhere/model.safetensors"),
                viewsAtOnce: 4, allowsUnexpected: false)
            return try TestCoordinator(
                videos: set.count, classes: 2, assignment: assignment, listen: "tcp://127.0.0.1:0",
                security: .loopback, content: { [paths] digest in Digest(bytes: digest).flatMap { paths[$0] } })
        }
    }

    private func arguments(_ coordinator: TestCoordinator, _ folder: String) -> [String] {
        [
            "test-worker", "--join", coordinator.endpoint, "--threads", "1", "--name", "bare", "--cache",
            folder + "/cache",
        ]
    }

    private func worker(_ coordinator: TestCoordinator, _ folder: String) throws -> Running {
        try Program.start(arguments(coordinator, folder))
    }

    @Test func videosAndCheckpointArePulled() throws {
        try withTemporaryFolder { folder in
            let trained = try Trained(folder)
            let coordinator = try trained.coordinator(checkpoint: trained.checkpoint.name)
            let bare = try worker(coordinator, folder)
            let outcomes = try coordinator.run(mayComeBack: { bare.process.isRunning }, note: { _ in })
            let result = bare.wait()
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("no data set here"), "\(result.errors)")
            #expect(outcomes == trained.table.rows.map(\.outcome), "the same bits as with everything at hand")
            let held = try FileManager.default.contentsOfDirectory(atPath: folder + "/cache")
            #expect(held.contains("\(trained.checkpoint.digest)"), "\(held)")
            #expect(held.count { $0.count == 64 } == 1 + trained.set.files.count, "\(held)")
        }
    }

    /// It says what it pulls and where to, and goes on though that stays unread.
    @Test func aWorkerWhoseErrorsNobodyReadsTests() throws {
        try withTemporaryFolder { folder in
            let trained = try Trained(folder)
            let coordinator = try trained.coordinator(checkpoint: trained.checkpoint.name)
            let bare = try UnreadProgram(arguments(coordinator, folder))
            defer { bare.killIfRunning() }
            let outcomes = try coordinator.run(mayComeBack: { bare.isRunning }, note: { _ in })
            #expect(outcomes == trained.table.rows.map(\.outcome))
            #expect(bare.code() == 0)
        }
    }

    @Test func aCheckpointThatNobodyHasAGoodCopyOfEndsTheWorkerAndIsNamed() throws {
        try withTemporaryFolder { folder in
            let trained = try Trained(folder)
            // Of the same size, and one bit is another.
            var bytes = try Data(contentsOf: URL(fileURLWithPath: trained.checkpoint.name))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: folder + "/rotten"))
            let coordinator = try trained.coordinator(checkpoint: folder + "/rotten")
            let bare = try worker(coordinator, folder)
            let fault = #expect(throws: Fault.self) {
                _ = try coordinator.run(mayComeBack: { bare.process.isRunning }, note: { _ in })
            }
            let result = bare.wait()
            #expect(result.status == 65, "\(result.errors)")
            for words in [result.errors, fault?.reason ?? ""] {
                #expect(words.contains("nobody has a good copy of it"), "\(words)")
            }
        }
    }
}

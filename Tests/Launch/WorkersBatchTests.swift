import Foundation
import TestSupport
import Testing

/// deploy/slurm/workers.sbatch with programs of our own in the place of Slurm's.
@Suite("The batch file of more workers", .timeLimit(.minutes(2)))
struct WorkersBatchTests {
    private static let silence = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    private static let unknown = "slurm_load_jobs error: Invalid job id specified"

    /// Runs it for job 1234 until it ends.
    /// - Parameters:
    ///   - answers: What squeue says one time after the other, and the code that it ends with.
    ///   - code: What the worker ends with, each time.
    /// - Returns: The batch file's code, and how many workers it has started.
    private func run(
        _ answers: [(said: String, code: Int)], worker code: Int
    ) throws -> (code: Int32, workers: Int) {
        try withTemporaryFolder { folder in
            func program(_ name: String, _ lines: String) throws {
                let path = folder + "/bin/" + name
                try "#!/bin/sh\n\(lines)\n".write(toFile: path, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
            for name in ["bin", "run"] {
                try FileManager.default.createDirectory(
                    atPath: folder + "/" + name, withIntermediateDirectories: false)
            }
            try "tcp://127.0.0.1:1\n".write(toFile: folder + "/run/endpoint", atomically: true, encoding: .utf8)
            let cases = answers.enumerated().map { number, answer in
                let stream = answer.code == 0 ? "" : " >&2"
                return "\(number)) echo '\(answer.said)'\(stream); exit \(answer.code) ;;"
            }
            try program(
                "squeue",
                """
                asked=$(cat "\(folder)/asked" 2>/dev/null || echo 0)
                echo $((asked + 1)) >"\(folder)/asked"
                case $asked in
                \(cases.joined(separator: "\n"))
                esac
                """)
            try program("sleep", ":")
            try program("zoetrope", "echo \"$*\" >>\"\(folder)/workers\"; exit \(code)")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments = [sourceTree + "/deploy/slurm/workers.sbatch"]
            process.environment = ["PATH": folder + "/bin:/usr/bin:/bin", "RUN": folder + "/run", "JOB": "1234"]
            process.standardInput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            let workers = (try? text(of: folder + "/workers"))?.split(separator: "\n").count ?? 0
            return (process.terminationStatus, workers)
        }
    }

    @Test("A controller that does not answer has not said that the training is over; one that knows no such job has")
    func silentController() throws {
        let ended = try run([(Self.silence, 1), ("1234", 0), (Self.silence, 1), (Self.unknown, 1)], worker: 75)
        #expect(ended.code == 0)
        #expect(ended.workers == 3)
    }

    @Test("Nothing is listed of a job that has just ended; what cannot be mended by trying again is the code")
    func endings() throws {
        let over = try run([("1234", 0), ("", 0)], worker: 75)
        #expect(over.code == 0 && over.workers == 1)
        let refused = try run([("1234", 0)], worker: 64)
        #expect(refused.code == 64 && refused.workers == 1)
        let done = try run([("1234", 0)], worker: 0)
        #expect(done.code == 0 && done.workers == 1)
    }
}

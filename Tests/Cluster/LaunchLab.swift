import Foundation
import TestSupport
import Testing

/// A cluster of hosts that a test can change.
struct LaunchLab {
    let folder: String
    let run: String
    let shell: SecureShell
    let endpoint: String

    init(_ folder: String) throws {
        self.folder = folder
        run = folder + "/run"
        shell = try SecureShell(folder)
        endpoint = "tcp://127.0.0.1:\(try freePort())"
    }

    var configuration: String { folder + "/cluster.conf" }

    /// Writes cluster.conf: the whole file at once, for a launch may read it at any time.
    func list(_ hosts: [String], _ more: String = "") throws {
        try """
        [coordinator]
        address = "\(endpoint)"
        [worker]
        threads = 1
        [launch]
        ssh = \(shell.command)
        program = "\(Program.path)"
        hosts = [\(hosts.map { "\"\($0)\"" }.joined(separator: ", "))]
        \(more)

        """.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    func launch(_ more: String...) throws -> Running { try Program.start(arguments + more) }

    /// Of a launch.
    var arguments: [String] {
        get throws {
            [
                "launch", "--config", configuration, "--recipe",
                sourceTree + "/recipes/motion/r2plus1d-10-8x56.toml", "input.width=32", "input.height=32",
                "input.crop=28", "batch.units=4", "batch.clips_per_unit=2", "schedule.steps=24",
                "checkpoint.every_steps=5", "--data", try MotionRun.data.get(), "--run", run, "--json",
            ]
        }
    }

    /// Asks the run until `condition` holds for its status.
    @discardableResult
    func status(
        of launch: Running, keys: String? = nil, until condition: ([String: Any]) -> Bool
    ) throws -> [String: Any] {
        let deadline = Date().addingTimeInterval(90)
        while Date() < deadline, launch.process.isRunning {
            let answer = try Program.run("status", "--join", endpoint, "--keys", keys ?? run + "/keys", "--json")
            if answer.status == 0, condition(answer.json) { return answer.json }
        }
        throw TimedOut(log: launch.errors.now)
    }

    struct TimedOut: Error { let log: String }

    /// Everything that the launch has started, on its machine and on the hosts.
    func processes(of launch: Running) -> Set<ProcessTree.Entry> {
        ProcessTree.descendants(of: [launch.pid, shell.pid])
    }

    /// What tenders have left behind on the hosts.
    var leftovers: [String] { (try? FileManager.default.contentsOfDirectory(atPath: shell.runtime)) ?? ["?"] }

    static func with<T>(_ body: (LaunchLab) throws -> T) throws -> T {
        try withTemporaryFolder { folder in
            let lab = try LaunchLab(folder)
            defer { lab.shell.stop() }
            return try body(lab)
        }
    }

    static func members(_ status: [String: Any]) -> [[String: Any]] { status["members"] as? [[String: Any]] ?? [] }
    static func step(_ status: [String: Any]) -> Int { status["step"] as? Int ?? 0 }
}

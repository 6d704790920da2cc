import Foundation
import TestSupport
import Testing

/// `zoetrope launch` whose coordinator runs on one of the hosts, through a real sshd.
@Suite("A coordinator launched by ssh", .serialized, .timeLimit(.minutes(5)))
struct LaunchedCoordinatorTests {
    /// The host of the coordinator, which has no worker.
    private let head = "127.0.0.4"

    private func with<T>(_ body: (LaunchLab) throws -> T) throws -> T {
        try LaunchLab.with { lab in
            try lab.list(Array(SecureShell.hosts[..<2]), "coordinator = \"\(head)\"")
            return try body(lab)
        }
    }

    private func keys(_ lab: LaunchLab) -> String { lab.folder + "/cluster.keys" }

    private func begun(_ lab: LaunchLab, _ launch: Running) throws {
        try lab.status(of: launch, keys: keys(lab)) { LaunchLab.step($0) >= 2 && LaunchLab.members($0).count == 2 }
    }

    /// Of the processes below `root`, those whose command line has all of `words`.
    private func find(below root: Int32, _ words: String...) -> [ProcessTree.Entry] {
        ProcessTree.descendants(of: [root]).filter { process in
            let bytes = FileManager.default.contents(atPath: "/proc/\(process.pid)/cmdline") ?? Data()
            let line = String(decoding: bytes, as: UTF8.self)
            return words.allSatisfy(line.contains)
        }
    }

    @Test("It runs there and is started again when it is killed; log, result and exit code come here, no secret does")
    func killed() throws {
        let undisturbed = try MotionRun.undisturbedLonger.get()
        try with { lab in
            let launch = try lab.launch(MotionRun.longer)
            try begun(lab, launch)
            let secret = try #require(try text(of: keys(lab) + "/coordinator.key").split(separator: "\n").last)
            let processes = lab.processes(of: launch)
            for process in processes {
                for file in ["cmdline", "environ"] {
                    let bytes = FileManager.default.contents(atPath: "/proc/\(process.pid)/\(file)") ?? Data()
                    #expect(!String(decoding: bytes, as: UTF8.self).contains(secret))
                }
            }
            // Not below the launch, but below sshd.
            #expect(find(below: launch.pid, "coordinator\0", "--listen").isEmpty)
            let found = find(below: lab.shell.pid, "coordinator\0", "--listen")
            let coordinator = try #require(found.first)
            #expect(found.count == 1)
            kill(coordinator.pid, SIGKILL)
            let result = launch.wait()
            #expect(try MotionRun.hash(result) == undisturbed)
            // The result and nothing else, and one line of it.
            let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 2 && lines[1].isEmpty, "\(result.output)")
            #expect(
                result.errors.contains("[coordinator] died (signal 9); it starts again in 1 s"), "\(result.errors)")
            #expect(result.errors.contains("[coordinator] zoetrope: worker 127.0.0.2 on "))
            #expect(!result.errors.contains(secret))
            // The copy of the recipe has another name each time: what workers know it by must not.
            #expect(!result.errors.contains("another recipe"), "\(result.errors)")
            #expect(try text(of: lab.run + "/recipe.toml").contains("# \(sourceTree)/recipes/motion/"))
            #expect(ProcessTree.end(processes, within: 120))
            #expect(lab.leftovers == [])
        }
    }

    @Test("A signal makes it write a checkpoint, 75; a killed launch leaves nothing; the same command goes on")
    func signalled() throws {
        let undisturbed = try MotionRun.undisturbed.get()
        try with { lab in
            let first = try lab.launch()
            try begun(lab, first)
            let processes = lab.processes(of: first)
            first.kill(SIGUSR1)
            let stopped = first.wait()
            #expect(stopped.status == 75, "\(stopped.errors)")
            #expect(ProcessTree.end(processes, within: 120))
            #expect(lab.leftovers == [])

            let second = try lab.launch()
            try lab.status(of: second, keys: keys(lab)) { LaunchLab.members($0).count == 2 }
            let others = lab.processes(of: second)
            second.kill(SIGKILL)
            second.process.waitUntilExit()
            #expect(ProcessTree.end(others, within: 120))
            #expect(lab.leftovers == [])
            #expect(try MotionRun.hash(try lab.launch().wait()) == undisturbed)
            // A finished run says the same again, and starts no worker for it.
            let again = try lab.launch().wait()
            #expect(try MotionRun.hash(again) == undisturbed)
            #expect(again.errors.isEmpty, "\(again.errors)")
        }
    }

    @Test("When its connection breaks it writes a checkpoint and lets the run go, and the next one has it")
    func connectionBreaks() throws {
        let undisturbed = try MotionRun.undisturbedLonger.get()
        try with { lab in
            let launch = try lab.launch(MotionRun.longer)
            try begun(lab, launch)
            let ssh = find(below: launch.pid, "/ssh\0", "\0\(head)\0")
            #expect(ssh.count == 1)
            for process in ssh { kill(process.pid, SIGKILL) }
            let result = launch.wait()
            #expect(try MotionRun.hash(result) == undisturbed, "\(result.errors)")
            #expect(result.errors.contains("[coordinator] died ("), "\(result.errors)")
            #expect(lab.leftovers == [])
        }
    }

    @Test("What cannot work is refused or given up by name; a dry run shows where it would run")
    func refusals() throws {
        try LaunchLab.with { lab in
            let hosts = Array(SecureShell.hosts[..<2])
            try lab.list(
                [],
                """
                coordinator = "a"
                [[launch.host]]
                name = "a"
                address = "\(head)"
                program = "/nowhere/zoetrope"
                """)
            var refused = try lab.launch().wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("[coordinator] has no program to start (127)"), "\(refused.errors)")
            try lab.list(hosts, "coordinator = \"\(head)\"")
            refused = try lab.launch("batch.unit=3").wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("did you mean 'batch.units'?"), "\(refused.errors)")
            try lab.list(hosts + ["node1.example.org"], "coordinator = \"\(head)\"")
            refused = try lab.launch().wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("by which the hosts reach \(head): tcp://"), "\(refused.errors)")
            try lab.list(hosts, "coordinator = \"\(head)\"")
            let dry = try lab.launch("--dry-run").wait()
            #expect(dry.status == 0)
            let lines = dry.output.split(separator: "\n")
            #expect(lines.first?.hasPrefix("[coordinator] /usr/bin/ssh ") == true, "\(dry.output)")
            #expect(lines.first?.contains(" -- \(head) ") == true, "\(dry.output)")
        }
    }
}

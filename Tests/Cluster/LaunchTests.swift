import Foundation
import TestSupport
import Testing

/// `zoetrope launch` through a real sshd, whose addresses on loopback are the hosts.
@Suite("Launched by ssh", .serialized, .timeLimit(.minutes(10)))
struct LaunchTests {
    private func members(_ status: [String: Any]) -> [[String: Any]] { LaunchLab.members(status) }
    private func step(_ status: [String: Any]) -> Int { LaunchLab.step(status) }

    @Test("Two hosts, a worker killed on one: it is started again, the weights are those of one machine left in peace")
    func killedWorker() throws {
        let undisturbed = try MotionRun.undisturbedLonger.get()
        try LaunchLab.with { lab in
            try lab.list(Array(SecureShell.hosts[..<2]))
            let launch = try lab.launch(MotionRun.longer)
            let seen = try lab.status(of: launch) { step($0) >= 2 && members($0).count == 2 }
            let victim = try #require(members(seen).first { $0["name"] as? String == "127.0.0.3" })
            kill(Int32(try #require(victim["pid"] as? Int)), SIGKILL)
            // The same name, another process.
            try lab.status(of: launch) { status in
                members(status).contains {
                    $0["name"] as? String == "127.0.0.3" && $0["pid"] as? Int != victim["pid"] as? Int
                }
            }
            let processes = lab.processes(of: launch)
            #expect(processes.count >= 8)
            let result = launch.wait()
            #expect(try MotionRun.hash(result) == undisturbed)
            #expect(
                result.errors.contains("[127.0.0.3]   ended (signal 9); it starts again in 1 s"), "\(result.errors)")
            #expect(result.errors.contains("[coordinator] zoetrope: worker 127.0.0.2 on "))
            #expect(!result.errors.contains("\u{1B}"))
            #expect(ProcessTree.end(processes, within: 120))
            #expect(lab.leftovers == [])
        }
    }

    @Test("No command, environment or log has the job's secrets; on the hosts they are in a private folder")
    func secrets() throws {
        try LaunchLab.with { lab in
            try lab.list([SecureShell.hosts[0]])
            let launch = try lab.launch("schedule.steps=1000")
            try lab.status(of: launch) { step($0) >= 1 }
            let secret = try #require(try text(of: lab.run + "/keys/worker.key").split(separator: "\n").last)
            let processes = lab.processes(of: launch)
            #expect(processes.count >= 5)
            for process in processes {
                for file in ["cmdline", "environ"] {
                    let bytes = FileManager.default.contents(atPath: "/proc/\(process.pid)/\(file)") ?? Data()
                    #expect(!String(decoding: bytes, as: UTF8.self).contains(secret))
                }
            }
            let folder = lab.shell.runtime + "/" + (try #require(lab.leftovers.first))
            func mode(_ path: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            #expect(try mode(folder) == 0o700)
            #expect(try mode(folder + "/worker.key") == 0o600)
            // What a worker does not need is not there.
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                    == ["cluster.conf", "coordinator.pub", "worker.key", "worker.pub"])
            launch.kill(SIGTERM)
            let result = launch.wait()
            #expect(result.status == 75, "\(result.errors)")
            #expect(!result.errors.contains(secret))
            #expect(lab.leftovers == [])
        }
    }

    @Test("When the tender of a worker is killed, the worker is started again, and the keys that it left go")
    func killedTender() throws {
        try LaunchLab.with { lab in
            try lab.list([SecureShell.hosts[0]])
            let launch = try lab.launch("schedule.steps=1000")
            let seen = try lab.status(of: launch) { step($0) >= 1 }
            let worker = try #require(members(seen).first?["pid"] as? Int)
            let left = try #require(lab.leftovers.first)
            let tender = ProcessTree.descendants(of: [lab.shell.pid]).first {
                ProcessTree.arguments($0).last == "tend"
            }
            kill(try #require(tender).pid, SIGKILL)
            try lab.status(of: launch) { members($0).contains { $0["pid"] as? Int != worker } }
            #expect(!lab.leftovers.contains(left))
            launch.kill(SIGTERM)
            let result = launch.wait()
            #expect(result.status == 75, "\(result.errors)")
            #expect(lab.leftovers == [])
        }
    }

    @Test("When launch is killed, nothing of it remains on any host; the same command continues to the same weights")
    func killedLaunch() throws {
        let undisturbed = try MotionRun.undisturbed.get()
        try LaunchLab.with { lab in
            try lab.list(Array(SecureShell.hosts[..<2]))
            let launch = try lab.launch()
            try lab.status(of: launch) { step($0) >= 3 && members($0).count == 2 }
            let processes = lab.processes(of: launch)
            launch.kill(SIGKILL)
            launch.process.waitUntilExit()
            #expect(ProcessTree.end(processes, within: 120))
            #expect(lab.leftovers == [])
            #expect(try MotionRun.hash(try lab.launch().wait()) == undisturbed)
            // A finished run says the same again, and needs no host for it.
            try lab.list(["127.0.0.99"])
            #expect(try MotionRun.hash(try lab.launch().wait()) == undisturbed)
            // Nor anybody who reads it.
            let unread = try Program.start(
                ["-c", #""$@" | true; exit "${PIPESTATUS[0]}""#, "bash", Program.path] + lab.arguments,
                with: "/bin/bash"
            ).wait()
            #expect(unread.status == 0, "\(unread.errors)")
        }
    }

    @Test("SIGUSR1 writes a checkpoint and ends with 75; --elastic takes a host in while training, and lets one go")
    func signalAndElastic() throws {
        let undisturbed = try MotionRun.undisturbedLonger.get()
        try LaunchLab.with { lab in
            try lab.list([SecureShell.hosts[0]])
            let first = try lab.launch(MotionRun.longer)
            try lab.status(of: first) { step($0) >= 2 }
            let processes = lab.processes(of: first)
            first.kill(SIGUSR1)
            let stopped = first.wait()
            #expect(stopped.status == 75, "\(stopped.errors)")
            #expect(ProcessTree.end(processes, within: 120))

            let launch = try lab.launch("--elastic", MotionRun.longer)
            try lab.status(of: launch) { members($0).count == 1 }
            try lab.list([SecureShell.hosts[0], "127.0.0.3"])
            try lab.status(of: launch) { members($0).count == 2 }
            try lab.list(["127.0.0.3"])
            let result = launch.wait()
            #expect(try MotionRun.hash(result) == undisturbed)
            #expect(result.errors.contains("[127.0.0.2]   is no longer in the list"), "\(result.errors)")
            #expect(!result.errors.contains("is dead: its "), "\(result.errors)")
        }
    }

    @Test("The second SIGINT ends everything at once, with 130")
    func abort() throws {
        try LaunchLab.with { lab in
            try lab.list(Array(SecureShell.hosts[..<2]))
            let launch = try lab.launch("schedule.steps=1000")
            let seen = try lab.status(of: launch) { step($0) >= 1 && members($0).count == 2 }
            // Whoever is stopped sends no chunk for a checkpoint, so the first SIGINT cannot be done with.
            for member in members(seen) { kill(Int32(member["pid"] as? Int ?? 0), SIGSTOP) }
            let processes = lab.processes(of: launch)
            launch.kill(SIGINT)
            let deadline = Date().addingTimeInterval(60)
            while !launch.errors.now.contains("is told to write a checkpoint"), Date() < deadline {}
            #expect(launch.process.isRunning)
            launch.kill(SIGINT)
            #expect(launch.wait().status == 130)
            #expect(ProcessTree.end(processes, within: 120))
            #expect(lab.leftovers == [])
        }
    }

    @Test("What cannot work is refused before anything is started, or given up by name")
    func refusals() throws {
        try LaunchLab.with { lab in
            try lab.list([])
            var refused = try lab.launch().wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("launch.hosts: names no host"), "\(refused.errors)")
            try lab.list(["node1.example.org"])
            refused = try lab.launch().wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("cannot join at tcp://127.0.0.1"), "\(refused.errors)")
            try lab.list([], "[[launch.host]]\nname = \"a\"\naddress = \"127.0.0.2\"\nprogram = \"/nowhere/zoetrope\"")
            refused = try lab.launch().wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("[a]           has no program to start (127)"), "\(refused.errors)")
            // A dry run starts nothing and shows no secret.
            let dry = try lab.launch("--dry-run", "--dashboard", "127.0.0.1:8017").wait()
            #expect(dry.status == 0)
            #expect(dry.output.contains("'exec /nowhere/zoetrope tend'"), "\(dry.output)")
            #expect(dry.output.contains(" --dashboard 127.0.0.1:8017 "), "\(dry.output)")
            refused = try lab.launch("--dashboard-token", lab.folder + "/token").wait()
            #expect(refused.status == 64)
            #expect(refused.errors.contains("--dashboard-token: there is no page for it"), "\(refused.errors)")
        }
    }
}

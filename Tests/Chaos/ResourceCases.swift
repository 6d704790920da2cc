import Foundation
import Glibc

/// Processors, memory, ports and descriptors that are short.
let resourceCases: [ChaosCase] = [
    ChaosCase(5, "slow-worker", needs: .controlGroups) { lab in
        lab.recipe.steps = 20
        // A tenth of a processor.
        let group = try lab.controlGroup("cpu", ["cpu.cfs_quota_us": "10000", "cpu.cfs_period_us": "100000"])
        try lab.begin(workers: 3)
        try lab.disturb("b has a tenth of a processor") {
            if let pid = lab.cluster.pid("b") { try group.add(pid) }
        }
        try lab.expectUndisturbed(within: 300)
        let again = lab.cluster.notes.count { $0.line.contains("is computed again elsewhere") }
        let alarms = lab.cluster.notes.count { $0.line.contains("ALARM") }
        lab.say("\(again) blocks were computed twice")
        try lab.expect(alarms == 0, "two results of one block differ")
    },

    ChaosCase(26, "out-of-memory", needs: .controlGroups) { lab in
        // The other two go on meanwhile, and b is killed several times, each time after a longer pause.
        lab.recipe.steps = 250
        try lab.begin(workers: 3)
        let size = lab.cluster.residentMegabytes()["b"] ?? 100
        let group = try lab.controlGroup("memory", ["memory.limit_in_bytes": "\(size / 2)M"])
        let starts = lab.cluster.jobs["b"]?.starts ?? 0
        try lab.disturb("b starts again with \(size / 2) MB, half of what it needs") {
            lab.cluster.setCommand("b", try group.prefix + lab.workerCommand("b"))
            lab.cluster.signal("b", SIGKILL)
        }
        try lab.cluster.wait(60, for: "the kernel to kill b twice") { lab.cluster.jobs["b"]?.starts ?? 0 >= starts + 3 }
        try lab.expect(
            lab.cluster.jobs["b"]?.exits.allSatisfy { $0 == .signal(SIGKILL) } ?? false,
            "b ended with \(lab.cluster.jobs["b"]?.exits ?? [])")
        try lab.disturb("b may have its memory again") {
            lab.cluster.setCommand("b", try lab.workerCommand("b"))
            lab.cluster.signal("b", SIGKILL)
        }
        try lab.cluster.waitForJoin("b", after: lab.lastFault)
        try lab.expectUndisturbed()
    },

    ChaosCase(27, "crash-loop") { lab in
        lab.recipe.steps = 50
        try lab.begin(workers: 3)
        for _ in 0..<6 {
            let life = lab.dice.between(0.3, 2)
            try lab.disturb("c dies \(seconds(life)) s after its start") { lab.cluster.signal("c", SIGKILL) }
            try lab.cluster.wait(20, for: "the next start of c") { lab.cluster.isRunning("c") }
            try lab.cluster.run(for: life)
        }
        let before = lab.cluster.commits.count
        lab.cluster.setRestarts("c", false)
        lab.cluster.signal("c", SIGKILL)
        lab.say("\(before) of \(lab.recipe.steps) steps were done by then")
        try lab.expectUndisturbed()
    },

    ChaosCase(28, "ports-names-descriptors") { lab in
        lab.recipe.steps = 24
        // What is refused says what and why, with the exit code of bad usage, and at once.
        func expectRefused(_ what: String, _ command: [String], saying text: String) throws {
            let child = try Child("refused", command, folder: lab.folder)
            let deadline = monotonicNow() + 30
            while child.poll() == nil, monotonicNow() < deadline { usleep(10_000) }
            child.signal(SIGKILL)
            let exit = child.wait()
            let said = (try? String(contentsOfFile: child.log, encoding: .utf8)) ?? ""
            try lab.expect(
                exit == .code(64) && said.contains(text),
                "\(what): \(exit), and it says: \(said)")
        }
        try lab.begin(workers: 1, warmUp: 1)
        let taken = try lab.configuration("taken")
        try expectRefused(
            "a port in use", lab.coordinatorCommand(workers: 1, configuration: taken, run: lab.folder + "/other"),
            saying: "in use")
        try lab.disturb("a worker with 256 descriptors joins") {
            try lab.cluster.start("few", ["prlimit", "--nofile=256"] + lab.workerCommand("few"))
        }
        try lab.cluster.waitForJoin("few")
        try lab.expectUndisturbed()
        let nowhere = try lab.configuration("nowhere", coordinator: "tcp://192.0.2.7:5570")
        try expectRefused(
            "an address of another machine",
            lab.coordinatorCommand(workers: 1, configuration: nowhere, run: lab.folder + "/other"),
            saying: "192.0.2.7")
    },
]

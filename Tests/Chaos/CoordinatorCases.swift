import Foundation
import Glibc
import TestSupport
import Wire

/// Coordinators that die, come back, and meet their successors.
let coordinatorCases: [ChaosCase] = [
    ChaosCase(9, "coordinator-killed") { lab in
        lab.recipe.steps = 150
        try lab.begin(workers: 2)
        for _ in 0..<3 {
            let phase = lab.dice.between(0, 1)
            try lab.waitWithinStep(phase)
            try lab.disturb("kill -9 of the coordinator at \(seconds(phase)) of a step") {
                lab.cluster.signal(TestCluster.coordinator, SIGKILL)
            }
            try lab.cluster.waitForNote("map", after: lab.lastFault + lab.cluster.restartDelay)
        }
        try lab.expectUndisturbed()
    },

    // The old one is stopped and holds the run's lock; its successor takes over. When it wakes up, nothing but lock and
    // generation stand between it and the run.
    ChaosCase(10, "two-coordinators") { lab in
        lab.recipe.steps = 40
        try lab.beginBehindRelays(["a", "b"])
        try lab.waitWithinStep(lab.dice.between(0, 1))
        let old = TestCluster.coordinator
        try lab.disturb("SIGSTOP of the coordinator, another starts") { lab.cluster.signal(old, SIGSTOP) }
        let other = try freePort()
        let path = try lab.configuration("second", coordinator: "tcp://127.0.0.1:\(other)")
        let command = try lab.coordinatorCommand(workers: 2, configuration: path)
        try lab.cluster.start("locked-out", command, restarts: false)
        try lab.cluster.wait(20, for: "the second to be locked out") { lab.cluster.jobs["locked-out"]?.child == nil }
        try lab.expect(
            lab.cluster.jobs["locked-out"]?.exits == [.code(64)]
                || lab.cluster.jobs["locked-out"]?.exits == [.code(70)],
            "a coordinator started on a locked run ended with \(lab.cluster.jobs["locked-out"]?.exits ?? [])")
        try lab.cluster.start("second", command + ["--take-over"])
        for relay in lab.relays.values {
            relay.retarget(to: other)
            relay.cut()
        }
        try lab.waitForSteps(3)
        try lab.disturb("SIGCONT of the old coordinator") { lab.cluster.signal(old, SIGCONT) }
        // It hears its old workers no more; what it was about to write must not be written.
        try lab.cluster.wait(60, for: "the old coordinator to end") { lab.cluster.jobs[old]?.child == nil }
        try lab.expect(
            lab.cluster.jobs[old]?.exits == [.code(70)], "the old one ended with \(lab.cluster.jobs[old]?.exits ?? [])")
        try lab.cluster.wait(120, for: "the end of the run") { lab.cluster.jobs["second"]?.exits.last == .code(0) }
        try lab.expectSameBits()
    },

    ChaosCase(15, "everything-restarts") { lab in
        lab.recipe.steps = 30
        lab.recipe.units = 8
        let names = Lab.names(6)
        try lab.begin(workers: names.count)
        try lab.disturb("kill -9 of the coordinator and six workers, all start again at once") {
            for name in names + [TestCluster.coordinator] { lab.cluster.signal(name, SIGKILL) }
        }
        try lab.waitForSteps(2, 120)
        if let pid = lab.cluster.pid(TestCluster.coordinator), let usage = Usage(of: pid) {
            let wall = monotonicNow() - lab.lastFault
            lab.say("the coordinator took \(seconds(usage.cpu)) s of a processor in \(seconds(wall)) s")
            try lab.expect(usage.cpu < wall, "the coordinator needs more than one core")
        }
        try lab.expectUndisturbed()
    },

    ChaosCase(25, "signals") { lab in
        lab.recipe.steps = 30
        try lab.begin(workers: 2)
        try lab.disturb("SIGTERM to worker b") { lab.cluster.signal("b", SIGTERM) }
        try lab.cluster.wait(30, for: "b to leave") { lab.cluster.jobs["b"]?.child == nil }
        try lab.expect(lab.cluster.jobs["b"]?.exits == [.code(0)], "b ended with \(lab.cluster.jobs["b"]?.exits ?? [])")
        lab.say("left after \(seconds(monotonicNow() - lab.lastFault)) s")
        try lab.startWorker("b")
        try lab.waitForSteps(2)
        // A scheduler's way to end a job: both at once, then the same command again.
        try lab.disturb("SIGTERM to the coordinator") {
            lab.cluster.setRestarts(TestCluster.coordinator, false)
            lab.cluster.signal(TestCluster.coordinator, SIGTERM)
        }
        try lab.cluster.wait(30, for: "the coordinator to stop") {
            lab.cluster.jobs[TestCluster.coordinator]?.child == nil
        }
        try lab.expect(
            lab.cluster.jobs[TestCluster.coordinator]?.exits.last == .code(75),
            "it ended with \(lab.cluster.jobs[TestCluster.coordinator]?.exits ?? [])")
        let newest = try lab.newestCheckpoint()
        let written = try lab.ledger().count
        try lab.expect(newest == written, "it stopped at step \(written) with a checkpoint of \(newest)")
        try lab.startCoordinator(workers: 2)
        try lab.expectUndisturbed()
    },

    ChaosCase(29, "other-workers-other-units") { lab in
        try lab.begin(workers: 3, warmUp: 7)
        try lab.disturb("stopped, and continued with one worker instead of three") {
            for name in ["a", "b", "c"] { lab.cluster.setRestarts(name, false) }
            lab.cluster.setRestarts(TestCluster.coordinator, false)
            lab.cluster.signal(TestCluster.coordinator, SIGTERM)
            try lab.cluster.wait(30, for: "all to stop") { lab.cluster.running.isEmpty }
        }
        let right = lab.recipe
        lab.recipe.units = 8
        let refused = try run(lab.coordinatorCommand(workers: 1))
        try lab.expect(
            refused.exit == .code(64) && refused.text.contains("batch.units"),
            "other units: \(refused.exit): \(refused.text)")
        lab.recipe = right
        try lab.startCoordinator(workers: 1)
        try lab.startWorker("d")
        try lab.expectUndisturbed()
    },
]

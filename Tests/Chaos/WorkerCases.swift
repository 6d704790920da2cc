import Glibc
import Wire

/// Workers that die, stall, come and go.
let workerCases: [ChaosCase] = [
    // Somewhere in decoding, the backward pass or the pushes: a phase of the step drawn for each kill.
    ChaosCase(1, "worker-killed") { lab in
        // The others go on at once: enough of them that the killed come back before the end.
        lab.recipe.steps = 150
        try lab.begin(workers: 3)
        for _ in 0..<3 {
            let victim = lab.dice.pick(["a", "b", "c"])
            let phase = lab.dice.between(0, 1)
            try lab.waitWithinStep(phase)
            try lab.disturb("kill -9 of \(victim) at \(seconds(phase)) of a step") {
                lab.cluster.signal(victim, SIGKILL)
            }
            try lab.cluster.waitForJoin(victim, after: lab.lastFault)
        }
        try lab.expectUndisturbed()
    },

    ChaosCase(2, "all-workers-killed") { lab in
        try lab.begin(workers: 2)
        try lab.disturb("kill -9 of both workers, three others start") {
            for name in ["a", "b"] {
                lab.cluster.setRestarts(name, false)
                lab.cluster.signal(name, SIGKILL)
            }
            for name in ["c", "d", "e"] { try lab.startWorker(name) }
        }
        try lab.expectUndisturbed()
    },

    ChaosCase(3, "workers-come-and-go") { lab in
        // Enough that they are not over when the last one leaves, on a busy machine.
        lab.recipe.steps = 100
        try lab.begin(workers: 1)
        for name in ["b", "c", "d", "e"] {
            // One of them lands about a commit.
            try lab.waitWithinStep(lab.dice.between(0.8, 1.1))
            try lab.disturb("\(name) joins") { try lab.startWorker(name) }
        }
        try lab.cluster.waitForJoin("e")
        for name in ["a", "c", "d"] {
            try lab.waitWithinStep(lab.dice.between(0, 1))
            try lab.disturb("SIGTERM to \(name)") { lab.cluster.signal(name, SIGTERM) }
            try lab.cluster.wait(30, for: "\(name) to leave") { lab.cluster.jobs[name]?.exits == [.code(0)] }
        }
        try lab.startWorker("f")
        try lab.expectUndisturbed()
        let generations = Set(try lab.ledger().map(\.generation))
        try lab.expect(generations == [1], "joining raised the generation: \(generations)")
    },

    // Longer than the time after which a silent worker is dead; it wakes up while the others go on.
    ChaosCase(4, "worker-stopped") { lab in
        lab.recipe.steps = 100
        try lab.begin(workers: 3)
        try lab.waitWithinStep(lab.dice.between(0, 1))
        try lab.disturb("SIGSTOP of b for good") { lab.cluster.signal("b", SIGSTOP) }
        let dead = try lab.cluster.waitForNote("worker b is dead", after: lab.lastFault)
        lab.say("declared dead after \(seconds(dead - lab.lastFault)) s")
        // `timeouts.death`, and what a busy machine takes to tell.
        try lab.expect(
            dead - lab.lastFault < 15, "a silent worker was dead only after \(seconds(dead - lab.lastFault)) s")
        try lab.disturb("SIGCONT of b") { lab.cluster.signal("b", SIGCONT) }
        try lab.cluster.waitForJoin("b", after: lab.lastFault)
        try lab.expectUndisturbed()
    },

    // A module of memory that fails: bits of a worker's numbers turn, wherever they are. Each block is computed by two, so
    // that no wrong gradient counts. What stays wrong makes b err twice: then the run ends and names it, and another without
    // it goes on.
    ChaosCase(6, "flipped-bits") { lab in
        // A few steps for each attempt.
        lab.recipe.steps = 300
        lab.recipe.units = 1
        lab.recipe.more = ["batch.clips_per_unit=4"]
        lab.verify = 1
        try lab.begin(workers: 3)
        let everybody = [TestCluster.coordinator] + Lab.names(3)
        for name in everybody { lab.cluster.setRestarts(name, false) }
        func isNoticed() -> Bool { lab.cluster.notes.contains { $0.line.contains("different bits") } }
        var (attempts, turned) = (0, 0)
        while !isNoticed() {
            attempts += 1
            try lab.expect(attempts <= 60, "\(turned) bits turned in b, and nobody noticed")
            if !lab.cluster.isRunning("b") {
                try lab.cluster.start("b", lab.workerCommand("b"), restarts: false)
                try lab.cluster.waitForJoin("b", after: lab.lastFault)
            }
            try lab.waitWithinStep(lab.dice.between(0, 1))
            try lab.disturb("bits turn in b") { turned += try lab.turnBits(8, in: "b") }
            let done = lab.cluster.commits.count
            try lab.cluster.wait(for: "two steps, or somebody who notices") {
                isNoticed() || lab.cluster.commits.count >= done + 2
            }
        }
        lab.say("\(turned) bits turned in b, the last \(min(8, turned)) were noticed")
        try lab.cluster.wait(120, for: "the end") { !lab.cluster.isRunning(TestCluster.coordinator) }
        guard lab.cluster.jobs[TestCluster.coordinator]?.exits.last == .code(70) else {
            return try lab.expectUndisturbed()
        }
        try lab.expect(
            lab.cluster.notes.contains { $0.line.contains("b on ") && $0.line.contains("run again without it") },
            "the run ended with 70 and did not name b")
        lab.say("b erred twice and was named; the run goes on without it")
        try lab.cluster.wait(60, for: "everybody to end") { lab.cluster.running.isEmpty }
        try lab.startCoordinator(workers: 2)
        for name in ["a", "c"] { try lab.startWorker(name) }
        try lab.expectUndisturbed()
    },

    // Behind a commit (weights travel) and before one (pushes, READY, the ledger): the two ends of a step.
    ChaosCase(7, "primary-killed") { lab in
        lab.recipe.steps = 200
        try lab.begin(workers: 3)
        for range in [0.0..<0.1, 0.6..<0.8, 0.8..<1.0, 0.95..<1.05] {
            let victim = lab.dice.pick(["a", "b", "c"])
            let phase = lab.dice.between(range.lowerBound, range.upperBound)
            try lab.waitWithinStep(phase)
            try lab.disturb("kill -9 of owner \(victim) at \(seconds(phase)) of a step") {
                lab.cluster.signal(victim, SIGKILL)
            }
            let dead = try lab.cluster.waitForNote("worker \(victim) is dead", after: lab.lastFault)
            lab.say("its death was known after \(seconds(dead - lab.lastFault)) s")
            try lab.cluster.waitForJoin(victim, after: lab.lastFault)
        }
        try lab.expectUndisturbed()
    },

    // Of three owners with one buddy each, two together hold some chunk alone.
    ChaosCase(8, "primary-and-buddy-killed") { lab in
        try lab.begin(workers: 3, warmUp: 7)
        let survivor = lab.dice.pick(["a", "b", "c"])
        try lab.waitWithinStep(lab.dice.between(0, 1))
        try lab.disturb("kill -9 of all owners but \(survivor)") {
            for name in ["a", "b", "c"] where name != survivor { lab.cluster.signal(name, SIGKILL) }
        }
        try lab.expectUndisturbed()
        let rolledBack = lab.cluster.notes.contains { $0.line.contains("rolled back") }
        try lab.expect(rolledBack, "two owners at once died, and nobody went back to a checkpoint")
    },
]

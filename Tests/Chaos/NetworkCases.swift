import Glibc
import TestSupport

/// Links that are cut, one-way, slow, late and half-open.
let networkCases: [ChaosCase] = [
    // a lost direction each: orders do not arrive, pushes do not, replicas do not. Long enough to be dead for the first.
    ChaosCase(11, "one-way-partition", needs: .namespaces) { lab in
        lab.recipe.steps = 60
        let network = try lab.network(hosts: ["z", "a", "b", "c"])
        try lab.begin(on: network, workers: ["a", "b", "c"])
        for (from, to, time) in [("z", "b", 12.0), ("a", "b", 4.0), ("c", "a", 4.0)] {
            try lab.waitWithinStep(lab.dice.between(0, 1))
            try lab.disturb("nothing from \(from) reaches \(to) for \(Int(time)) s") {
                try network.lose(from: from, to: to)
            }
            try lab.cluster.run(for: time)
            try network.heal(from: from, to: to)
            try lab.waitForSteps(3)
        }
        try lab.expectUndisturbed()
    },

    ChaosCase(12, "partition-and-flapping", needs: .namespaces) { lab in
        lab.recipe.steps = 60
        let network = try lab.network(hosts: ["z", "a", "b", "c"])
        try lab.begin(on: network, workers: ["a", "b", "c"])
        try lab.disturb("the link of c is down") { try network.setLink("c", up: false) }
        let dead = try lab.cluster.waitForNote("worker c is dead", after: lab.lastFault)
        lab.say("declared dead after \(seconds(dead - lab.lastFault)) s")
        try lab.expect(dead - lab.lastFault < 11.5, "a cut link was noticed after \(seconds(dead - lab.lastFault)) s")
        try lab.waitForSteps(2)
        try network.setLink("c", up: true)
        try lab.cluster.waitForJoin("c", after: lab.lastFault)
        let before = lab.cluster.commits.count
        try lab.disturb("the coordinator's link is down for 5 s") { try network.setLink("z", up: false) }
        try lab.cluster.run(for: 5)
        // What was complete when the link went may still be written, nothing after it.
        try lab.expect(lab.cluster.commits.count <= before + 1, "steps were committed without a link")
        try network.setLink("z", up: true)
        try lab.waitForSteps(2)
        try lab.disturb("the link of b goes down and up for 6 s, once a second") {
            for _ in 0..<6 {
                try network.setLink("b", up: false)
                try lab.cluster.run(for: 0.5)
                try network.setLink("b", up: true)
                try lab.cluster.run(for: 0.5)
            }
        }
        try lab.expectUndisturbed()
    },

    ChaosCase(13, "late-and-narrow") { lab in
        lab.recipe.steps = 16
        try lab.beginBehindRelays(["a", "b"])
        try lab.disturb("200 ms +- 100 ms more on every message of coordinator and workers, 100 Mbit/s") {
            var behaviour = TCPRelay.Behaviour()
            behaviour.delay = 0.1...0.3
            behaviour.bytesPerSecond = 12.5e6
            for relay in lab.relays.values { relay.set(behaviour) }
        }
        try lab.expectUndisturbed()
    },

    // Connections are there, and new ones are accepted; nothing ever comes.
    ChaosCase(14, "half-open") { lab in
        lab.recipe.steps = 40
        try lab.beginBehindRelays(["a", "b", "c"])
        try lab.waitWithinStep(lab.dice.between(0, 1))
        try lab.disturb("the coordinator's link to b is half-open") { lab.relays["b"]?.set(.halfOpen) }
        let dead = try lab.cluster.waitForNote("worker b is dead", after: lab.lastFault)
        lab.say("declared dead after \(seconds(dead - lab.lastFault)) s")
        try lab.expect(dead - lab.lastFault < 11.5, "noticed after \(seconds(dead - lab.lastFault)) s")
        try lab.waitForSteps(2)
        lab.relays["b"]?.set(TCPRelay.Behaviour())
        try lab.cluster.waitForJoin("b", after: lab.lastFault)
        try lab.expectUndisturbed()
    },

    ChaosCase(16, "slow-shard", needs: .namespaces) { lab in
        lab.recipe.steps = 20
        let network = try lab.network(hosts: ["z", "a", "b", "c"])
        try lab.begin(on: network, workers: ["a", "b", "c"])
        let before = lab.cluster.residentMegabytes()
        try lab.disturb("the link of a has 40 Mbit/s") { try network.limit("a", "40mbit") }
        var largest: [String: Int] = [:]
        try lab.cluster.wait(180, for: "eight steps over a slow link") {
            for (name, size) in lab.cluster.residentMegabytes() { largest[name] = max(largest[name] ?? 0, size) }
            return lab.cluster.commits.count >= 12
        }
        for (name, size) in largest {
            // At most one step's gradients and weights wait: the network has 20 MB of them.
            try lab.expect(
                size < (before[name] ?? 0) + 160,
                "\(name) grew from \(before[name] ?? 0) to \(size) MB behind a slow shard")
        }
        lab.say(
            "memory behind the slow shard, MB: \(largest.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
        try network.unlimit("a")
        try lab.expectUndisturbed()
    },
]

extension Lab {
    /// A coordinator and workers on this machine, each worker behind a relay of its own to the coordinator.
    func beginBehindRelays(_ names: [String], warmUp: Int = 3) throws {
        try startCoordinator(workers: names.count)
        for (index, name) in names.enumerated() {
            let relay = try TCPRelay(to: port, seed: laboratory.seed &+ UInt64(index))
            atEnd { relay.stop() }
            relays[name] = relay
            try cluster.start(name, workerCommand(name, join: "tcp://127.0.0.1:\(relay.port)"))
        }
        try cluster.waitForStep(warmUp)
    }

    /// Waits until so many more steps are committed.
    func waitForSteps(_ count: Int, _ seconds: Double = 90) throws {
        let wanted = cluster.commits.count + count
        try cluster.wait(seconds, for: "\(count) more steps") { cluster.commits.count >= wanted }
    }
}

extension TestCluster {
    func residentMegabytes() -> [String: Int] {
        var sizes: [String: Int] = [:]
        for name in running { sizes[name] = pid(name).flatMap { Usage(of: $0) }.map { $0.residentBytes >> 20 } }
        return sizes
    }
}

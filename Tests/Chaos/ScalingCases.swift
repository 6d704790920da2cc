import Coordinator
import Foundation
import Wire

/// What a second worker of one core gives, and whether `zoetrope plan` knows how long a step takes.
let scalingCases: [ChaosCase] = [
    ChaosCase(38, "scaling", needs: .namespaces) { lab in
        lab.data = try lab.largerData()
        let one = try lab.timed(workers: ["a"], link: nil)
        var missed: [String] = []
        for (link, least) in [(nil, 0.97), ("1gbit", 0.90)] as [(String?, Double)] {
            let two = try lab.timed(workers: ["a", "b"], link: link)
            try lab.expect(two.hash == one.hash, "two workers got \(two.hash), one \(one.hash)")
            let efficiency = one.step / (2 * two.step)
            let planned = try lab.plannedStep(workers: 2, link: link ?? "10Gbit")
            let circumstance = link ?? "no limit"
            lab.say(
                "\(circumstance): a step takes \(seconds(one.step)) s with one worker, \(seconds(two.step)) s with two: "
                    + "\(seconds(100 * efficiency)) % of twice as fast; planned \(seconds(planned)) s")
            if efficiency < least { missed.append("\(circumstance): efficiency \(seconds(efficiency)), not \(least)") }
            if abs(planned / two.step - 1) > 0.10 {
                missed.append("\(circumstance): planned \(seconds(planned)) s, taken \(seconds(two.step)) s")
            }
        }
        let planned = try lab.plannedStep(workers: 1, link: "10Gbit")
        lab.say("one worker: planned \(seconds(planned)) s, taken \(seconds(one.step)) s")
        try lab.expect(missed.isEmpty, missed.joined(separator: "; "))
    },
    ChaosCase(39, "planned", needs: .namespaces) { lab in
        lab.data = try lab.largerData()
        let (units, link) = (12, "1gbit")
        var (missed, hashes): ([String], Set<String>) = ([], [])
        for workers in 2...4 {
            let names = ["a", "b", "c", "d"].prefix(workers)
            let taken = try lab.timed(workers: Array(names), units: units, steps: 4, link: link, partOfACore: true)
            hashes.insert(taken.hash)
            let planned = try lab.plannedStep(workers: workers, link: link, partOfACore: true)
            let off = 100 * (planned / taken.step - 1)
            let text =
                "\(workers) workers of 0.4 of a core: planned \(seconds(planned)) s, taken \(seconds(taken.step)) s"
            lab.say("\(text) (\(seconds(off)) %)")
            if abs(off) > 10 { missed.append(text) }
        }
        try lab.expect(hashes.count == 1, "the weights differ: \(hashes)")
        try lab.expect(missed.isEmpty, missed.joined(separator: "; "))
    },
]

extension Lab {
    /// Clips that R(2+1)D-18 can be trained on at its usual size.
    fileprivate func largerData() throws -> String {
        let path = laboratory.root + "/larger"
        if FileManager.default.fileExists(atPath: path + "/dataset.toml") { return path }
        let made = try Chaos.run(
            laboratory.program, "data", "synth", "--out", path, "--classes", "2", "--clips-per-class", "8",
            "--seconds", "1", "--size", "128", "--seed", "3")
        try expect(made.exit == .code(0), "data synth: \(made.text)")
        return path
    }

    private static let scaled = [
        "model.name=\"r2plus1d-18\"", "input.frames=8", "input.width=128", "input.height=128", "input.crop=112",
        "batch.clips_per_unit=2",
    ]

    /// A run in namespaces, with keys: the median of its steps, and its hash.
    /// - Parameter partOfACore: each worker has the time of 0.4 of a core; or else is bound to a core of its own.
    fileprivate func timed(
        workers: [String], units: Int = 8, steps: Int = 6, link: String?, partOfACore: Bool = false
    ) throws -> (step: Double, hash: String) {
        recipe = ChaosRecipe(steps: steps, units: units, checkpointEvery: 1000, more: Self.scaled)
        try useRunFolder("\(folder)/run-\(workers.count)-\(link ?? "free")")
        let network = try TestNetwork(hosts: ["z"] + workers)
        defer { network.remove() }
        if let link { for name in workers { try network.limit(name, link) } }
        let keys = try keyFlags()
        let listen = "tcp://\(network.address("z")):5570"
        let path = try configuration(coordinator: listen)
        try cluster.start(
            TestCluster.coordinator,
            network.on("z") + coordinatorCommand(workers: workers.count, configuration: path) + keys)
        for (core, name) in workers.enumerated() {
            let path = try configuration(name, dataHost: network.address(name))
            let share = partOfACore ? try self.partOfACore(name).prefix : ["taskset", "-c", "\(core)"]
            try cluster.start(
                name,
                // In a namespace the control groups are not to be seen.
                share + network.on(name)
                    + workerCommand(name, join: listen, configuration: path) + keys)
        }
        try cluster.waitForEnd(600)
        try cluster.wait(30, for: "the workers to end") { cluster.running.isEmpty }
        // The first step waits for the first clips.
        guard cluster.commits.times.count == steps, let step = cluster.commits.median(from: cluster.commits.times[0])
        else { throw ChaosFault("\(cluster.commits.times.count) of \(steps) steps were seen") }
        return (step, try CheckpointStore.weightsSHA256(run: cluster.run, version: steps))
    }

    private func partOfACore(_ name: String) throws -> ControlGroup {
        try controlGroup("cpu", ["cpu.cfs_quota_us": "40000", "cpu.cfs_period_us": "100000"], for: name)
    }

    /// What `zoetrope plan` expects of such workers, measured on one.
    fileprivate func plannedStep(workers: Int, link: String, partOfACore: Bool = false) throws -> Double {
        let share = partOfACore ? try self.partOfACore("plan").prefix : ["taskset", "-c", "0"]
        let said = try Chaos.run(
            share + [laboratory.program, "plan", recipe.path] + recipe.assignments
                + [
                    "--data", try data ?? laboratory.data(), "--workers", "\(workers)", "--link", link, "--threads",
                    "1", "--json",
                ])
        guard said.exit == .code(0), let line = said.text.split(separator: "\n").first(where: { $0.hasPrefix("{") }),
            let json = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let step = json["step_s"] as? Double
        else { throw ChaosFault("plan: \(said.exit): \(said.text)") }
        return step
    }
}

import Coordinator
import Foundation
import Wire

/// What a step sends, and how long it takes over links of a known rate: nothing is disturbed, and all is measured.
let wireCases: [ChaosCase] = [
    // A ring all-reduce would send 2M(W-1)/W for gradients of M bytes; owners and one buddy each send the same.
    ChaosCase(31, "wire-bytes", needs: .namespaces) { lab in
        for count in [2, 4] {
            let names = Lab.names(count)
            let bytes = try lab.measure(workers: names, steps: 12, clips: 4, link: nil).bytes
            let size = Double(try lab.modelBytes(of: lab.cluster, steps: lab.recipe.steps))
            let ring = 2 * size * Double(count - 1) / Double(count)
            for (name, sent) in bytes.sorted(by: { $0.key < $1.key }) {
                lab.say(
                    "\(count) workers: \(name) sends \(megabytes(sent)) MB a step, \(seconds(sent / ring)) of "
                        + "2M(W-1)/W with M = \(megabytes(size)) MB")
            }
            let mean = bytes.values.reduce(0, +) / Double(count)
            try lab.expect(mean / ring < 1.05, "\(count) workers send \(mean / ring) of a ring's bytes")
        }
    },

    // The formula of a step in docs/performance.md, with compute of at least four times the wire.
    ChaosCase(32, "step-over-1-gbit", needs: .namespaces) { lab in
        let rate = 1e9 / 8
        let steps = 14
        // Compute of about five times the wire on whatever machine: so many clips, by what fewer of them take.
        var clips = 24
        var alone = try lab.measureCompute(workers: 2, steps: steps, clips: clips)
        for _ in 0..<3 where alone.seconds < 4.2 * alone.modelBytes / rate {
            clips = Int((Double(clips) * 5 * alone.modelBytes / rate / alone.seconds).rounded(.up))
            alone = try lab.measureCompute(workers: 2, steps: steps, clips: clips)
        }
        let compute = alone.seconds
        let plain = try lab.measure(workers: ["a", "b"], steps: steps, clips: clips, link: nil).step
        let limited = try lab.measure(workers: ["a", "b"], steps: steps, clips: clips, link: "1gbit").step
        let model = StepModel(
            workers: 2, bytes: alone.modelBytes, bytesPerSecond: rate, compute: compute,
            unitsOfAWorker: lab.recipe.units / 2)
        let wire = model.push + model.pull
        lab.say(
            "units of \(clips) clips: compute \(seconds(compute)) s, wire \(seconds(wire)) s, a step by the formula "
                + "\(seconds(model.step)) s, measured \(seconds(limited)) s over 1 Gbit/s and \(seconds(plain)) s without a limit"
        )
        try lab.expect(abs(limited / model.step - 1) <= 0.10, "a step takes \(limited / model.step) of the formula's")
        try lab.expect(compute >= 4 * wire, "compute is only \(compute / wire) times the wire")
        try lab.expect(
            limited <= 1.10 * max(compute, wire),
            "a step takes \(limited / max(compute, wire)) of the larger of the two")
    },
]

/// How long a step should take: the formula of docs/performance.md, for one buddy.
struct StepModel {
    /// Seconds in which a worker computes its units.
    let compute: Double
    /// Seconds in which a worker's link carries the roots to the owners and the sums to the buddies.
    let push: Double
    /// Seconds in which it carries the new weights to those who do not keep them.
    let pull: Double
    /// Seconds of the last backward pass, which the pushes have to hide behind: two thirds of a unit.
    let backward: Double

    init(workers: Int, bytes: Double, bytesPerSecond: Double, compute: Double, unitsOfAWorker: Int) {
        self.compute = compute
        push = bytes / bytesPerSecond
        pull = bytes * Double(workers - 2) / Double(workers) / bytesPerSecond
        backward = compute / Double(unitsOfAWorker) * 2 / 3
    }

    var step: Double { compute + max(0, push - backward) + pull }
}

extension ChaosRecipe {
    fileprivate static func forWire(steps: Int, units: Int, clips: Int) -> ChaosRecipe {
        ChaosRecipe(steps: steps, units: units, checkpointEvery: 1000, more: ["batch.clips_per_unit=\(clips)"])
    }
}

private func megabytes(_ bytes: Double) -> String { String(format: "%.1f", bytes / 1e6) }

extension Lab {
    /// A run on as many hosts as workers, the coordinator on one of its own.
    /// - Returns: Median seconds of a step, and what each worker sent in a step, in bytes on its link.
    fileprivate func measure(workers: [String], steps: Int, clips: Int, link: String?) throws -> (
        step: Double, bytes: [String: Double]
    ) {
        recipe = .forWire(steps: steps, units: 4, clips: clips)
        try useRunFolder("\(folder)/run-\(workers.count)-\(link ?? "free")")
        let network = try TestNetwork(hosts: ["z"] + workers)
        defer { network.remove() }
        if let link { for name in workers { try network.limit(name, link) } }
        try begin(on: network, workers: workers, warmUp: 2)
        let before = try workers.map { try network.sent($0) }
        let first = cluster.commits.count
        try cluster.waitForStep(steps - 4)
        let count = Double(cluster.commits.count - first)
        let after = try workers.map { try network.sent($0) }
        let from = cluster.commits.times[2]
        try cluster.waitForEnd()
        try cluster.wait(15, for: "the workers to end") { cluster.running.isEmpty }
        try expectSameBits()
        guard let step = cluster.commits.median(from: from) else { throw ChaosFault("no steps") }
        let sent = zip(before, after).map { Double($1 - $0) / count }
        return (step, Dictionary(uniqueKeysWithValues: zip(workers, sent)))
    }

    /// Median seconds of a step of a run of one worker that has a worker's part of four units, as many such runs side by
    /// side: they share the memory of this machine as the workers of one run do, and send nothing.
    fileprivate func measureCompute(workers: Int, steps: Int, clips: Int) throws -> (
        seconds: Double, modelBytes: Double
    ) {
        let alone = ChaosRecipe.forWire(steps: steps, units: 4 / workers, clips: clips)
        let data = try laboratory.data()
        let clusters = try (0..<workers).map { index in
            let cluster = try TestCluster(folder: "\(folder)/alone-\(clips)x\(steps)-\(index)")
            try cluster.start(
                "alone",
                [laboratory.program, "train", alone.path] + alone.assignments
                    + ["--data", data, "--run", cluster.run, "--threads", "1"], restarts: false)
            return cluster
        }
        defer { for cluster in clusters { cluster.killAll() } }
        while clusters.contains(where: { !$0.running.isEmpty }) {
            for cluster in clusters { try cluster.poll() }
            usleep(4000)
        }
        let times = clusters.compactMap {
            $0.commits.times.count > 3 ? $0.commits.median(from: $0.commits.times[2]) : nil
        }
        guard times.count == workers else { throw ChaosFault("a run of one worker made no steps") }
        return (times.max() ?? 0, Double(try modelBytes(of: clusters[0], steps: steps)))
    }

    /// Bytes of the gradients of a step: as many as those of the weights and running statistics.
    fileprivate func modelBytes(of cluster: TestCluster, steps: Int) throws -> Int {
        let path = cluster.run + "/checkpoints/step-\(steps)/model.safetensors"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        guard let size = attributes[.size] as? Int else { throw ChaosFault("\(path) has no size") }
        return size
    }
}

import Coordinator
import Foundation
import Glibc
import Wire

/// Case 30: the same run twice with the same workers, once in peace and once with a kill every so often.
package struct Soak {
    /// Minutes that the disturbed run is to take, about; the undisturbed one comes before and takes somewhat less.
    package var minutes: Double
    /// Seconds from one kill to the next.
    package var interval: Double
    /// Least part of the undisturbed run's steps a second, or the soak fails.
    package var leastGoodput: Double
    private let workers = ["a", "b", "c"]
    /// Lives through everything, so that its memory and descriptors can be followed.
    private let spared = "a"

    package init(minutes: Double, interval: Double = 15, leastGoodput: Double = 0.6) {
        self.minutes = minutes
        self.interval = interval
        self.leastGoodput = leastGoodput
    }

    /// - Returns: The verdict and what was measured.
    package func run(in laboratory: Laboratory) throws -> (verdict: ChaosCase.Verdict, lines: [String]) {
        let lab = try Lab(laboratory, case: "soak")
        defer { lab.close() }
        do {
            // Steps of about a second on whatever machine.
            lab.recipe = Self.recipe(steps: 12, clips: 4)
            let few = try undisturbed(lab, folder: "few")
            let clips = max(4, Int((4 / few.step).rounded()))
            lab.recipe = Self.recipe(steps: 12, clips: clips)
            let trial = try undisturbed(lab, folder: "trial")
            lab.recipe = Self.recipe(steps: max(20, Int(minutes * 60 * 0.75 / trial.step)), clips: clips)
            let calm = try undisturbed(lab, folder: "undisturbed")
            lab.say(
                "undisturbed: \(lab.recipe.steps) steps with \(workers.count) workers, \(seconds(calm.rate)) steps/s, "
                    + "a step takes \(seconds(calm.step)) s")
            try disturbed(lab, calm: calm.rate)
            return (.passed, lab.lines)
        } catch {
            return (.failed("\(error)"), lab.lines)
        }
    }

    private static func recipe(steps: Int, clips: Int) -> ChaosRecipe {
        ChaosRecipe(steps: steps, units: 8, checkpointEvery: 10, more: ["batch.clips_per_unit=\(clips)"])
    }

    /// The recipe once in peace; the laboratory keeps its result as what the disturbed run must come to.
    private func undisturbed(_ lab: Lab, folder: String) throws -> (rate: Double, step: Double) {
        let cluster = try TestCluster(folder: lab.folder + "/" + folder)
        defer { cluster.killAll() }
        try cluster.start(
            TestCluster.coordinator, lab.coordinatorCommand(workers: workers.count, run: cluster.run))
        for name in workers { try cluster.start(name, lab.workerCommand(name)) }
        try cluster.waitForEnd(minutes * 240 + 120)
        guard let rate = cluster.commits.rate, let step = cluster.commits.median() else {
            throw ChaosFault("the undisturbed run made no steps")
        }
        lab.laboratory.keep(
            Laboratory.Undisturbed(
                hash: try CheckpointStore.weightsSHA256(run: cluster.run, version: lab.recipe.steps),
                outcomes: try StepLedger.read(run: cluster.run).map(\.outcome)), for: lab.recipe)
        return (rate, step)
    }

    private func disturbed(_ lab: Lab, calm: Double) throws {
        try lab.begin(workers: workers.count)
        let victims = workers.filter { $0 != spared } + [TestCluster.coordinator]
        var next = monotonicNow() + interval
        let deadline = monotonicNow() + minutes * 60 * 6 + 120
        while lab.cluster.jobs[TestCluster.coordinator]?.exits.last != .code(0) {
            try lab.cluster.run(for: 0.1)
            guard monotonicNow() < deadline else {
                throw ChaosFault(
                    "\(lab.cluster.commits.count) steps after \(Int(minutes * 6)) minutes\n\(lab.cluster.lastWords)")
            }
            // Not in the last moments: a coordinator that is done is not to be started again.
            guard monotonicNow() >= next, lab.cluster.commits.count < lab.recipe.steps - 2 else { continue }
            next += interval
            let victim = lab.dice.pick(victims)
            guard lab.cluster.isRunning(victim) else { continue }
            try lab.disturb("kill -9 of \(victim)") { lab.cluster.signal(victim, SIGKILL) }
        }
        try lab.expectSameBits()
        report(lab)
        try lab.expectSteady(spared)
        guard let rate = lab.cluster.commits.rate else { throw ChaosFault("no steps") }
        let goodput = rate / calm
        lab.say("goodput \(Int((goodput * 100).rounded())) % of undisturbed, a kill every \(Int(interval)) s")
        try lab.expect(goodput >= leastGoodput, "the goodput is below \(Int(leastGoodput * 100)) %")
    }

    private func report(_ lab: Lab) {
        let recoveries = lab.recoveries
        for kind in [TestCluster.coordinator, "b", "c"] {
            let lost = recoveries.filter { $0.what.hasSuffix(" of " + kind) }.map(\.lost).sorted()
            guard let largest = lost.last else { continue }
            lab.say(
                "\(lost.count) kills of \(kind): \(seconds(lost[lost.count / 2])) s lost in the median, "
                    + "\(seconds(largest)) at most")
        }
    }
}

extension CommitLog {
    /// Steps a second from the first to the last.
    var rate: Double? {
        guard let first = times.first, let last = times.last, last > first else { return nil }
        return Double(times.count - 1) / (last - first)
    }
}

extension Lab {
    /// A process that lived through everything grew by nothing that matters.
    func expectSteady(_ name: String) throws {
        guard
            let life = cluster.lives.filter({ $0.name == name }).max(by: {
                $0.usage.samples.count < $1.usage.samples.count
            }),
            let memory = life.usage.slopePerHour(\.residentBytes),
            let descriptors = life.usage.slopePerHour(\.descriptors),
            let first = life.usage.samples.first, let last = life.usage.samples.last
        else { return say("\(name) was sampled too seldom to see growth") }
        let hours = (last.time - first.time) / 3600
        say(
            "\(name), never killed, over \(Int(hours * 60)) min: \(Int(memory / 1e6)) MB/h, "
                + "\(String(format: "%.1f", descriptors)) descriptors/h; at the end \(last.residentBytes >> 20) MB, "
                + "\(last.descriptors) descriptors")
        // A slope over minutes is mostly noise: what counts is what it has added up to.
        try expect(memory * hours < 64e6, "\(name) grows by \(Int(memory / 1e6)) MB an hour")
        try expect(descriptors * hours < 24, "\(name) grows by \(Int(descriptors)) descriptors an hour")
    }
}

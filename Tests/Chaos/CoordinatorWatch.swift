import Foundation
import Glibc

/// The coordinator of a swarm as a process of its own, and what it takes of the machine.
struct CoordinatorWatch {
    let endpoint: String
    private(set) var usages: [Usage] = []
    private let lab: Lab
    private let interval: Double
    private var next = 0.0

    /// Starts the coordinator, and returns when it listens.
    /// - Parameter every: seconds between two looks.
    init(_ lab: Lab, steps: Int, workers: Int, every: Double) throws {
        (self.lab, interval) = (lab, every)
        let run = lab.folder + "/run"
        try lab.cluster.start(
            TestCluster.coordinator, [CommandLine.arguments[0], "--coordinate", run, "\(steps)", "\(workers)"],
            restarts: false)
        try lab.cluster.wait(for: "the endpoint") { access(run + "/endpoint", F_OK) == 0 }
        endpoint = try String(contentsOfFile: run + "/endpoint", encoding: .utf8).filter { !$0.isWhitespace }
    }

    /// Notes what it takes, if it is time to.
    mutating func look() {
        guard monotonicNow() >= next else { return }
        next = monotonicNow() + interval
        if let pid = lab.cluster.pid(TestCluster.coordinator), let usage = Usage(of: pid) { usages.append(usage) }
    }

    /// Waits for its end, once all workers of `swarm` have stopped.
    /// - Throws: `ChaosFault` when they, it or the ledger ended otherwise than they should.
    func end(_ swarm: Swarm, ofSteps steps: Int) throws {
        try lab.expect(swarm.codes == [0], "workers ended with \(swarm.codes.sorted())")
        try lab.cluster.wait(20, for: "the coordinator's end") { lab.cluster.running.isEmpty }
        let ledger = try lab.ledger()
        try lab.expect(ledger.count == steps, "\(ledger.count) steps in the ledger")
    }

    struct Cost {
        /// Between the first look and the last.
        let seconds: Double
        /// Of one core.
        let share: Double
        /// The most that was seen from the beginning on, in bytes.
        let memory: Int

        /// - Throws: `ChaosFault` for a core or more, or 200 MB.
        func expect(_ lab: Lab) throws {
            try lab.expect(share < 1 && memory < 200_000_000, "the coordinator takes too much")
        }
    }

    /// What the coordinator took between the first and the last of `looks`.
    /// - Throws: `ChaosFault` when they are not more than `atLeast` seconds apart.
    func cost(_ looks: [Usage], atLeast: Double) throws -> Cost {
        guard let first = looks.first, let last = looks.last, last.time > first.time + atLeast else {
            throw ChaosFault("too short to measure")
        }
        return Cost(
            seconds: last.time - first.time, share: (last.cpu - first.cpu) / (last.time - first.time),
            memory: usages.map(\.residentBytes).max() ?? 0)
    }
}

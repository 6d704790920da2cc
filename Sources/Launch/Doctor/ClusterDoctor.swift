import Faults
public import Protocol
import Synchronization

/// Visits the hosts of `cluster.conf` the way a launch reaches them.
///
/// All at once, but for the network: one host after another, so that nobody shares the link.
public struct ClusterDoctor: Sendable {
    public typealias Host = ClusterConfiguration.Host

    private let cluster: ClusterConfiguration
    private let version: String
    private let data: String
    private let receiver: String
    private let keys: [String: String]
    private let seconds: Double

    /// - Parameters:
    ///   - version: Of this program: another one is asked nothing.
    ///   - data: The data set's folder on this machine, where a host without one of its own looks for it; empty: none.
    ///   - receiver: Where a `NetworkBench.Receiver` listens that hosts can reach; empty: the network is not measured.
    ///   - keys: What a worker needs of the job's keys, by the files' names; empty: no keys.
    ///   - seconds: Of each measurement of the network.
    public init(
        cluster: ClusterConfiguration, version: String, data: String, receiver: String, keys: [String: String],
        seconds: Double
    ) {
        self.cluster = cluster
        self.version = version
        self.data = data
        self.receiver = receiver
        self.keys = keys
        self.seconds = seconds
    }

    /// Blocks until every host has answered or was given up.
    /// - Returns: In the order of `cluster.conf`.
    public func visits() -> [HostVisit] {
        let hosts = cluster.launch.hosts
        let collected = Collected(hosts.map { HostVisit(name: $0.name) })
        let threads = hosts.indices.map { index in
            DedicatedThread(name: "visit") { [self] in
                let visit = visit(hosts[index], turn: collected)
                collected.visits.withLock { $0[index] = visit }
            }
        }
        for thread in threads { thread.join() }
        return collected.visits.withLock { $0 }
    }

    private final class Collected: Sendable {
        let visits: Mutex<[HostVisit]>
        /// Held by who measures the network.
        let network = Mutex(())

        init(_ visits: [HostVisit]) { self.visits = Mutex(visits) }
    }

    private func visit(_ host: Host, turn: Collected) -> HostVisit {
        var visit = HostVisit(name: host.name)
        do throws(Fault) {
            let command = Transport.ssh(cluster.launch.ssh).command(host, running: "examine-host")
            let conversation = try HostConversation(host.name, command)
            defer { conversation.close() }
            visit.version = try conversation.version(within: Self.connecting)
            // Another version may answer in other words.
            guard visit.version == version else { return visit }
            visit.clock = try clock(conversation)
            switch try conversation.ask(.facts(facts(host)), within: Self.examining).answer {
            case .facts(let facts): visit.facts = facts
            case let other: visit.problems.append(unexpected(other))
            }
            guard !receiver.isEmpty else { return visit }
            let question = HostQuestion.Reach(endpoint: receiver, keys: keys, seconds: seconds)
            let answer = turn.network.withLock { _ in
                Result { () throws(Fault) in
                    try conversation.ask(.reach(question), within: 2 * seconds + Self.examining).answer
                }
            }
            switch try answer.get() {
            case .reach(let reach): visit.reach = reach
            case let other: visit.problems.append(unexpected(other))
            }
        } catch { visit.problems.append(HostProblem(error)) }
        return visit
    }

    private func clock(_ conversation: HostConversation) throws(Fault) -> ClockDifference? {
        var samples: [(sent: Double, there: Double, received: Double)] = []
        for _ in 0..<Self.clockSamples {
            let (answer, sent, received) = try conversation.ask(.clock, within: Self.examining, now: wallClock)
            if case .clock(let there) = answer { samples.append((sent, there, received)) }
        }
        return ClockDifference(samples)
    }

    private func facts(_ host: Host) -> HostQuestion.Facts {
        let bind = host.dataBind ?? cluster.worker.dataBind
        let name = host.dataHost ?? cluster.worker.dataHost
        return HostQuestion.Facts(
            coordinator: cluster.coordinator.address, listen: bind.isEmpty ? name : bind,
            data: host.data.isEmpty ? data : host.data, needsData: !host.data.isEmpty,
            cache: host.cache ?? cluster.worker.cache)
    }

    private func unexpected(_ answer: HostAnswer) -> HostProblem {
        if case .fault(let problem) = answer { return problem }
        return HostProblem(thing: "doctor", reason: "the host answers something else than it was asked", mend: "")
    }

    /// Seconds: ssh itself gives up after 15.
    private static let connecting = 30.0
    private static let examining = 60.0
    private static let clockSamples = 8
}

import Faults
public import Protocol
import Synchronization
import Threads

/// Visits the hosts of `cluster.conf` the way a launch reaches them.
///
/// All at once, but for the network: one host after another, so that nobody shares the link.
public struct ClusterDoctor: Sendable {
    public typealias Host = ClusterConfiguration.Host

    private let cluster: ClusterConfiguration
    private let transport: Transport
    private let version: String
    private let data: String
    private let receiver: String
    private let coordinatorKeys: [String: String]
    private let keys: [String: String]
    private let seconds: Double

    /// - Parameters:
    ///   - version: Of this program: another one is asked nothing.
    ///   - data: The data set's folder on the coordinator's machine, where a host without one of its own looks for it; empty:
    ///     none.
    ///   - receiver: Where `CoordinatorPorts` listen that hosts can reach; empty: the network is not measured, unless the
    ///     coordinator's place is on a host.
    ///   - coordinatorKeys: What a coordinator on a host needs of the job's keys, by the files' names.
    ///   - keys: What a worker needs of them; empty: no keys.
    ///   - seconds: Of each measurement of the network; 0: there is none.
    public init(
        cluster: ClusterConfiguration, transport: Transport, version: String, data: String, receiver: String,
        coordinatorKeys: [String: String] = [:], keys: [String: String], seconds: Double
    ) {
        self.cluster = cluster
        self.transport = transport
        self.version = version
        self.data = data
        self.receiver = receiver
        self.coordinatorKeys = coordinatorKeys
        self.keys = keys
        self.seconds = seconds
    }

    /// Blocks until every host has answered or was given up.
    /// - Returns: The coordinator's host, if `cluster.conf` names one, and all hosts in the order of `cluster.conf`; clocks are
    ///   then compared with that of the coordinator's host, and with this machine's otherwise.
    public func visits() -> (coordinator: HostVisit?, hosts: [HostVisit]) {
        guard let host = cluster.launch.coordinator else { return (nil, visits(receiver: receiver)) }
        // No name of a host: it has a space.
        var visit = HostVisit(name: "\(host.name), coordinator")
        var receiver = ""
        var conversation: HostConversation?
        defer { conversation?.close() }
        do throws(Fault) {
            let opened = try HostConversation(host.name, transport.command(host, running: "examine-host"))
            conversation = opened
            if try examine(opened, &visit, facts: facts(host, isCoordinator: true)), seconds > 0 {
                let question = HostQuestion.Listen(
                    address: cluster.coordinator.address, dashboard: cluster.coordinator.dashboard,
                    keys: coordinatorKeys)
                switch try opened.ask(.listen(question), within: Self.examining).answer {
                case .listening(let endpoint, let problems):
                    receiver = endpoint
                    visit.problems += problems
                case let other: visit.problems.append(unexpected(other))
                }
            }
        } catch { visit.problems.append(HostProblem(error)) }
        var hosts = visits(receiver: receiver)
        if let reference = visit.clock {
            for i in hosts.indices { hosts[i].clock = hosts[i].clock?.ahead(of: reference) }
        }
        visit.clock = nil
        return (visit, hosts)
    }

    private func visits(receiver: String) -> [HostVisit] {
        let hosts = cluster.launch.hosts
        let turn = Turn()
        return mapOnThreads(name: "visit", count: hosts.count, threads: hosts.count) { [self] i in
            visit(hosts[i], receiver: receiver, turn: turn)
        }
    }

    private final class Turn: Sendable {
        /// Held by who measures the network.
        let network = Mutex(())
    }

    private func visit(_ host: Host, receiver: String, turn: Turn) -> HostVisit {
        var visit = HostVisit(name: host.name)
        do throws(Fault) {
            let conversation = try HostConversation(host.name, transport.command(host, running: "examine-host"))
            defer { conversation.close() }
            guard try examine(conversation, &visit, facts: facts(host)), !receiver.isEmpty else { return visit }
            let question = HostQuestion.Reach(endpoint: receiver, keys: keys, seconds: seconds)
            let answer = turn.network.withLock { _ in
                Result { () throws(Fault) in
                    try conversation.ask(.reach(question), within: 3 * seconds + Self.examining).answer
                }
            }
            switch try answer.get() {
            case .reach(let reach): visit.reach = reach
            case let other: visit.problems.append(unexpected(other))
            }
        } catch { visit.problems.append(HostProblem(error)) }
        return visit
    }

    /// Version, clock and facts.
    /// - Returns: Whether it may be asked more: another version may answer in other words.
    private func examine(
        _ conversation: HostConversation, _ visit: inout HostVisit, facts: HostQuestion.Facts
    ) throws(Fault) -> Bool {
        visit.version = try conversation.version(within: Self.connecting)
        guard visit.version == version else { return false }
        visit.clock = try clock(conversation)
        switch try conversation.ask(.facts(facts), within: Self.examining).answer {
        case .facts(let facts): visit.facts = facts
        case let other: visit.problems.append(unexpected(other))
        }
        return true
    }

    private func clock(_ conversation: HostConversation) throws(Fault) -> ClockDifference? {
        var samples: [(sent: Double, there: Double, received: Double)] = []
        for _ in 0..<Self.clockSamples {
            let (answer, sent, received) = try conversation.ask(.clock, within: Self.examining, now: wallClock)
            if case .clock(let there) = answer { samples.append((sent, there, received)) }
        }
        return ClockDifference(samples)
    }

    /// - Parameter isCoordinator: What a coordinator there needs, and not what a worker does.
    private func facts(_ host: Host, isCoordinator: Bool = false) -> HostQuestion.Facts {
        guard !isCoordinator else {
            return HostQuestion.Facts(
                coordinator: cluster.coordinator.address, listen: "", data: data, needsData: !data.isEmpty,
                cache: cluster.worker.cache)
        }
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

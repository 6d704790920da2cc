public import Faults
public import Protocol

/// The ports of a coordinator that is yet to come, tried on its machine: workers' port is held, and what hosts reach there is
/// measured.
public struct CoordinatorPorts: Sendable {
    /// What is in the way of a coordinator.
    public let problems: [HostProblem]
    private let receiver: NetworkBench.Receiver

    /// Listens where the coordinator will, so that hosts try the very port; if somebody has it, at another one, and that is
    /// a problem.
    /// - Parameters:
    ///   - security: Of a coordinator.
    ///   - dashboard: `HOST:PORT` of the page; empty: none.
    /// - Throws: `Fault` when the address is none of this machine's.
    public init(_ security: Security, address: String, dashboard: String) throws(Fault) {
        var problems: [HostProblem] = []
        if !dashboard.isEmpty {
            do throws(Fault) {
                _ = try NetworkBench.Receiver(
                    try Security(keys: "", insecure: true, role: .coordinator), endpoint: "tcp://\(dashboard)"
                ).stop()
            } catch { problems.append(Self.taken("coordinator.dashboard", error)) }
        }
        do throws(Fault) { receiver = try NetworkBench.Receiver(security, endpoint: address) } catch {
            problems.append(Self.taken("coordinator.address", error))
            guard let colon = address.lastIndex(of: ":") else { throw error }
            receiver = try NetworkBench.Receiver(security, endpoint: address[...colon] + "*")
        }
        self.problems = problems
    }

    /// On a host that was asked to.
    init(_ question: HostQuestion.Listen) throws(Fault) {
        try TendOrder.check(names: question.keys.keys)
        let folder = question.keys.isEmpty ? nil : try PrivateFolder(question.keys)
        defer { folder?.remove() }
        try self.init(
            try Security(keys: folder?.path ?? "", insecure: folder == nil, role: .coordinator),
            address: question.address, dashboard: question.dashboard)
    }

    /// Where it listens.
    public var endpoint: String { receiver.endpoint }

    public func close() { receiver.stop() }

    private static func taken(_ key: String, _ fault: Fault) -> HostProblem {
        HostProblem(
            thing: key, reason: "\(fault.thing): \(fault.reason)",
            mend: "name a free port and an address of the coordinator's machine in cluster.conf; "
                + "if a run is going on there, ask zoetrope status")
    }
}

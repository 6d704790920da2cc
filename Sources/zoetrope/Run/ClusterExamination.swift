import Faults
import Foundation
import Launch
import Protocol

/// `zoetrope doctor --config`: this machine as the coordinator's, and a visit to each host.
struct ClusterExamination {
    private let cluster: ClusterConfiguration
    private let data: String
    private let seconds: Double
    private let isInsecure: Bool

    /// - Throws: `Fault.usage` for a configuration that cannot be read or names no host.
    init(config: String, data: String?, keys: String?, insecure: Bool, seconds: Double) throws(Fault) {
        var cluster = try clusterConfiguration(config)
        if insecure { cluster.security.keys = "" }
        if let keys { cluster.security.keys = try absolute(keys) }
        guard !cluster.launch.hosts.isEmpty else {
            throw Fault(
                .usage, "\(config): launch.hosts", "names no host",
                mend: "list the machines that are to work: hosts = [\"node1\", \"node2\"]")
        }
        isInsecure = (insecure || cluster.security.insecure) && cluster.security.keys.isEmpty
        self.cluster = cluster
        self.data = try data.map { path throws(Fault) in try absolute(path) } ?? ""
        self.seconds = seconds
    }

    /// Visits every host. Blocks.
    func checkup() throws -> ClusterCheckup {
        // A name that no host has: it has a space.
        var here = HostVisit(name: "this machine", version: Zoetrope.version)
        here.facts = HostFacts(
            HostQuestion.Facts(
                coordinator: cluster.coordinator.address, listen: "", data: data, needsData: !data.isEmpty,
                cache: cluster.worker.cache))
        let folder = NSTemporaryDirectory() + "zoetrope-doctor-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var receiver: NetworkBench.Receiver?
        defer { receiver?.stop() }
        var keys: [String: String] = [:]
        do throws(Fault) {
            let own = try keyFolder(makingIn: folder)
            keys = own.isEmpty ? [:] : try Keys.texts(own, for: .worker)
            let security = try Security(keys: own, insecure: isInsecure, role: .coordinator)
            if seconds > 0 { receiver = try listen(security, &here.problems) }
        } catch { here.problems.append(HostProblem(error)) }
        let doctor = ClusterDoctor(
            cluster: cluster, version: Zoetrope.version, data: data, receiver: receiver?.endpoint ?? "", keys: keys,
            seconds: seconds)
        return ClusterCheckup(here: here, hosts: doctor.visits())
    }

    /// The job's keys, those of both roles read that a launch needs here; or new ones, as a launch without any makes them.
    private func keyFolder(makingIn folder: String) throws(Fault) -> String {
        guard !isInsecure else { return "" }
        guard !cluster.security.keys.isEmpty else {
            try Keys.create(folder)
            return folder
        }
        for role in [Role.coordinator, .worker] { _ = try Keys.read(cluster.security.keys, as: role) }
        return cluster.security.keys
    }

    /// Where the coordinator will: so hosts try the very port. If somebody has it, at another one, and that is a problem.
    private func listen(
        _ security: Security, _ problems: inout [HostProblem]
    ) throws(Fault) -> NetworkBench.Receiver {
        let address = cluster.coordinator.address
        if !cluster.coordinator.dashboard.isEmpty {
            do throws(Fault) {
                _ = try NetworkBench.Receiver(
                    try Security(keys: "", insecure: true, role: .coordinator),
                    endpoint: "tcp://\(cluster.coordinator.dashboard)"
                ).stop()
            } catch { problems.append(taken("coordinator.dashboard", error)) }
        }
        do throws(Fault) { return try NetworkBench.Receiver(security, endpoint: address) } catch {
            problems.append(taken("coordinator.address", error))
            guard let colon = address.lastIndex(of: ":") else { throw error }
            return try NetworkBench.Receiver(security, endpoint: address[...colon] + "*")
        }
    }

    private func taken(_ key: String, _ fault: Fault) -> HostProblem {
        HostProblem(
            thing: key, reason: "\(fault.thing): \(fault.reason)",
            mend: "name a free port and an address of this machine's in cluster.conf; "
                + "if a run is going on there, ask zoetrope status")
    }
}

import Faults
import Foundation
import Launch
import Protocol

/// `zoetrope doctor --config`: the coordinator's machine, this one where nothing else is said, and a visit to each host.
struct ClusterExamination {
    private let cluster: ClusterConfiguration
    private let transport: Transport
    private let data: String
    private let seconds: Double
    private let isInsecure: Bool
    private var isElsewhere: Bool { cluster.launch.coordinator != nil }

    /// - Parameters:
    ///   - config: `cluster.conf`; with `slurm` it may be left out.
    ///   - slurm: The nodes of the job that this command runs in are the hosts.
    /// - Throws: `Fault.usage` for a configuration that cannot be read, names no host or an address that hosts cannot join, and
    ///   outside a job.
    init(
        config: String?, slurm: Bool, data: String?, keys: String?, insecure: Bool, seconds: Double
    ) throws(Fault) {
        var cluster = try clusterConfiguration(config)
        if insecure { cluster.security.keys = "" }
        if let keys { cluster.security.keys = try absolute(keys) }
        if slurm { try SlurmJob(environmentVariable).adopt(&cluster, isListening: config != nil) }
        guard !cluster.launch.hosts.isEmpty else {
            throw Fault(
                .usage, "\(config ?? "cluster.conf"): launch.hosts", "names no host",
                mend: "list the machines that are to work: hosts = [\"node1\", \"node2\"]")
        }
        if !slurm { try cluster.requireAddressForHosts() }
        isInsecure = (insecure || cluster.security.insecure) && cluster.security.keys.isEmpty
        // A folder of another machine counts from the home folder there.
        self.data =
            cluster.launch.coordinator == nil
            ? try data.map { path throws(Fault) in try absolute(path) } ?? "" : data ?? ""
        self.cluster = cluster
        transport = slurm ? .slurm : .ssh(cluster.launch.ssh)
        self.seconds = seconds
    }

    /// Visits every host. Blocks.
    func checkup() throws -> ClusterCheckup {
        // A name that no host has: it has a space.
        var here = HostVisit(name: "this machine", version: Zoetrope.version)
        if !isElsewhere {
            here.facts = HostFacts(
                HostQuestion.Facts(
                    coordinator: cluster.coordinator.address, listen: "", data: data, needsData: !data.isEmpty,
                    cache: cluster.worker.cache))
        }
        let folder = NSTemporaryDirectory() + "zoetrope-doctor-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var ports: CoordinatorPorts?
        defer { ports?.close() }
        var keys: [Role: [String: String]] = [:]
        do throws(Fault) {
            let own = try keyFolder(makingIn: folder)
            if !own.isEmpty { for role in [Role.coordinator, .worker] { keys[role] = try Keys.texts(own, for: role) } }
            if seconds > 0, !isElsewhere {
                let taken = try CoordinatorPorts(
                    try Security(keys: own, insecure: isInsecure, role: .coordinator),
                    address: cluster.coordinator.address, dashboard: cluster.coordinator.dashboard)
                here.problems += taken.problems
                ports = taken
            }
        } catch { here.problems.append(HostProblem(error)) }
        let doctor = ClusterDoctor(
            cluster: cluster, transport: transport, version: Zoetrope.version, data: data,
            receiver: ports?.endpoint ?? "", coordinatorKeys: keys[.coordinator] ?? [:], keys: keys[.worker] ?? [:],
            // Without the job's keys there is nothing to measure with.
            seconds: isInsecure || !keys.isEmpty ? seconds : 0)
        let (coordinator, hosts) = doctor.visits()
        guard let coordinator else { return ClusterCheckup(here: here, hosts: hosts) }
        return ClusterCheckup(here: coordinator, hosts: (here.problems.isEmpty ? [] : [here]) + hosts)
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
}

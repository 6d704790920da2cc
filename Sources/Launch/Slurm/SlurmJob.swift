public import Faults
public import Protocol

/// The Slurm job that this process runs in, as its environment tells it.
public struct SlurmJob: Sendable, Equatable {
    public let id: Int
    /// As Slurm writes it: `n[1-3,7]`.
    public let nodeList: String
    /// Processors of one task, if the job says so.
    public let threads: Int?

    /// - Parameter variable: The value of an environment variable.
    /// - Throws: `Fault.usage` outside a job.
    public init(_ variable: (String) -> String?) throws(Fault) {
        guard let id = variable("SLURM_JOB_ID").flatMap({ Int($0) }), let nodes = variable("SLURM_JOB_NODELIST"),
            !nodes.isEmpty
        else {
            throw Fault(
                .usage, "--slurm", "this is no Slurm job: SLURM_JOB_ID or SLURM_JOB_NODELIST is missing",
                mend: "run it in a batch script or inside salloc; deploy/slurm has one to start from")
        }
        self.id = id
        nodeList = nodes
        threads = variable("SLURM_CPUS_PER_TASK").flatMap { Int($0) }
    }

    /// A port that jobs on one machine do not share, below those that systems give out.
    public var port: Int { 20_000 + id % 10_000 }

    /// The nodes of the job become the hosts, with what `[launch]` says of every host; without an address to listen on, the
    /// one by which the first of the other nodes reaches this machine.
    /// - Parameter isListening: Whether the configuration names the address.
    /// - Throws: `Fault` when Slurm does not answer, or no node is to be found.
    public func adopt(_ cluster: inout ClusterConfiguration, isListening: Bool) throws(Fault) {
        let names = try Captured.lines(of: ["scontrol", "show", "hostnames", nodeList])
        var program = cluster.launch.standard.program
        // Nodes have the same files as the one that the job's script runs on, so the same program is the safest.
        if program == "zoetrope" { program = try Captured.ownPath() }
        cluster.launch.hosts = names.map { name in
            var host = cluster.launch.standard
            (host.name, host.address, host.program) = (name, name, program)
            host.threads = threads
            return host
        }
        guard !isListening || cluster.coordinator.address == ClusterConfiguration.standard.coordinator.address else {
            return
        }
        let own = environmentVariable("SLURMD_NODENAME") ?? names.first
        let other = names.first { $0 != own } ?? names.first ?? ""
        let address = try address(of: other)
        cluster.coordinator.address = "tcp://\(try localAddress(towards: "tcp://\(address):1")):\(port)"
    }

    /// What Slurm itself calls a node by.
    private func address(of node: String) throws(Fault) -> String {
        let text = try Captured.lines(of: ["scontrol", "--oneliner", "show", "node", node]).joined(separator: " ")
        return Self.field("NodeAddr", in: text) ?? node
    }

    /// The value of `name=value` in a line of scontrol's.
    static func field(_ name: String, in text: String) -> String? {
        for word in text.split(separator: " ") where word.hasPrefix(name + "=") {
            let value = String(word.dropFirst(name.count + 1))
            return value.isEmpty ? nil : value
        }
        return nil
    }
}

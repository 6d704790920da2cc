import Configuration
public import Protocol

/// The commands and orders of a launch's processes. Pure.
public struct LaunchPlan: Sendable {
    /// The path of this program.
    public var program: String
    public var transport: Transport
    /// Where workers join.
    public var endpoint: String
    /// `cluster.conf`.
    public var cluster: ClusterConfiguration
    /// Of `zoetrope coordinator`, from its name on.
    public var coordinator: [String]
    /// What a coordinator on another machine needs there, by the files' names.
    public var coordinatorFiles: [String: String]
    /// What a worker needs of the job's keys, by the files' names; empty: no keys.
    public var workerKeys: [String: String]
    /// Without keys on a network.
    public var isInsecure: Bool

    public init(
        program: String, transport: Transport, endpoint: String, cluster: ClusterConfiguration, coordinator: [String],
        coordinatorFiles: [String: String] = [:], workerKeys: [String: String], isInsecure: Bool
    ) {
        self.program = program
        self.transport = transport
        self.endpoint = endpoint
        self.cluster = cluster
        self.coordinator = coordinator
        self.coordinatorFiles = coordinatorFiles
        self.workerKeys = workerKeys
        self.isInsecure = isInsecure
    }

    /// A process to start, the command that does so here, and what it is to be told on standard input.
    public struct Start: Sendable, Equatable {
        public let command: [String]
        public let order: TendOrder
    }

    /// The coordinator, on this machine or on the host that `cluster.conf` names. It is told to stop when the launch is
    /// gone, and has time for a checkpoint.
    public var coordinatorStart: Start {
        Start(
            command: cluster.launch.coordinator.map { transport.command($0) } ?? [program, "tend"],
            order: TendOrder(
                arguments: coordinator, files: coordinatorFiles, farewell: 15, grace: cluster.launch.grace))
    }

    /// The worker of a host. When the launch is gone the coordinator ends it, who asks it for its chunks before; one that
    /// hears of nobody is killed a little later.
    public func start(_ host: ClusterConfiguration.Host) -> Start {
        var arguments = [
            "worker", "--join", endpoint, "--config", TendOrder.folder + Self.configurationName, "--name", host.name,
        ]
        if !host.data.isEmpty { arguments += ["--data", host.data] }
        let cache = host.cache ?? cluster.worker.cache
        if !cache.isEmpty { arguments += ["--cache", cache] }
        if !workerKeys.isEmpty { arguments += ["--keys", TendOrder.folder] }
        var files = workerKeys
        files[Self.configurationName] = configuration(host)
        return Start(
            command: transport.command(host),
            order: TendOrder(
                arguments: arguments, files: files, farewell: 0, grace: cluster.launch.grace + 5))
    }

    public static let configurationName = "cluster.conf"

    /// What a coordinator on another machine takes of `cluster.conf`.
    public static func coordinatorConfiguration(_ cluster: ClusterConfiguration) -> String {
        """
        [coordinator]
        replicas = \(cluster.coordinator.replicas)
        verify = \(cluster.coordinator.verify)
        dashboard = \(Value.string(cluster.coordinator.dashboard).toml)

        """ + timeouts(cluster)
    }

    private static func timeouts(_ cluster: ClusterConfiguration) -> String {
        let timeouts = cluster.timeouts
        return """
            [timeouts]
            broken = \(timeouts.broken)
            heartbeat = \(timeouts.heartbeat)
            suspect = \(timeouts.suspect)
            dead = \(timeouts.dead)
            patience = \(timeouts.patience)

            """
    }

    /// What a worker takes of `cluster.conf`, with the host's own values.
    private func configuration(_ host: ClusterConfiguration.Host) -> String {
        let worker = cluster.worker
        return """
            [worker]
            data_host = \(Value.string(host.dataHost ?? worker.dataHost).toml)
            data_bind = \(Value.string(host.dataBind ?? worker.dataBind).toml)
            threads = \(host.threads ?? worker.threads)
            decode_threads = \(worker.decodeThreads)
            pin = \(worker.pin)
            recompute = \(host.recompute ?? worker.recompute)
            cache_limit = "\(worker.cacheLimit)"
            metrics = \(Value.string(metrics(host)).toml)
            [security]
            insecure = \(isInsecure && workerKeys.isEmpty)

            """ + Self.timeouts(cluster)
    }

    /// One address of one machine is not for the others; a port alone is.
    private func metrics(_ host: ClusterConfiguration.Host) -> String {
        host.metrics ?? (cluster.worker.metrics.hasPrefix(":") ? cluster.worker.metrics : "")
    }

    /// What would be run, for people: commands as a shell takes them, and what goes over standard input. No secret.
    public func text(_ hosts: [ClusterConfiguration.Host]) -> String {
        ([(LaunchPart.coordinator, coordinatorStart)] + hosts.map { (LaunchPart.worker($0.name), start($0)) }).map {
            part, start in
            var line = "[\(part)] " + start.command.map(Transport.quoted).joined(separator: " ")
            line += "\n    runs: zoetrope " + start.order.arguments.map(Transport.quoted).joined(separator: " ")
            let files = start.order.files.keys.sorted().joined(separator: ", ")
            if !files.isEmpty { line += "\n    over standard input: \(files)" }
            if case .worker = part, workerKeys.isEmpty, !isInsecure {
                line += ", and keys that are made when it starts"
            }
            return line
        }.joined(separator: "\n")
    }
}

public import Configuration
public import Faults

/// `cluster.conf`: where a run happens. Nothing in it changes a bit of the weights; what is trained is the recipe's.
///
/// The sample at the top of the tree names every key with its default.
public struct ClusterConfiguration: Sendable, Equatable {
    /// Where the coordinator listens and workers join.
    public var coordinator: Coordinator
    public var worker: Worker
    public var security: SecuritySection
    public var timeouts: Timeouts
    /// Where `zoetrope launch` starts workers.
    public var launch: Launch

    public struct Coordinator: Sendable, Equatable {
        /// `tcp://HOST:PORT`; port 0 takes a free one. The address is one of the machine's own, never `*`.
        public var address: String
        /// Workers that keep each chunk of the parameters; fewer while there are fewer workers.
        public var replicas: Int
        /// Of how many steps one block is computed by a second worker and compared, 0 to 1: a processor that computes wrong
        /// gradients is found out by nothing else.
        public var verify: Double
        /// `HOST:PORT` of the run's page and of `/metrics`; empty: none.
        public var dashboard: String
        /// The file whose text lets the page order things; empty: it only shows.
        public var dashboardToken: String
    }

    public struct Worker: Sendable, Equatable {
        /// The host or address under which other workers reach this one's shard; ports are chosen freely. Empty: the
        /// address by which the worker reaches its coordinator.
        public var dataHost: String
        /// The address to listen on where `dataHost` is a name for others only; empty: `dataHost`.
        public var dataBind: String
        /// Compute threads; 0: one for each core.
        public var threads: Int
        /// Threads that decode ahead.
        public var decodeThreads: Int
        /// Whether each compute thread is bound to a processor of its own.
        public var pin: Bool
        /// Whether activations are computed a second time rather than kept.
        public var recompute: Bool
        /// The folder of clips that were pulled from others; empty: in the user's cache folder.
        public var cache: String
        /// Bytes that it may hold; 0: nine tenths of what its disk has free.
        public var cacheLimit: Int
        /// `HOST:PORT` of its `/metrics`, or `:PORT` at the address where the others reach it; empty: none.
        public var metrics: String
    }

    public struct SecuritySection: Sendable, Equatable {
        /// The job's key folder; empty: none, and this machine only.
        public var keys: String
        /// Other machines without keys.
        public var insecure: Bool
    }

    /// In seconds, each longer than the one before: the one hierarchy of timeouts.
    public struct Timeouts: Sendable, Equatable {
        /// A worker whose connection broke is dead when it does not come back for so long.
        public var broken: Double
        /// Between two heartbeats.
        public var heartbeat: Double
        /// Silence after which a worker gets no new lease and its block may be given to another as well.
        public var suspect: Double
        /// Silence after which a worker counts as dead.
        public var dead: Double
        /// How long a worker without a coordinator keeps its state and tries again before it stops with 75.
        public var patience: Double
    }

    /// How many compute threads a process may be told to have; 0 is one for each core.
    public static let threads = 0...1024

    /// Everything at its default: one machine, loopback.
    public static let standard = ClusterConfiguration(
        coordinator: Coordinator(
            address: "tcp://127.0.0.1:5570", replicas: 2, verify: 0.01, dashboard: "", dashboardToken: ""),
        worker: Worker(
            dataHost: "", dataBind: "", threads: 0, decodeThreads: 1, pin: false, recompute: false, cache: "",
            cacheLimit: 0, metrics: ""),
        security: SecuritySection(keys: "", insecure: false),
        timeouts: Timeouts(broken: 0.6, heartbeat: 1, suspect: 3, dead: 9, patience: 600),
        launch: Launch(ssh: ["ssh"], grace: 60, standard: Host(name: ""), hosts: [], coordinator: nil))

    /// Reads a document.
    /// - Throws: `Fault.usage` for unknown keys, wrong kinds, and timeouts out of order.
    public static func read(_ document: Document) throws(Fault) -> ClusterConfiguration {
        var reader = Reader(document)
        let standard = ClusterConfiguration.standard
        let configuration = ClusterConfiguration(
            coordinator: Coordinator(
                address: try reader.string("coordinator.address", default: standard.coordinator.address),
                replicas: try reader.integer(
                    "coordinator.replicas", default: standard.coordinator.replicas, in: 1...8),
                verify: try reader.real("coordinator.verify", default: standard.coordinator.verify, in: 0...1),
                dashboard: try reader.string("coordinator.dashboard", default: standard.coordinator.dashboard),
                dashboardToken: Self.path(
                    try reader.string("coordinator.dashboard_token", default: standard.coordinator.dashboardToken),
                    besides: document.name)),
            worker: Worker(
                dataHost: try reader.string("worker.data_host", default: standard.worker.dataHost),
                dataBind: try reader.string("worker.data_bind", default: standard.worker.dataBind),
                threads: try reader.integer("worker.threads", default: standard.worker.threads, in: Self.threads),
                decodeThreads: try reader.integer(
                    "worker.decode_threads", default: standard.worker.decodeThreads, in: 1...256),
                pin: try reader.boolean("worker.pin", default: standard.worker.pin),
                recompute: try reader.boolean("worker.recompute", default: standard.worker.recompute),
                cache: Self.path(
                    try reader.string("worker.cache", default: standard.worker.cache), besides: document.name),
                cacheLimit: try ByteCount(
                    try reader.string("worker.cache_limit", default: "0"), about: reader.place("worker.cache_limit")
                ).bytes, metrics: try reader.string("worker.metrics", default: standard.worker.metrics)),
            security: SecuritySection(
                keys: Self.path(
                    try reader.string("security.keys", default: standard.security.keys), besides: document.name),
                insecure: try reader.boolean("security.insecure", default: standard.security.insecure)),
            timeouts: Timeouts(
                broken: try reader.real("timeouts.broken", default: standard.timeouts.broken, in: 0.05...60),
                heartbeat: try reader.real("timeouts.heartbeat", default: standard.timeouts.heartbeat, in: 0.05...60),
                suspect: try reader.real("timeouts.suspect", default: standard.timeouts.suspect, in: 0.1...600),
                dead: try reader.real("timeouts.dead", default: standard.timeouts.dead, in: 0.2...3600),
                patience: try reader.real("timeouts.patience", default: standard.timeouts.patience, in: 1...86_400)),
            launch: try Launch(&reader))
        let timeouts = configuration.timeouts
        let silences = [timeouts.broken, timeouts.heartbeat].map { $0 < timeouts.suspect }
        guard silences.allSatisfy(\.self), timeouts.suspect < timeouts.dead, timeouts.dead < timeouts.patience else {
            throw Fault(
                .usage, document.name, "the timeouts must rise: broken and heartbeat < suspect < dead < patience",
                mend: "defaults are 0.6, 1, 3, 9 and 600 seconds")
        }
        _ = try reader.finish()
        return configuration
    }

    /// A path that stands in a file counts from that file's folder.
    static func path(_ path: String, besides file: String) -> String {
        guard !path.isEmpty, !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}

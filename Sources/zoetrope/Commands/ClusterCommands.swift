import ArgumentParser
import Configuration
import Coordinator
import Dashboard
import Dispatch
import Faults
import Foundation
import Kernels
import Launch
import Protocol
import Reporting
import Storage
import Wire
import Worker

/// `zoetrope coordinator`.
struct Coordinate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Coordinate a run; workers join from any machine.")
    @Option(help: "cluster.conf; without it, its defaults: this machine only, port 5570.")
    var config: String?
    @Option(help: "The recipe.")
    var recipe: String
    @Argument(help: "key=value for whatever is to be different from the recipe.")
    var assignments: [String] = []
    @Option(help: "The data set's folder.")
    var data: String
    @Option(name: .customLong("run"), help: "The run's folder; made if it is not there.")
    var folder: String
    @Option(help: "Workers to wait for before the first step, for half a minute at most.")
    var workers = 1
    @OptionGroup var continuing: ContinuingOptions
    @OptionGroup var page: DashboardOptions
    @OptionGroup var protection: SecurityOptions
    @OptionGroup var result: ResultOptions
    @Option(help: "Where to listen, instead of cluster.conf's coordinator.address.")
    var listen: String?
    @Flag(help: "Stay when the run is done, until a signal comes: for supervisors that start again whoever ends.")
    var stay = false
    @Option(help: .hidden)
    var recipeOrigin: String?
    @Option(help: .hidden)
    var parent: Int32?

    func run() throws {
        detachStandardError()
        var cluster = try clusterConfiguration(config)
        if let listen { cluster.coordinator.address = listen }
        if let parent { endWith(parent: parent, name: "coordinator") }
        let preparation = try RunPreparation(
            recipe: recipe, origin: recipeOrigin, assignments: assignments, data: try absolute(data), run: folder)
        if let finished = try finishedResult(run: folder, preparation: preparation, isTended: parent != nil) {
            result.report(finished.json, text: finished.text)
            // A launch would start workers that nobody waits for.
            if parent == nil { ServiceNotice.system?.ready() }
            if stay { stayUntilSignalled() }
            return
        }
        preparation.warnIfCrowded(workers: workers)
        let ending = try coordinate(
            preparation, run: folder, continuing: continuing, listen: cluster.coordinator.address,
            security: try protection.security(cluster.security, as: .coordinator), expectedWorkers: workers,
            cluster: cluster,
            dashboard: try page.settings(
                page: cluster.coordinator.dashboard, token: cluster.coordinator.dashboardToken),
            isTended: parent != nil
        ) { shell throws(Fault) in standardError("zoetrope: workers may join at \(shell.endpoint)\n") }
        try conclude(ending, run: folder, preparation: preparation, result)
        if stay { stayUntilSignalled() }
    }

    /// The run is done, and so is the process, but for whoever would start it again.
    private func stayUntilSignalled() {
        let watchdog = Watchdog(ServiceNotice.system)
        let signalled = DispatchSemaphore(value: 0)
        onEverySignal([SIGTERM, SIGINT, SIGUSR1]) { _, _ in signalled.signal() }
        standardError("zoetrope: the run is done; waiting for a signal, as --stay asks\n")
        while signalled.wait(timeout: .now() + 1) == .timedOut { watchdog.ticked() }
    }
}

/// `zoetrope worker`.
struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Join a run: compute for it and own a part of its parameters.",
        discussion: """
            Joins at any time. SIGTERM lets it finish its block, hand its chunks over, and leave with 0; SIGUSR1 the same with \
            75, run again to go on. Before it has joined it leaves at once, with the same codes. A second SIGINT ends it at once.
            """)
    @Option(help: "The coordinator's address: tcp://HOST:PORT, as RUN/endpoint has it.")
    var join: String
    @Option(help: "cluster.conf; without it, its defaults.")
    var config: String?
    @Option(
        help: """
            The data set's folder on this machine. Without it, where the coordinator has it, if this machine sees the same \
            there; else clips are pulled from the coordinator and other workers.
            """)
    var data: String?
    @OptionGroup var pulled: ClipCacheOptions
    @Option(help: "Compute threads; 0 takes one for each core. Without it, worker.threads of the --config, or 0.")
    var threads: Int?
    @Flag(
        inversion: .prefixedNo,
        help: "Bind each compute thread to a processor of its own, the first that the process may use.")
    var pin: Bool?
    @Flag(
        inversion: .prefixedNo,
        help: "Compute activations a second time rather than keep them: the same bits in less memory and more time.")
    var recompute: Bool?
    @Option(
        help: """
            Serve /metrics for Prometheus at HOST:PORT, port 0 takes a free one; :PORT alone, at the address where the other \
            workers reach this one. Without it, worker.metrics of the --config, or nowhere.
            """)
    var metrics: String?
    @Option(help: "What people call this worker; without it, the host's name and the process.")
    var name: String?
    @OptionGroup var protection: SecurityOptions
    @Option(help: .hidden)
    var cores: String?
    @Option(help: .hidden)
    var parent: Int32?

    func validate() throws {
        if let threads { try checkThreads(threads) }
    }

    func run() throws {
        detachStandardError()
        let cluster = try clusterConfiguration(config)
        let count = computeThreads(threads ?? cluster.worker.threads)
        let resources = WorkerResources(
            data: try data.map { path throws(Fault) in try absolute(path) }, threads: count,
            decodeThreads: cluster.worker.decodeThreads, cores: try pinned(count, cluster),
            recomputes: recompute ?? cluster.worker.recompute)
        let name = name ?? "\(ProcessInfo.processInfo.hostName)-\(getpid())"
        let isOfCommand = parent != nil
        let signals = WorkerSignals(of: name, isOfCommand: isOfCommand)
        if let parent { endWith(parent: parent, name: name) }
        let security = try protection.security(cluster.security, as: .worker)
        let note: @Sendable (String) -> Void = { standardError("zoetrope: \(name): \($0)\n") }
        if count > Cores.usable {
            note("\(count) threads will wait for each other: this process has the time of \(Cores.usable) processors")
        }
        // The others reach it where it reaches the coordinator.
        if cluster.worker.dataHost.isEmpty { try awaitWay(to: join, for: cluster.timeouts.patience, note: note) }
        let supply = ClipSupply(
            fetcher: ContentFetcher(coordinator: join, security: security, note: note),
            cache: try pulled.clipCache(cluster),
            note: note)
        var settings = WorkerShell.Settings(
            coordinator: join, name: name, dataHost: cluster.worker.dataHost, dataBind: cluster.worker.dataBind,
            threads: resources.threads, product: Zoetrope.version, timing: cluster.timing, security: security)
        let watchdog = Watchdog(ServiceNotice.system)
        settings.ticked = { watchdog.ticked() }
        let progress = LatestProgress()
        let prometheus = try metricsServer(cluster, name: name, progress)
        defer { prometheus?.close() }
        settings.metrics = prometheus?.address ?? ""
        let shell = try WorkerShell(
            settings, supply: supply, note: note, observe: { progress.take($0) },
            build: { welcome throws(Fault) in
                let build = try buildWorker(welcome, resources: resources, supply: supply, note: note)
                // One of a command's own has nobody who reads its lines.
                if !isOfCommand { note("has joined \(join); compute threads: \(count)") }
                return build
            })
        signals.begin(shell)
        ServiceNotice.system?.ready()
        var ending = shell.run()
        ServiceNotice.system?.stopping()
        // Wherever it was: 0 would say that the run is done.
        if ending.code == 0, ending.reason != "done", signals.isToReturn {
            ending = Ending(code: 75, reason: "left on SIGUSR1")
        }
        guard ending.code == 0 else {
            throw Fault(Fault.Code(rawValue: Int32(ending.code)) ?? .internal, name, ending.reason)
        }
        if !isOfCommand { note("leaves: \(ending.reason)") }
    }

    /// Serves what Prometheus asks for, if it is to.
    private func metricsServer(
        _ cluster: ClusterConfiguration, name: String, _ progress: LatestProgress
    ) throws(Fault) -> MetricsServer? {
        var (text, about) = metrics.map { ($0, "--metrics") } ?? (cluster.worker.metrics, "worker.metrics")
        guard !text.isEmpty else { return nil }
        if text.hasPrefix(":") {
            let host = cluster.worker.dataBind.isEmpty ? cluster.worker.dataHost : cluster.worker.dataBind
            text = (host.isEmpty ? try localAddress(towards: join) : host) + text
        }
        // Where others know it by another name than it listens at, that is the one they ask for.
        let names = [hostName(), cluster.worker.dataHost].filter { !$0.isEmpty }
        let server = try MetricsServer(try DashboardAddress(text, about: about), about: about, names: names) {
            progress.value.prometheus(worker: name, process: .now())
        }
        standardError("zoetrope: \(name): metrics at \(server.url)\n")
        return server
    }

    /// The processors of the compute threads, if they are to have some of their own.
    private func pinned(_ threads: Int, _ cluster: ClusterConfiguration) throws(Fault) -> [Int]? {
        if let cores {
            let numbers = cores.split(separator: ",").compactMap { Int($0) }
            guard numbers.count == threads else {
                throw Fault(.usage, "--cores", "'\(cores)' are not \(threads) processors, as many as threads")
            }
            return numbers
        }
        return try Cores.slices(
            processes: 1, threads: threads, pins: pin ?? cluster.worker.pin, among: Cores.available,
            pin == nil ? "worker.pin" : "--pin")?[0]
    }
}

/// Waits until this machine knows a way to `endpoint`, as a worker waits for its coordinator.
/// - Parameter patience: Seconds.
/// - Throws: `Fault.stoppedEarly` when there is none by then, `Fault.usage` for what is no address.
private func awaitWay(to endpoint: String, for patience: Double, note: (String) -> Void) throws(Fault) {
    let clock = MonotonicClock()
    var isTold = false
    while true {
        do throws(Fault) {
            _ = try localAddress(towards: endpoint)
            return
        } catch {
            // Twice at least: a resolver that answers late would use up the patience by itself.
            guard error.code == .stoppedEarly, !isTold || clock.now < patience else { throw error }
            if !isTold { note("\(error); it is tried again") }
            isTold = true
            usleep(500_000)
        }
    }
}

/// A worker of a command must not outlive it, however that ends.
func endWith(parent: Int32, name: String) {
    // Nobody could wait for it: it lives as long as the process.
    Thread.detachNewThread {
        while getppid() == parent { usleep(200_000) }
        standardError("zoetrope: \(name): the command that started it is gone\n")
        flushStandardError()
        _exit(75)
    }
}

extension ClusterConfiguration {
    /// The shells' clocks.
    var timing: ClusterTiming {
        var timing = ClusterTiming()
        timing.heartbeat = timeouts.heartbeat
        timing.broken = timeouts.broken
        timing.silence = timeouts.suspect
        timing.death = timeouts.dead
        timing.coordinatorPatience = timeouts.patience
        return timing
    }
}

/// Reads `cluster.conf`, or takes the defaults.
func clusterConfiguration(_ path: String?) throws(Fault) -> ClusterConfiguration {
    guard let path else { return .standard }
    guard pathExists(path) else {
        throw Fault(.usage, path, "there is no such file", mend: "start from the sample cluster.conf")
    }
    let text = String(decoding: try readWhole(path, limit: 1 << 20), as: UTF8.self)
    return try ClusterConfiguration.read(try Document(toml: text, name: path))
}

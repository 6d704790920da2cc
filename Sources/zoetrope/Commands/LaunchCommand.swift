import ArgumentParser
import Configuration
import Coordinator
import Faults
import Foundation
import Launch
import Protocol
import Reporting
import Storage
import Training

/// `zoetrope launch`: a whole cluster.
struct LaunchCluster: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "Train on the hosts of cluster.conf: a coordinator here or on one of them, a worker on each by ssh.",
        discussion: """
            Starts the coordinator on this machine, or where launch.coordinator says, and a worker on every host of [launch] in \
            cluster.conf, or with --slurm on every node of the job that it runs in. Workers that die are started again; when \
            this command ends, however it ends, nothing of it remains on any host. SIGTERM, SIGUSR1 and control-C write a \
            checkpoint and end with 75: the same command continues. A second control-C ends everything at once. The exit code \
            is the run's.
            """)
    @Option(help: "cluster.conf, with the hosts; with --slurm it may be left out.")
    var config: String?
    @Option(help: "The recipe.")
    var recipe: String
    @Argument(help: "key=value for whatever is to be different from the recipe.")
    var assignments: [String] = []
    @Option(
        help: """
            The data set's folder on the coordinator's machine; with launch.coordinator from the home folder there on, unless it \
            begins with /.
            """)
    var data: String
    @Option(
        name: .customLong("run"), help: "The run's folder on the coordinator's machine; made if it is not there.")
    var folder: String
    @Flag(help: "The hosts are the nodes of the Slurm job that this command runs in, reached by srun.")
    var slurm = false
    @Flag(help: "Read cluster.conf again while training: new hosts join, hosts that are gone from it leave.")
    var elastic = false
    @Flag(help: "Print what would be run on which host, and end.")
    var dryRun = false
    @OptionGroup var continuing: ContinuingOptions
    @OptionGroup var page: DashboardOptions
    @OptionGroup var protection: SecurityOptions
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard config != nil || slurm else {
            throw ValidationError("name the hosts: --config cluster.conf, or --slurm inside a Slurm job")
        }
        guard !(elastic && slurm) else {
            throw ValidationError("--elastic reads cluster.conf; with --slurm more workers are a job of their own")
        }
    }

    func run() throws {
        detachStandardError()
        var cluster = try clusterConfiguration(config)
        if let keys = protection.keys { cluster.security.keys = try absolute(keys) }
        try adoptPage(&cluster)
        let job = slurm ? try SlurmJob(environmentVariable) : nil
        if let job { try job.adopt(&cluster, isListening: config != nil) }
        try check(cluster)
        guard let code = try launched(&cluster) else { return }
        fflush(nil)
        Foundation.exit(code)
    }

    /// What the options say of the page counts as if `cluster.conf` said it; what is wrong with it is found out here.
    private func adoptPage(_ cluster: inout ClusterConfiguration) throws(Fault) {
        guard page.dashboard != nil || page.dashboardToken != nil else { return }
        _ = try page.settings(page: cluster.coordinator.dashboard, token: cluster.coordinator.dashboardToken)
        if let address = page.dashboard { cluster.coordinator.dashboard = address }
        if let token = page.dashboardToken { cluster.coordinator.dashboardToken = try absolute(token) }
    }

    /// - Returns: The run's exit code; nil for a dry run.
    private func launched(_ cluster: inout ClusterConfiguration) throws(Fault) -> Int32? {
        let made = try adoptKeys(&cluster)
        defer { made?.removeIfUnused() }
        let plan = try plan(cluster, keys: cluster.security.keys)
        if dryRun {
            print(plan.text(cluster.launch.hosts))
            return nil
        }
        let names = cluster.launch.hosts.map(\.name) + [LaunchPart.coordinator.description]
        let prefix = LogPrefix(names: names, isColoured: isColoured)
        let shell = try LaunchShell(
            plan: plan, hosts: cluster.launch.hosts,
            surroundings: LaunchShell.Surroundings(
                log: { part, line in standardError(prefix.text(part) + line + "\n") },
                // Whoever was to read it may have gone.
                result: { try? FileHandle.standardOutput.write(contentsOf: Data($0)) },
                hosts: elastic ? hostsNow : nil))
        heedSignals(shell)
        return shell.run()
    }

    /// The first of the signals asks for a checkpoint; a second control-C is in earnest.
    private func heedSignals(_ shell: LaunchShell) {
        onEverySignal([SIGTERM, SIGUSR1, SIGINT]) { number, count in
            shell.wish(number == SIGINT && count > 1 ? .abort : .stop(signal: number == SIGINT ? SIGTERM : number))
        }
    }

    private var isColoured: Bool {
        let environment = ProcessInfo.processInfo.environment
        return standardErrorIsTerminal() && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb"
    }

    /// Reads the list again, each time it is called.
    private var hostsNow: @Sendable () throws(Fault) -> [ClusterConfiguration.Host] {
        { [config] () throws(Fault) in try clusterConfiguration(config).launch.hosts }
    }

    /// - Throws: `Fault.usage` for a list without hosts and for an address that hosts cannot join.
    private func check(_ cluster: ClusterConfiguration) throws(Fault) {
        let address = cluster.coordinator.address
        guard elastic || !cluster.launch.hosts.isEmpty else {
            throw Fault(
                .usage, "\(config ?? "cluster.conf"): launch.hosts", "names no host",
                mend: "list the machines that are to work: hosts = [\"node1\", \"node2\"]")
        }
        guard !address.hasSuffix(":0"), !address.hasSuffix(":*") else {
            throw Fault(
                .usage, "coordinator.address", "\(address) leaves the port open",
                mend: "choose one: workers look for a coordinator that was started again where it was before")
        }
        let coordinator = cluster.launch.coordinator
        guard coordinator == nil || !slurm else {
            throw Fault(
                .usage, "launch.coordinator", "names a host, and under Slurm the coordinator runs beside this command",
                mend: "leave it out")
        }
        if !slurm { try cluster.requireAddressForHosts() }
    }

    /// The job's keys: those that are named, or the run's own.
    /// - Returns: What had to be made.
    private func adoptKeys(_ cluster: inout ClusterConfiguration) throws(Fault) -> MadeKeys? {
        let isInsecure = protection.insecure || cluster.security.insecure
        var made: MadeKeys?
        if cluster.security.keys.isEmpty, !isInsecure {
            let own = try absolute(keysOfLaunch(cluster))
            if !pathExists(own), !dryRun {
                made = try MadeKeys(own, run: cluster.launch.coordinator == nil ? absolute(folder) : nil)
                standardError("zoetrope: made keys for this run; zoetrope status and stop take --keys \(own)\n")
            }
            cluster.security.keys = own
        }
        cluster.security.insecure = isInsecure && cluster.security.keys.isEmpty
        return made
    }

    /// Where keys lie that nobody has named: in the run's folder, or where that is on another machine, beside the list of
    /// hosts.
    private func keysOfLaunch(_ cluster: ClusterConfiguration) -> String {
        guard cluster.launch.coordinator != nil, let config else { return folder + "/keys" }
        return (config.hasSuffix(".conf") ? String(config.dropLast(5)) : config) + ".keys"
    }

    private func plan(_ cluster: ClusterConfiguration, keys: String) throws(Fault) -> LaunchPlan {
        // What a dry run would have to make first it does not show.
        let isOpen = keys.isEmpty || (dryRun && !pathExists(keys))
        var words = ["coordinator"]
        var files: [String: String] = [:]
        if cluster.launch.coordinator == nil {
            words += ["--recipe", try absolute(recipe)] + assignments
            if let config { words += ["--config", try absolute(config)] }
            words += ["--data", try absolute(data), "--run", try absolute(folder)]
            words += keys.isEmpty ? ["--insecure"] : ["--keys", keys]
            // Whatever cluster.conf has, it reads itself.
            if let address = page.dashboard { words += ["--dashboard", address] }
            if page.dashboardToken != nil { words += ["--dashboard-token", cluster.coordinator.dashboardToken] }
        } else {
            files = try coordinatorFiles(cluster, keys: isOpen ? "" : keys)
            words += ["--recipe", TendOrder.folder + Self.recipeName, "--recipe-origin", try absolute(recipe)]
            words += assignments + ["--config", TendOrder.folder + LaunchPlan.configurationName]
            words += ["--data", data, "--run", folder]
            words += keys.isEmpty ? ["--insecure"] : ["--keys", TendOrder.folder]
            if files[Self.tokenName] != nil { words += ["--dashboard-token", TendOrder.folder + Self.tokenName] }
        }
        words += ["--listen", cluster.coordinator.address, "--workers", "\(max(1, cluster.launch.hosts.count))"]
        words += continuing.arguments
        if result.json { words.append("--json") }
        return LaunchPlan(
            program: ownPath, transport: slurm ? .slurm : .ssh(cluster.launch.ssh),
            endpoint: cluster.coordinator.address, cluster: cluster, coordinator: words, coordinatorFiles: files,
            workerKeys: isOpen ? [:] : try Keys.texts(keys, for: .worker), isInsecure: keys.isEmpty)
    }

    /// What a coordinator elsewhere needs of this machine's files. A recipe that is none is found out here.
    private func coordinatorFiles(_ cluster: ClusterConfiguration, keys: String) throws(Fault) -> [String: String] {
        _ = try Recipe.read(RunPreparation.document(recipe: recipe, assignments: assignments))
        var files = keys.isEmpty ? [:] : try Keys.texts(keys, for: .coordinator)
        files[Self.recipeName] = String(decoding: try readWhole(recipe, limit: 1 << 18), as: UTF8.self)
        files[LaunchPlan.configurationName] = LaunchPlan.coordinatorConfiguration(cluster)
        let token = cluster.coordinator.dashboardToken
        if !cluster.coordinator.dashboard.isEmpty, !token.isEmpty {
            files[Self.tokenName] = try DashboardOptions.token(in: token, about: "coordinator.dashboard_token") + "\n"
        }
        return files
    }

    private static let recipeName = "recipe.toml"
    private static let tokenName = "token"
}

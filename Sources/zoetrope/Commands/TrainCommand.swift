import ArgumentParser
import Coordinator
import Dashboard
import Faults
import Foundation
import Kernels
import Launch
import Protocol
import Reporting
import Storage
import Training
import Wire

/// `zoetrope train`: a coordinator and its workers on this machine.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a recipe: a coordinator and N workers on this machine; others may join.",
        discussion: """
            Run again it continues, with any number of workers, to the same weights; a finished run prints its result again. \
            The address where more workers may join stands in RUN/endpoint.
            """)
    @Argument(help: "The recipe, and key=value for whatever is to be different: recipe.toml seed=7 schedule.epochs=20")
    var recipe: [String]
    @Option(help: "The data set's folder.")
    var data: String
    @Option(name: .customLong("run"), help: "The run's folder; made if it is not there.")
    var folder: String
    @Option(help: "Worker processes to start.")
    var workers = 1
    @Option(help: "Compute threads of each worker; 0 shares the cores among them.")
    var threads = 0
    @Flag(
        inversion: .prefixedNo,
        help: "Bind each compute thread to a processor of its own; without it, when the workers take all of them.")
    var pin: Bool?
    @Flag(
        help: """
            Compute activations a second time rather than keep them: the same bits in less memory and more time. `zoetrope model \
            info` says how much.
            """)
    var recompute = false
    @Option(help: "Where to listen: tcp://HOST:PORT; port 0 takes a free one.")
    var listen = "tcp://127.0.0.1:0"
    @OptionGroup var continuing: ContinuingOptions
    @OptionGroup var page: DashboardOptions
    @Flag(
        help: """
            Let each worker serve /metrics for Prometheus, too, at a free port of the page's address; /targets there lists \
            them for http_sd_configs.
            """)
    var metrics = false
    @OptionGroup var protection: SecurityOptions
    @OptionGroup var result: ResultOptions

    func validate() throws {
        guard !metrics || page.dashboard != nil else {
            throw ValidationError("--metrics: no page would list the workers' ports; add --dashboard HOST:PORT")
        }
        guard (1...1024).contains(workers) else { throw ValidationError("--workers \(workers): choose 1 to 1024") }
        try checkThreads(threads)
        guard !recipe.isEmpty else { throw ValidationError("name a recipe") }
    }

    func run() throws {
        detachStandardError()
        let data = try absolute(data)
        let threads = computeThreads(threads, ofEachOf: workers)
        let slices = try Cores.slices(
            processes: workers, threads: threads, pins: pin, among: Cores.available, "--pin")
        let preparation = try RunPreparation(
            recipe: recipe[0], assignments: Array(recipe.dropFirst()), data: data, run: folder)
        if let finished = try finishedResult(run: folder, preparation: preparation) {
            result.report(finished.json, text: finished.text)
            return
        }
        preparation.warnIfCrowded(workers: workers)
        let security = try protection.security(as: .coordinator)
        let dashboard = try page.settings()
        let local = LocalWorkers()
        let ending = try coordinate(
            preparation, run: folder, continuing: continuing, listen: listen, security: security,
            expectedWorkers: workers, cluster: .standard, dashboard: dashboard
        ) { shell throws(Fault) in
            try local.start(
                workers, endpoint: shell.endpoint, threads: threads, slices: slices,
                options: try protection.arguments + (recompute ? ["--recompute"] : []) + metricsArguments(dashboard)
            ) { process, isLast in
                shell.processEnded(process)
                if isLast { shell.stop(reason: "every worker of this command has ended") }
            }
        }
        // Whoever has lost the run tells nobody to stop; of the workers only its own may go.
        if ending.code == Fault.Code.internal.rawValue { local.kill() }
        local.wait()
        if ending.code != 0, let code = local.refusal {
            throw Fault(
                code, folder, "none of its workers can take part; they have said why", mend: "mend that first")
        }
        try conclude(ending, run: folder, preparation: preparation, result)
    }

    private func metricsArguments(_ dashboard: DashboardSettings?) -> [String] {
        guard metrics, let dashboard else { return [] }
        return ["--metrics", dashboard.address.text(port: 0)]
    }
}

/// What the commands that coordinate offer for a run that has begun.
struct ContinuingOptions: ParsableArguments {
    @Flag(
        help: """
            Take the run over from a coordinator that still holds it but is hung, stopped, or out of reach. When it wakes \
            up it finds that out and ends with 70.
            """)
    var takeOver = false
    @Flag(
        help: """
            Go on with kernels or video libraries that compute other bits than those the run's steps were computed with; \
            the ledger says from which step on. Without it such workers are turned away.
            """)
    var acceptOtherBuild = false

    /// For the same command on another host.
    var arguments: [String] {
        (takeOver ? ["--take-over"] : []) + (acceptOtherBuild ? ["--accept-other-build"] : [])
    }
}

/// Coordinates a run to its end, on the calling thread.
/// - Parameters:
///   - dashboard: Where its page is served, if anywhere.
///   - isTended: Whether a launch has started this process.
///   - started: Called when workers may join.
func coordinate(
    _ preparation: RunPreparation, run: String, continuing: ContinuingOptions, listen: String, security: Security,
    expectedWorkers: Int, cluster: ClusterConfiguration, dashboard: DashboardSettings?, isTended: Bool = false,
    started: (CoordinatorShell) throws(Fault) -> Void
) throws(Fault) -> Ending {
    // Whatever others may have is taken while the run is still as it was.
    let claim = try RunDirectory.Claim(run, takingOver: continuing.takeOver)
    let listener = try CoordinatorShell.listen(at: listen, security: security)
    let page = try dashboard.map { settings throws(Fault) in
        try RunDashboard(settings, monitor: RunMonitor(RunFacts(preparation, run: run)))
    }
    let directory = try RunDirectory(claim)
    if try directory.recipe() == nil { try directory.write(recipe: preparation.resolved.toml) }
    if try RunDataSet(run: run) == nil { try preparation.dataSet.write(to: run) }
    let report = try RunReport(run: run, steps: preparation.steps)
    let monitor = page?.monitor
    try monitor?.restore(run: run)
    let tensorBoard = try RunTensorBoard(run: run, generation: directory.generation, preparation: preparation)
    let validation = try preparation.validation(run: run) { result in
        monitor?.validated(step: result.step, videoTop1: result.videoTop1, isBest: result.isBest)
        tensorBoard.validated(result)
    }
    var observer = report.observer
    observer.note = { [note = observer.note] told in
        note(told)
        monitor?.noted(told)
        if case .checkpoint(let version) = told { validation?.checkpointCompleted(version) }
    }
    let watchdog = Watchdog(ServiceNotice.system)
    observer.ticked = { watchdog.ticked() }
    if let monitor { monitor.watch(&observer) }
    tensorBoard.watch(&observer)
    let shell = try CoordinatorShell(
        directory: directory,
        settings: preparation.settings(
            expectedWorkers: expectedWorkers, cluster: cluster, acceptsOtherBuild: continuing.acceptOtherBuild),
        layout: try preparation.job.layout(), retention: preparation.retention, initial: preparation.initialState,
        listener: listener, observer: observer,
        content: { [content = preparation.content] in content.path(of: $0) })
    onStop(isTended: isTended) { signal in
        shell.stop(reason: "a signal asked for it")
        validation?.leaveTheRest(on: signal)
    }
    try page?.begin(shell, run: run)
    try started(shell)
    ServiceNotice.system?.ready()
    let ending = shell.run()
    // Validation and TensorBoard may have something left to do.
    if ending.code == 0 { standardError("zoetrope: all \(preparation.steps) steps are done\n") }
    ServiceNotice.system?.stopping()
    report.finish(ending)
    let owed = validation?.finish(isDone: ending.code == 0)
    tensorBoard.finish(ending)
    monitor?.ended(ending)
    page?.close(run: run)
    return owed ?? ending
}

/// The result of a run that is done, and nil for any other. What it has left to validate is done first.
/// - Parameter isTended: Whether a launch has started this process.
func finishedResult(run: String, preparation: RunPreparation, isTended: Bool = false) throws -> RunResult? {
    guard let finished = try RunResult(run: run, preparation: preparation) else { return nil }
    // Whoever was killed behind the last checkpoint may owe lines; whoever still holds the run writes them himself.
    if let claim = try? RunDirectory.Claim(run) {
        MetricsFile.complete(run: run)
        withExtendedLifetime(claim) {}
    }
    let folder = run + "/validation"
    guard try fileKind(folder) == .directory, try directoryNames(folder).contains(where: { $0.hasPrefix("step-") })
    else { return finished }
    let claim = try RunDirectory.Claim(run, takingOver: false)
    defer { withExtendedLifetime(claim) {} }
    guard let validation = try preparation.validation(run: run, told: { _ in }) else { return finished }
    onStop(isTended: isTended) { validation.leaveTheRest(on: $0) }
    ServiceNotice.system?.stopping()
    if let owed = validation.finish(isDone: true) { try conclude(owed, run: run) }
    return finished
}

/// Prints the result of a run that is done, or ends the process with the code that says why it is not.
func conclude(
    _ ending: Ending, run: String, preparation: RunPreparation, _ options: ResultOptions
) throws {
    try conclude(ending, run: run)
    guard let finished = try RunResult(run: run, preparation: preparation) else {
        throw Fault(.internal, run, "ended without its last checkpoint", mend: "run the same command again")
    }
    options.report(finished.json, text: finished.text)
}

/// - Throws: the fault of a run that is not done.
private func conclude(_ ending: Ending, run: String) throws(Fault) {
    guard ending.code != 0 else { return }
    throw Fault(
        Fault.Code(rawValue: Int32(ending.code)) ?? .internal, run, ending.reason,
        mend: ending.code == 75 ? "the same command continues" : "")
}

/// Other processes may have another working folder.
func absolute(_ path: String) throws(Fault) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}

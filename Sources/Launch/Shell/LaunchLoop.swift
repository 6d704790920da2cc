import Faults
import Glibc
import Protocol

/// The one thread of a launch.
struct LaunchLoop {
    private let plan: LaunchPlan
    private var machine: LaunchMachine
    private let surroundings: LaunchShell.Surroundings
    private let wake: Int32
    private let clock = MonotonicClock()
    private var processes: [LaunchPart: LaunchedProcess] = [:]
    private var code: Int32?
    private var nextLook = Self.look
    private var lastProblem: Fault?
    private var lastHosts: [ClusterConfiguration.Host]?

    init(
        plan: LaunchPlan, machine: LaunchMachine, surroundings: LaunchShell.Surroundings, wake: Int32
    ) {
        self.plan = plan
        self.machine = machine
        self.surroundings = surroundings
        self.wake = wake
    }

    mutating func run(takingWishes take: () -> [Wish]) -> Int32 {
        perform(machine.start(now: clock.now))
        while true {
            if let code {
                for process in processes.values { process.abandon() }
                return code
            }
            wait()
            for wish in take() { perform(machine.wish(wish, now: clock.now)) }
            reap()
            if clock.now >= nextLook { lookAtHosts() }
            perform(machine.tick(now: clock.now))
        }
    }

    /// Until something can be read, or a little while: the end of a process comes without a sign of its own.
    private mutating func wait() {
        let parts = Array(processes.keys)
        let streams = parts.flatMap { part in processes[part]?.descriptors ?? [-1, -1] }
        let flags = ready([wake] + streams, seconds: Self.tick)
        if flags[0] { _ = Reading(wake) }
        for (i, part) in parts.enumerated() {
            for stream in 0..<2 where flags[1 + 2 * i + stream] { pass(processes[part]?.read(stream) ?? [], of: part) }
        }
    }

    private mutating func pass(_ outputs: [LaunchedProcess.Output], of part: LaunchPart) {
        for output in outputs {
            switch output {
            case .log(let line): surroundings.log(part, line)
            case .result(let line): surroundings.result(line)
            case .ready where part == .coordinator: perform(machine.coordinatorListens(now: clock.now))
            case .stopping where part == .coordinator: machine.coordinatorStops()
            case .ready, .stopping: break
            }
        }
    }

    private mutating func reap() {
        for (part, process) in processes.sorted(by: { $0.key.description < $1.key.description }) {
            guard let exit = process.ending() else { continue }
            // What it wrote is in the pipes by now.
            for stream in 0..<2 {
                while let outputs = processes[part]?.read(stream) { pass(outputs, of: part) }
            }
            pass(processes[part]?.rest() ?? [], of: part)
            let meaning = processes[part]?.meaning(of: exit) ?? exit
            processes.removeValue(forKey: part)?.close()
            perform(machine.ended(part, meaning, now: clock.now))
        }
    }

    private mutating func lookAtHosts() {
        nextLook = clock.now + Self.look
        guard let read = surroundings.hosts else { return }
        do throws(Fault) {
            let hosts = try read()
            lastProblem = nil
            // Twice the same: a file that is being written may be empty for a moment, and nobody is to leave for that.
            defer { lastHosts = hosts }
            if hosts == lastHosts { perform(machine.hosts(hosts, now: clock.now)) }
        } catch {
            // Once, not every time.
            if error != lastProblem { surroundings.log(.coordinator, "the hosts stay as they were: \(error)") }
            lastProblem = error
        }
    }

    private mutating func perform(_ directives: [LaunchMachine.Directive]) {
        for directive in directives {
            switch directive {
            case .startCoordinator: start(.coordinator, plan.coordinatorStart)
            case .startWorker(let host): start(.worker(host.name), plan.start(host))
            case .signal(let part, let number): processes[part]?.tell(.signal(number))
            case .kill(let part): processes[part]?.tell(.kill)
            case .say(let part, let text): surroundings.log(part, text)
            case .finish(let code): self.code = code
            }
        }
    }

    private mutating func start(_ part: LaunchPart, _ start: LaunchPlan.Start) {
        do throws(Fault) {
            processes[part] = try LaunchedProcess(start, passesOutput: part == .coordinator)
        } catch {
            surroundings.log(part, "\(error)")
            perform(machine.ended(part, Exit(notStarted: error), now: clock.now))
        }
    }

    /// Seconds after which the end of a process is noticed, and between two looks at the list of hosts.
    private static let tick = 0.1
    private static let look = 2.0
}

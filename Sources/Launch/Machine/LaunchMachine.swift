public import Protocol

/// What a launch starts, starts again, and ends: decisions only.
///
/// The coordinator is started first, the workers when it listens. A worker that dies is started again, ever later when it
/// dies soon, until the coordinator ends; the launch's code is the coordinator's. Time is in seconds of any clock that
/// nobody sets.
public struct LaunchMachine: Sendable {
    public typealias Host = ClusterConfiguration.Host

    /// For the shell, in this order.
    public enum Directive: Equatable, Sendable {
        case startCoordinator
        case startWorker(Host)
        /// To the process itself, wherever it runs.
        case signal(LaunchPart, Int32)
        /// The process and all that it started, at once.
        case kill(LaunchPart)
        /// For people.
        case say(LaunchPart, String)
        /// All is over: end with this code.
        case finish(Int32)
    }

    private enum Phase: Equatable {
        /// `listens`: the workers may come.
        case running(listens: Bool)
        /// The run is over; what still runs has until `deadline`, and is killed then.
        case ending(code: Int32, deadline: Double, isKilled: Bool)
        case finished
    }

    private struct Member {
        var host: Host
        var state: State
        var patience = RestartPatience()
    }

    private enum State: Equatable {
        case running(since: Double)
        /// Is to be started then.
        case waiting(until: Double)
        /// Left on purpose, or cannot be had; with what it ended.
        case gone(code: Int32)
        /// Was told to leave because its host is no longer in the list.
        case leaving
    }

    private let isElastic: Bool
    private let grace: Double
    private var phase = Phase.running(listens: false)
    private var coordinator = State.waiting(until: 0)
    private var coordinatorPatience = RestartPatience()
    private var members: [String: Member] = [:]
    /// Hosts in the order of the list.
    private var order: [String] = []
    private var isStopping = false
    /// Until then a coordinator whose connection broke may still have the run: it writes a checkpoint before it ends.
    private var isHeldUntil: Double?
    /// When a coordinator that every worker has left is told to stop, unless it says that it is at its end.
    private var isAloneUntil: Double?
    /// Whether the coordinator has said that it is at its end.
    private var isAtItsEnd = false
    /// The code of a launch none of whose workers can take part.
    private var givenUp: Int32?

    /// Seconds that a coordinator without workers has to say that it is at its end: as a rule the run is done.
    private static let aloneTime = 600.0

    /// - Parameters:
    ///   - hosts: One worker each; names are unique.
    ///   - isElastic: Whether the list may change, so that a launch without workers goes on.
    ///   - grace: Seconds that workers may take to end behind their coordinator.
    public init(hosts: [Host], isElastic: Bool, grace: Double) {
        self.isElastic = isElastic
        self.grace = grace
        for host in hosts {
            order.append(host.name)
            members[host.name] = Member(host: host, state: .waiting(until: 0))
        }
    }

    // MARK: Events

    /// Begins: the coordinator is started.
    public mutating func start(now: Double) -> [Directive] { tick(now: now) }

    /// The coordinator listens: workers may join.
    public mutating func coordinatorListens(now: Double) -> [Directive] {
        guard phase == .running(listens: false) else { return [] }
        phase = .running(listens: true)
        return tick(now: now)
    }

    /// The coordinator is at its end: the run is done, or stops. What it still does, validating its last checkpoints above all,
    /// takes as long as it takes.
    public mutating func coordinatorStops() { isAtItsEnd = true }

    /// A process that was started has ended, or could not be started.
    public mutating func ended(_ part: LaunchPart, _ exit: Exit, now: Double) -> [Directive] {
        switch part {
        case .coordinator: coordinatorEnded(exit, now: now)
        case .worker(let name): workerEnded(name, exit, now: now)
        }
    }

    /// Somebody wants the launch to stop.
    public mutating func wish(_ wish: Wish, now: Double) -> [Directive] {
        switch wish {
        case .abort:
            guard phase != .finished else { return [] }
            // A coordinator that waits to be started again stays away.
            if case .waiting = coordinator { coordinator = .gone(code: 130) }
            phase = .ending(code: 130, deadline: now, isKilled: false)
            return [.say(.coordinator, "aborted: everything is killed")] + tick(now: now)
        case .stop(let signal):
            // A second one would end the coordinator at once, without its checkpoint.
            guard !isStopping, case .running = phase else { return [] }
            isStopping = true
            guard case .running = coordinator else { return end(with: 75, now: now) }
            return [
                .say(.coordinator, "is told to write a checkpoint and stop"), .signal(.coordinator, signal),
            ]
        }
    }

    /// The list of hosts as it is now.
    public mutating func hosts(_ hosts: [Host], now: Double) -> [Directive] {
        guard case .running = phase, !isStopping else { return [] }
        var directives: [Directive] = []
        let names = Set(hosts.map(\.name))
        for name in order where !names.contains(name) {
            guard var member = members[name] else { continue }
            if case .running = member.state {
                directives.append(
                    .say(.worker(name), "is no longer in the list: it hands over what it has, and leaves"))
                directives.append(.signal(.worker(name), Self.terminate))
                member.state = .leaving
                members[name] = member
            } else if member.state != .leaving {
                members[name] = nil
            }
        }
        for host in hosts {
            guard let member = members[host.name] else {
                members[host.name] = Member(host: host, state: .waiting(until: now))
                continue
            }
            guard member.host != host else { continue }
            members[host.name]?.host = host
            // What was in the way may be mended by now.
            if case .gone = member.state { members[host.name]?.state = .waiting(until: now) }
            if case .running = member.state {
                directives.append(
                    .say(.worker(host.name), "has other keys in the list: they count from its next start on"))
            }
        }
        order = hosts.map(\.name)
        return directives + tick(now: now)
    }

    /// Time has passed; see `deadline`.
    public mutating func tick(now: Double) -> [Directive] {
        switch phase {
        case .finished: return []
        case .running(let listens):
            var directives: [Directive] = []
            if case .waiting(let time) = coordinator, time <= now {
                coordinator = .running(since: now)
                directives.append(.startCoordinator)
                // Whether it is at its end, too, it has to find out.
                isAtItsEnd = false
                if isAloneUntil != nil { isAloneUntil = now + Self.aloneTime }
            }
            if let time = isAloneUntil, !isAtItsEnd, time <= now { directives += stopCoordinator() }
            guard listens, !isStopping else { return directives }
            for name in order {
                guard let member = members[name], case .waiting(let time) = member.state, time <= now else { continue }
                members[name]?.state = .running(since: now)
                directives.append(.startWorker(member.host))
            }
            return directives
        case .ending(let code, let deadline, let isKilled):
            let left = running
            if left.isEmpty {
                phase = .finished
                return [.finish(code)]
            }
            guard now >= deadline else { return [] }
            guard !isKilled else {
                phase = .finished
                return left.map { .say($0, "does not end; it may still run on its machine") } + [.finish(code)]
            }
            phase = .ending(code: code, deadline: now + Self.killingTime, isKilled: true)
            return left.map { .kill($0) }
        }
    }

    /// When `tick` has something to do next; nil: when something happens.
    public var deadline: Double? {
        switch phase {
        case .finished: return nil
        case .ending(_, let deadline, _): return deadline
        case .running(let listens):
            let states = [coordinator] + (listens && !isStopping ? members.values.map(\.state) : [])
            let waits = states.compactMap { if case .waiting(let time) = $0 { time } else { nil } }
            return (waits + [isAtItsEnd ? nil : isAloneUntil].compactMap(\.self)).min()
        }
    }

    // MARK: Endings

    private mutating func coordinatorEnded(_ exit: Exit, now: Double) -> [Directive] {
        guard case .running(let since) = coordinator else { return [] }
        // One that was killed while it stopped left a run that goes on like any other.
        let code = exit.isUnexplained && isStopping ? 75 : exit.asCode
        coordinator = .gone(code: code)
        guard case .running = phase else { return tick(now: now) }
        if let reason = exit.whyNoProgram {
            return [.say(.coordinator, "\(reason); \(Exit.programMend)")] + end(with: givenUp ?? 64, now: now)
        }
        if exit.asCode == 64, !isStopping, let time = isHeldUntil, now < time {
            coordinator = .waiting(until: now + Self.holdingTime)
            return [.say(.coordinator, "the one before it may not have ended yet; it is tried again")]
        }
        if exit.isOfCarrier { isHeldUntil = now + grace + Self.killingTime }
        // What it said of itself is the run's word; a coordinator that was killed said nothing, and its workers wait.
        guard exit.isUnexplained, !isStopping else {
            return end(with: code == 75 ? givenUp ?? code : code, now: now)
        }
        let wait = coordinatorPatience.next(ranFor: now - since)
        guard coordinatorPatience.failures <= Self.coordinatorDeaths else {
            return [.say(.coordinator, "died \(coordinatorPatience.failures) times in a row: the launch ends")]
                + end(with: 70, now: now)
        }
        coordinator = .waiting(until: now + wait)
        return [.say(.coordinator, "died (\(exit)); it starts again in \(Int(wait)) s")]
    }

    private mutating func end(with code: Int32, now: Double) -> [Directive] {
        // Only who ends in order has told its workers.
        phase = .ending(
            code: code, deadline: now + (code == 0 || code == 75 ? grace : Self.killingTime), isKilled: false)
        // Who has never joined does not know, and would wait for a coordinator. A second SIGTERM would kill who is leaving.
        let told = running.filter { part in
            if case .worker(let name) = part { members[name]?.state != .leaving } else { true }
        }
        return told.map { .signal($0, Self.terminate) } + tick(now: now)
    }

    private mutating func workerEnded(_ name: String, _ exit: Exit, now: Double) -> [Directive] {
        guard var member = members[name] else { return [] }
        let wasLeaving = member.state == .leaving
        var since = now
        if case .running(let begin) = member.state { since = begin }
        guard case .running(let listens) = phase, !isStopping else {
            members[name]?.state = .gone(code: exit.asCode)
            return tick(now: now)
        }
        if wasLeaving {
            // The list may name it again by now.
            if order.contains(name) { members[name]?.state = .waiting(until: now) } else { members[name] = nil }
            return tick(now: now)
        }
        if let reason = exit.whyNotAgain {
            members[name]?.state = .gone(code: exit.asCode)
            let directives: [Directive] = [.say(.worker(name), reason)]
            let codes = members.values.compactMap { if case .gone(let code) = $0.state { code } else { nil } }
            guard !isElastic, codes.count == members.count else { return directives }
            // Nobody is left to compute, and nobody will come: to try again helps only if one has left in order.
            givenUp = codes.contains(0) ? nil : codes.contains(65) ? 65 : 64
            guard case .running = coordinator, listens else {
                isStopping = true
                return directives + end(with: givenUp ?? 75, now: now)
            }
            // Who has left in order may have done so because the run is done.
            guard codes.contains(0) else { return directives + stopCoordinator() }
            isAloneUntil = now + Self.aloneTime
            return directives
        }
        let wait = member.patience.next(ranFor: now - since)
        member.state = .waiting(until: now + wait)
        members[name] = member
        return [.say(.worker(name), "ended (\(exit)); it starts again in \(Int(wait)) s")]
    }

    private mutating func stopCoordinator() -> [Directive] {
        isStopping = true
        isAloneUntil = nil
        guard case .running = coordinator else { return [] }
        return [
            .say(.coordinator, "every worker of this launch has ended: it is told to stop"),
            .signal(.coordinator, Self.terminate),
        ]
    }

    /// Processes that run, or may run.
    private var running: [LaunchPart] {
        var parts: [LaunchPart] = []
        if case .running = coordinator { parts.append(.coordinator) }
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            switch member.state {
            case .running, .leaving: parts.append(.worker(name))
            case .waiting, .gone: break
            }
        }
        return parts
    }

    /// Seconds for what was told nothing, or is killed.
    private static let killingTime = 5.0
    /// Seconds between two looks whether the run is free.
    private static let holdingTime = 2.0
    private static let terminate: Int32 = 15
    /// In a row, without a minute of life between.
    private static let coordinatorDeaths = 5
}

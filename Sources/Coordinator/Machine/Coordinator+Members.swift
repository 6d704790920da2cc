internal import Protocol
internal import Training
internal import Wire

/// A worker as the coordinator sees it.
struct Member: Sendable {
    enum State: Sendable {
        /// Has said hello, or not even that.
        case joining
        /// Computes and owns.
        case active
        /// Computes no more; its chunks are being moved away.
        case draining
        /// Owns nothing and has been told to go.
        case released
    }

    var link: Link<CoordinatorMessage, WorkerMessage>
    let order: Int
    var hello: Hello?
    var state = State.joining
    var lastHeard: Double
    var suspectSince: Double?
    var wantsToLeave = false
    var progress = Progress()
    /// Frames in a row that were no messages.
    var unreadable = 0
    /// Checkpoints that were given up since one was whole, because a chunk came damaged from it.
    var damaged = 0
    /// Another who lives and whom it cannot reach; 0 is none.
    var unreached: Incarnation = 0
    /// Units per second, over the last leases.
    var speed: Double?
    /// What it kept from an earlier generation.
    var heldVersion = 0
    var heldChunks: [Int] = []
    var keptBlocks: [KeptBlock] = []
    /// It was asked to apply a step that the ledger has: true until it answers.
    var rollingForward: Bool?

    var name: String { hello?.name ?? "?" }
    var takesPart: Bool { state == .active || state == .draining }
}

/// Who is here: joining, leaving, dying.
extension Coordinator {
    var orderedMembers: [Incarnation] { members.order }
    var activeMembers: [Incarnation] { members.filter { $0.state == .active } }

    mutating func send(_ message: CoordinatorMessage, to worker: Incarnation, now: Double) {
        if let frame = members[worker]?.link.send(message, now: now) { directives.append(.send(worker, frame)) }
    }

    mutating func receive(_ frame: Frame<WorkerMessage>, now: Double) {
        let worker = frame.sender
        guard worker != 0 else { return }
        if let refusal = departed[worker] { return refuse(worker, refusal) }
        guard frame.receiver == 0 || (frame.receiver == generation && frame.session == run) else {
            // It takes us for an earlier coordinator, or for another run's: an empty frame tells it who we are.
            return sendOutOfOrder(nil, to: worker)
        }
        if members[worker] == nil {
            arrivals += 1
            members[worker] = Member(
                link: Link(local: generation, remote: worker, session: run, resend: timing.resend), order: arrivals,
                lastHeard: now)
        }
        members[worker]?.lastHeard = now
        members[worker]?.suspectSince = nil
        guard let (message, repetitions) = members[worker]?.link.receive(frame, now: now) else { return }
        directives += repetitions.map { .send(worker, $0) }
        guard let message else { return }
        members[worker]?.unreadable = 0
        handle(message, from: worker, now: now)
    }

    private mutating func handle(_ message: WorkerMessage, from worker: Incarnation, now: Double) {
        switch message {
        case .hello(let hello): welcome(hello, worker, now: now)
        case .ready(let ready): admit(ready, worker, now: now)
        case .heartbeat(let progress): take(progress, of: worker, now: now)
        case .blockComputed(let lease, let records): blockComputed(lease, records, by: worker, now: now)
        case .blockDelivered(let lease, let revision):
            blockDelivered(lease, revision: revision, by: worker, now: now)
        case .blockFailed(let lease, let reason): blockFailed(lease, reason, by: worker, now: now)
        case .chunksReady(let map, let step, let chunks): chunksReady(chunks, map: map, step: step, now: now)
        case .mapInstalled(let map, let chunks): mapInstalled(map, chunks, by: worker, now: now)
        case .fetchCheckpoint(let map, let chunk):
            if map == mapNumber, case .installing = phase, settings.plan.chunks.indices.contains(chunk) {
                directives.append(.readChunk(version: version, chunk: chunk, for: worker))
            }
        case .checkpointChunk(let state): checkpointChunk(state, from: worker, now: now)
        case .chunkDigests(let map, let version, let chunks):
            compare(chunks, map: map, version: version, from: worker, now: now)
        case .leaving: beginDraining(worker, now: now)
        case .suspect(let other): suspect(other, now: now)
        case .replicasDiffer(let divergence): replicasDiffer(divergence, now: now)
        case .alarm(let alarm): gradientsDiffer(alarm, now: now)
        }
    }

    /// Of two who live and do not reach each other nobody knows whose fault it is, and the rest may have to wait for them: the
    /// log names both, once.
    private mutating func take(_ progress: Progress, of worker: Incarnation, now: Double) {
        members[worker]?.progress = progress
        let other = members[progress.unreached].flatMap { $0.takesPart ? $0 : nil }
        let unreached = other == nil || isSilent(progress.unreached, now: now) ? 0 : progress.unreached
        guard let member = members[worker], member.unreached != unreached else { return }
        members[worker]?.unreached = unreached
        guard let other, unreached != 0 else { return }
        directives.append(
            .note(
                .unreached(
                    by: member.name, name: other.name, endpoint: other.hello?.endpoint ?? "?",
                    seconds: Int(timing.death))))
    }

    private mutating func refuse(_ worker: Incarnation, _ refusal: Refusal) {
        sendOutOfOrder(.refuse(refusal), to: worker)
    }

    /// To somebody who has no link.
    private mutating func sendOutOfOrder(_ message: CoordinatorMessage?, to worker: Incarnation) {
        directives.append(
            .send(
                worker,
                Frame(
                    sender: generation, receiver: worker, sequence: 0, received: 0, session: run, message: message)))
    }

    // MARK: - Joining

    private mutating func welcome(_ hello: Hello, _ worker: Incarnation, now: Double) {
        guard hello.version == Hello.protocolVersion else {
            let reason =
                "the coordinator speaks version \(Hello.protocolVersion) of the protocol, "
                + "this worker version \(hello.version); install the same release on both"
            return turnAway(worker, hello, reason, now: now)
        }
        members[worker]?.hello = hello
        // It came too late, and would wait for somebody who is gone.
        if case .closing(let code, let reason, _) = phase {
            return send(.stop(code: code, reason: reason), to: worker, now: now)
        }
        send(.welcome(settings.welcome), to: worker, now: now)
    }

    private mutating func turnAway(_ worker: Incarnation, _ hello: Hello?, _ reason: String, now: Double) {
        let refusal = Refusal(reason: reason, mayReturn: false)
        departed[worker] = refusal
        refuse(worker, refusal)
        directives.append(.note(.refused(name: hello?.name ?? "?", host: hello?.machine ?? "?", reason: reason)))
        members[worker] = nil
    }

    /// The worker has built what it was told to: does it agree with the others?
    private mutating func admit(_ ready: Ready, _ worker: Incarnation, now: Double) {
        if let member = members[worker], member.takesPart { return rolledForward(ready, worker, now: now) }
        guard let member = members[worker], member.state == .joining, let hello = member.hello else { return }
        let values = Dictionary(ready.fingerprints.map { ($0.name, $0.value) }, uniquingKeysWith: { a, _ in a })
        for (name, (value, by)) in agreed.sorted(by: { $0.key < $1.key }) where values[name] != value {
            var reason = "\(name) differs: \(by) has \(value), \(hello.name) has \(values[name] ?? "none")"
            if by == Self.ledgersName {
                reason +=
                    "; go on with the program and the libraries that began the run, or let the coordinator take others: "
                    + "--accept-other-build"
            }
            return turnAway(worker, hello, reason, now: now)
        }
        for (name, value) in values where agreed[name] == nil { agreed[name] = (value, hello.name) }
        // State counts before training begins only: later the map decides who holds what.
        if case .gathering = phase {
            members[worker]?.heldVersion = ready.heldVersion
            members[worker]?.heldChunks = ready.heldChunks.filter(settings.plan.chunks.indices.contains)
            members[worker]?.keptBlocks = ready.keptBlocks.filter { $0.block.first < settings.units }
            recall(ready.ledgerTail, from: hello.name, now: now)
        }
        members[worker]?.state = member.wantsToLeave ? .draining : .active
        firstReady = firstReady ?? now
        directives.append(.note(.joined(worker, name: hello.name, host: hello.machine)))
        switch phase {
        case .gathering: gather(now: now)
        case .installing, .stepping, .committing, .holding:
            // It computes from now on; chunks it gets between two steps.
            send(.map(map), to: worker, now: now)
            grantLeases(now: now)
        case .closing, .finished: break
        }
    }

    /// Begins, or begins again after everybody was lost, when enough workers are here.
    mutating func gather(now: Double) {
        if version == settings.steps, checkpoint == settings.steps {
            return close(code: 0, reason: "done", now: now)
        }
        releaseDrained(now: now)
        let count = activeMembers.count
        let expected = hasStarted ? 1 : settings.expectedWorkers
        // When a coordinator comes back and nothing is missing, the others have a moment to come back as well.
        let patience = heldState?.version ?? 0 > 0 ? min(2, settings.startPatience) : settings.startPatience
        let waited = firstReady.map { now - $0 >= patience } ?? false
        guard count > 0, count >= expected || waited, appending == nil else { return }
        hasStarted = true
        if rollForward(now: now) { return }
        adoptHeldState()
        recover(because: "\(count) workers begin", now: now)
    }

    // MARK: - Leaving

    mutating func drain(_ name: String, now: Double) {
        for worker in orderedMembers
        where members[worker]?.name == name || String(worker, radix: 16) == name.lowercased() {
            send(.drain, to: worker, now: now)
            beginDraining(worker, now: now)
        }
    }

    private mutating func beginDraining(_ worker: Incarnation, now: Double) {
        members[worker]?.wantsToLeave = true
        guard members[worker]?.state == .active else { return }
        members[worker]?.state = .draining
        if bugs.contains(.drainedOwnerReleasedEarly) { return release(worker, now: now) }
        if case .gathering = phase { releaseDrained(now: now) }
    }

    /// Between two steps, or when nobody trains: who leaves and owns nothing may go.
    mutating func releaseDrained(now: Double) {
        let owning = Set(owners + buddies.flatMap(\.self))
        // Who still sends its part of a checkpoint stays until that is written.
        let sending = Set((saving?.waiting ?? [:]).values).union(saving?.uncompared ?? [])
        for worker in orderedMembers
        where members[worker]?.state == .draining && !owning.contains(worker) && !sending.contains(worker) {
            release(worker, now: now)
        }
    }

    mutating func release(_ worker: Incarnation, now: Double) {
        directives.append(.note(.left(worker, name: members[worker]?.name ?? "?", reason: "drained")))
        send(.stop(code: 0, reason: "drained"), to: worker, now: now)
        members[worker]?.state = .released
        for chunk in holders.indices { holders[chunk].remove(worker) }
        for other in orderedMembers where other != worker { send(.departed(worker), to: other, now: now) }
    }

    // MARK: - Dying

    mutating func suspect(_ worker: Incarnation, now: Double) {
        guard members[worker] != nil, members[worker]?.suspectSince == nil else { return }
        members[worker]?.suspectSince = now
        // Whoever lives answers within moments, however long it has nothing else to say.
        if let question = members[worker]?.link.ask(now: now) { directives.append(.send(worker, question)) }
    }

    /// A frame that cannot be read is sent again, and all that comes behind it waits: a connection's damage is over then, but
    /// who says again and again what nobody understands would never be heard any more, and everybody would wait for it.
    mutating func misunderstand(_ worker: Incarnation, _ reason: String, now: Double) {
        guard let count = members[worker]?.unreadable else { return }
        members[worker]?.unreadable = count + 1
        if count + 1 >= Self.mostUnreadable {
            lose(worker, because: "what it sends cannot be read: \(reason)", now: now)
        }
    }

    private static var mostUnreadable: Int { 5 }

    /// Who has been silent for too long is dead, and stays so under this incarnation.
    mutating func watch(now: Double) {
        for worker in orderedMembers {
            guard let member = members[worker] else { continue }
            if let since = member.suspectSince, now - since > timing.broken {
                lose(worker, because: "its connection broke", now: now)
            } else if now - member.lastHeard > timing.death {
                lose(worker, because: "silent for \(Int(timing.death)) s", now: now)
            }
        }
    }

    mutating func lose(_ worker: Incarnation, because reason: String, now: Double) {
        guard let member = members[worker] else { return }
        members[worker] = nil
        departed[worker] = Refusal(reason: "taken for dead: \(reason)", mayReturn: true)
        guard member.takesPart else { return }
        directives.append(.note(.died(worker, name: member.name, reason: reason)))
        for chunk in holders.indices { holders[chunk].remove(worker) }
        for other in orderedMembers { send(.departed(worker), to: other, now: now) }
        checkpointLosesWorker(worker, now: now)
        let keepsChunks = keepsChunks(worker) && !bugs.contains(.ownerDeathIgnored)
        switch phase {
        case .closing, .finished: break
        case .gathering: gather(now: now)
        case .installing:
            if keepsChunks || sources.contains(.peer(worker)) {
                recover(because: "\(member.name) died", now: now)
            }
        case .committing:
            if keepsChunks, replace(worker, now: now) == nil { recover(because: "\(member.name) died", now: now) }
        case .holding:
            // Who stops a run does not want to wait for chunks to move: buddies send what the dead owner has not.
            if keepsChunks, replace(worker, now: now) == nil {
                return recover(because: "\(member.name) died", now: now)
            }
            if saving == nil { beginCheckpoint(now: now) }
        case .stepping(var step):
            step.leases.lost(worker, bugs: bugs)
            if keepsChunks {
                guard let promoted = replace(worker, now: now) else {
                    return recover(because: "\(member.name) died", now: now)
                }
                // Roots that reached the old owner are pushed to the new one; what its own were is computed again.
                let known = Set(step.ready.map(\.chunk))
                let hasOpen = promoted.contains { !settings.plan.chunks[$0].isFrozen && !known.contains($0) }
                if hasOpen, !bugs.contains(.deliveredToTheDead) { step.leases.reopen(now: now) }
            }
            phase = .stepping(step)
            grantLeases(now: now)
        }
    }
}

internal import Faults
internal import Protocol
internal import Training
internal import Wire

/// The session with the coordinator: introduction, new generations, and what it says.
extension Worker {
    mutating func receive(_ frame: Frame<CoordinatorMessage>, now: Double) {
        guard frame.receiver == incarnation, frame.sender != 0 else { return }
        if coordinator.remote == 0 { coordinator.learn(remote: frame.sender, session: frame.session) }
        // Generations of two runs say nothing about each other, and nothing that we have is of use to that one.
        guard frame.session == coordinator.session else {
            return comeBack(because: "another run's coordinator is where ours was")
        }
        guard frame.sender >= coordinator.remote else { return }
        if frame.sender > coordinator.remote { renew(frame.sender, now: now) }
        heard = now
        if frame.sequence == 0, let message = frame.message {
            if case .refuse(let refusal) = message { refused(refusal) }
            return
        }
        let (message, repetitions) = coordinator.receive(frame, now: now)
        directives += repetitions.map { .sendToCoordinator($0) }
        if let message { handle(message, now: now) }
    }

    /// Another coordinator runs the show: introduce ourselves again. What the shard holds may serve it; a checkpoint that the
    /// old one was writing serves nobody, and whom the old one gave up may have lived on.
    private mutating func renew(_ generation: UInt64, now: Double) {
        coordinator = Link(
            local: incarnation, remote: generation, session: coordinator.session, resend: timing.resend)
        drop { !$0.isComputed }
        map = nil
        shard?.snapshot = nil
        departed = []
        tell(.hello(hello), now: now)
    }

    private mutating func handle(_ message: CoordinatorMessage, now: Double) {
        switch message {
        case .welcome(let welcome): prepare(welcome, now: now)
        case .refuse(let refusal): refused(refusal)
        case .map(let map): install(map, now: now)
        case .lease(let lease): take(lease)
        case .revoke(let id): drop { $0.lease.id == id }
        case .prefetch(let step, let block): directives.append(.prefetch(step: step, block: block))
        case .commit(let commit):
            drop { $0.lease.step <= commit.step }
            progress.step = commit.step + 1
            ledgerTail.remove(before: commit.checkpoint)
            if let record = commit.record { ledgerTail.append(record) }
            perform(shard?.apply(commit), now: now)
        case .checkpoint(let version, let chunks):
            perform(shard?.beginSnapshot(version: version, chunks: chunks), now: now)
        case .compare(let version, let chunks): perform(shard?.digests(at: version, of: chunks), now: now)
        case .chunkStored(let version, _): perform(shard?.snapshotChunkStored(version: version), now: now)
        case .stateChunk(let map, let state): perform(shard?.receive(state, map: map), now: now)
        case .departed(let peer):
            departed.insert(peer)
            forget(peer)
        case .rollForward(let commit):
            perform(shard?.rollForward(commit), now: now)
            let version = shard?.version ?? 0
            drop { $0.lease.step < version }
            sayReady(now: now)
        case .drain: isLeaving = true
        case .stop(let code, let reason): stop(code: code, reason: reason)
        }
    }

    private mutating func refused(_ refusal: Refusal) {
        guard refusal.mayReturn else { return stop(code: 64, reason: refusal.reason) }
        comeBack(because: refusal.reason)
    }

    /// As somebody new: this machine is done.
    private mutating func comeBack(because reason: String) {
        isStopped = true
        directives.append(.rejoin(reason: reason))
    }

    private mutating func prepare(_ welcome: Welcome, now: Double) {
        let same = self.welcome.map { $0.run == welcome.run && $0.recipe == welcome.recipe } ?? false
        self.welcome = welcome
        if same, preparation != nil { return sayReady(now: now) }
        if same, preparing > 0 { return }
        preparing += 1
        preparation = nil
        shard = nil
        ledgerTail = LedgerTail()
        drop { _ in true }
        directives.append(.prepare(welcome))
    }

    mutating func finishPreparing(_ result: Result<WorkerPreparation, Fault>, now: Double) {
        preparing -= 1
        // Of a recipe that another has taken the place of: what came of that is nothing to it.
        guard preparing == 0 else { return }
        let preparation: WorkerPreparation
        switch result {
        case .success(let prepared): preparation = prepared
        case .failure(let fault): return stop(code: Int(fault.code.rawValue), reason: fault.description)
        }
        self.preparation = preparation
        shard = Shard(incarnation: incarnation, preparation: preparation, pool: pool, bugs: bugs)
        weights = LoadedWeights(preparation.plan)
        sayReady(now: now)
    }

    private mutating func sayReady(now: Double) {
        guard let preparation, let shard else { return }
        let held = shard.holdings
        tell(
            .ready(
                Ready(
                    fingerprints: preparation.fingerprints, heldVersion: held.version, heldChunks: held.chunks,
                    keptBlocks: keptBlocks, ledgerTail: ledgerTail.records)),
            now: now)
        if isLeaving { tell(.leaving, now: now) }
    }

    mutating func leave(now: Double) {
        guard !isLeaving else { return }
        isLeaving = true
        // Nobody to say goodbye to.
        if coordinator.remote == 0 { return stop(code: 0, reason: "told to leave before it joined") }
        tell(.leaving, now: now)
    }
}

internal import Faults
internal import Randomness
internal import Training
internal import Wire

/// A step under way.
struct StepInProgress: Sendable {
    let step: Int
    let began: Double
    var leases: LeaseTable
    /// Chunks whose gradient is whole, in the order they became so.
    var ready: [ReadyChunk] = []
    /// What was leased to whom, for the ledger.
    var issues = BlockIssues()
    /// Workers that know which block to decode for the next step.
    var prefetched: Set<Incarnation> = []
}

/// The life of a step: leases out, results in, ledger, commit.
extension Coordinator {
    /// Between two steps: what comes next?
    /// - Parameter mayMove: Chunks may change hands now; not right after they did, so that steps go on in between.
    mutating func proceed(mayMove: Bool, now: Double) {
        if version == settings.steps {
            if checkpoint == version { return close(code: 0, reason: "done", now: now) }
            return hold(now: now)
        }
        if let stopReason {
            // Ahead of us is one that was completed after we had gone back.
            if checkpoint >= version { return close(code: 75, reason: stopReason, now: now) }
            return hold(now: now)
        }
        if activeMembers.isEmpty {
            // Everybody leaves: save what they know, then let them go.
            if checkpoint < version { return hold(now: now) }
            owners = []
            buddies = []
            holders = Array(repeating: [], count: holders.count)
            phase = .gathering
            return releaseDrained(now: now)
        }
        // One that was given up is made good at the next step.
        let isDue =
            checkpointIsWanted || version % settings.checkpointEverySteps == 0
            || version - checkpoint >= settings.checkpointEverySteps
        if isDue, version > checkpoint, saving == nil {
            checkpointIsWanted = false
            beginCheckpoint(now: now)
        }
        if mayMove, rebalance(now: now) { return }
        releaseDrained(now: now)
        begin(now: now)
    }

    /// No step before the checkpoint of this version is on disk.
    private mutating func hold(now: Double) {
        phase = .holding
        if saving == nil { beginCheckpoint(now: now) }
    }

    private mutating func begin(now: Double) {
        var step = StepInProgress(step: version, began: now, leases: LeaseTable(units: settings.units))
        var adopted = false
        for worker in orderedMembers where members[worker]?.takesPart ?? false {
            for kept in members[worker]?.keptBlocks ?? [] where kept.step == version {
                step.leases.adopt(kept, of: worker, now: now)
                adopted = true
            }
        }
        if adopted { step.leases.freeTheRest() }
        members.update { $0.keptBlocks = [] }
        let draws = Draws(seed: 0, place: UInt64(version), purpose: .verification)
        if draws.uniform(0) < Float(settings.verifiedShare) {
            step.leases.plan(checkOf: draws.integer(1, below: settings.units))
        }
        let ready = earlyReady
        earlyReady = []
        phase = .stepping(step)
        chunksReady(ready, map: mapNumber, step: version, now: now)
        grantLeases(now: now)
    }

    // MARK: - Leases

    /// Takes the step out of the phase, so that changing it copies nothing of it. Whoever takes it puts it back.
    private mutating func takeStep() -> StepInProgress? {
        guard case .stepping(let step) = phase else { return nil }
        phase = .gathering
        return step
    }

    /// Everybody who has nothing to compute gets a block: fast workers first and more, a late worker's block if no other is
    /// left, else a hint what to decode for the next step.
    mutating func grantLeases(now: Double) {
        guard var step = takeStep() else { return }
        if let entry = step.leases.reviewCheck(isLate: { isLate($0, now: now) }) {
            send(.revoke(lease: entry.id), to: entry.worker, now: now)
        }
        let speeds = speedsOfActiveMembers(now: now)
        let total = speeds.reduce(0) { $0 + $1.speed }
        var late = step.leases.lateParts(isLate: { isLate($0, now: now) })
        for (worker, speed) in speeds where !step.leases.isBusy(worker) {
            serve(worker, share: speed / total, late: &late, in: &step, now: now)
        }
        phase = .stepping(step)
        finishIfComplete(now: now)
    }

    /// The same for those who have just become idle: it costs nothing for the others. Who is late is looked for with every
    /// tick.
    private mutating func grantLeases(to workers: [Incarnation], now: Double) {
        guard var step = takeStep() else { return }
        for worker in workers where !step.leases.isBusy(worker) && mayCompute(worker, now: now) {
            var share = 0.0
            if step.leases.hasFreeBlocks {
                let speeds = speedsOfActiveMembers(now: now)
                guard let speed = speeds.first(where: { $0.worker == worker })?.speed else { continue }
                share = speed / speeds.reduce(0) { $0 + $1.speed }
            }
            var late: [LeaseTable.LatePart] = []
            serve(worker, share: share, late: &late, in: &step, now: now)
        }
        phase = .stepping(step)
        finishIfComplete(now: now)
    }

    /// - Parameter share: of the cluster's speed.
    private mutating func serve(
        _ worker: Incarnation, share: Double, late: inout [LeaseTable.LatePart], in step: inout StepInProgress,
        now: Double
    ) {
        let isFirst = step.leases.firstBlocks[worker] == nil
        let size = UnitBlock.leasedUnits(of: isFirst ? settings.units : step.leases.freeUnits, share: share)
        let preferred = isFirst ? expectedFirstBlocks[worker] : nil
        if let block = step.leases.lease(to: worker, size: size, preferred: preferred, id: nextLease, now: now) {
            issueAndNote(block, to: worker, in: &step, now: now)
        } else if let block = step.leases.leaseAgain(to: worker, from: &late, id: nextLease, now: now) {
            issueAndNote(block, to: worker, in: &step, now: now)
        } else if let block = step.leases.leaseCheck(to: worker, id: nextLease, now: now) {
            issue(block, of: step.step, to: worker, now: now)
        } else if step.step + 1 < settings.steps, let block = step.leases.firstBlocks[worker],
            step.prefetched.insert(worker).inserted
        {
            expectedFirstBlocks[worker] = block
            send(.prefetch(step: step.step + 1, block: block), to: worker, now: now)
        }
    }

    /// What went out before, to one who is late or gone, is worth a note.
    private mutating func issueAndNote(
        _ block: UnitBlock, to worker: Incarnation, in step: inout StepInProgress, now: Double
    ) {
        issue(block, of: step.step, to: worker, now: now)
        guard step.issues.note(block, to: worker) else { return }
        directives.append(.note(.reissued(step: step.step, block: block, to: worker)))
    }

    private mutating func issue(_ block: UnitBlock, of step: Int, to worker: Incarnation, now: Double) {
        send(.lease(Lease(id: nextLease, map: mapNumber, step: step, block: block)), to: worker, now: now)
        nextLease += 1
    }

    /// Fastest first; whoever has not been measured counts as the mean of the others.
    private func speedsOfActiveMembers(now: Double) -> [(worker: Incarnation, speed: Double)] {
        let all = members.map { worker, member in
            (
                worker: worker, isActive: member.state == .active, takesPart: member.takesPart, speed: member.speed,
                isSilent: now - member.lastHeard > timing.silence
            )
        }
        // When all are leaving, they finish the step.
        let isActive = all.contains(where: \.isActive)
        let active = all.filter { !$0.isSilent && (isActive ? $0.isActive : $0.takesPart) }
        let known = active.compactMap(\.speed)
        let mean = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
        return active.map { ($0.worker, $0.speed ?? mean) }.enumerated()
            .sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
            .map { (worker: $0.element.0, speed: $0.element.1) }
    }

    /// Those who compute; when all are leaving, they finish the step.
    private var computingMembers: [Incarnation] {
        let active = activeMembers
        return active.isEmpty ? members.filter(\.takesPart) : active
    }

    /// Whoever is silent does not: it may have become idle because another delivered its block.
    private func mayCompute(_ worker: Incarnation, now: Double) -> Bool {
        guard let state = members[worker]?.state, !isSilent(worker, now: now) else { return false }
        return state == .active || (state == .draining && activeMembers.isEmpty)
    }

    func isSilent(_ worker: Incarnation, now: Double) -> Bool {
        now - (members[worker]?.lastHeard ?? now) > timing.silence
    }

    private func isLate(_ entry: LeaseTable.Entry, now: Double) -> Bool {
        let elapsed = now - entry.issued
        // Computed, but its pushes do not arrive.
        if entry.isComputed { return elapsed >= 2 * timing.death }
        if isSilent(entry.worker, now: now) { return true }
        guard elapsed >= timing.leastStraggling, let speed = members[entry.worker]?.speed else {
            // Never measured: late when it takes far longer than anything sensible.
            return elapsed >= timing.death
        }
        return elapsed >= timing.straggling * Double(entry.block.size) / speed
    }

    mutating func blockComputed(_ id: UInt64, _ records: [UnitRecord], by worker: Incarnation, now: Double) {
        guard var step = takeStep() else { return }
        let result = step.leases.entries[id]?.worker == worker ? step.leases.computed(id, records: records) : nil
        phase = .stepping(step)
        guard let (entry, disagreement) = result else { return }
        let measured = Double(entry.block.size) / max(1e-6, now - entry.issued)
        let earlier = members[worker]?.speed ?? measured
        members[worker]?.speed = 0.7 * earlier + 0.3 * measured
        if let disagreement {
            directives.append(.note(.recordsDiffer(step: step.step, unit: disagreement, by: worker)))
        }
        grantLeases(to: [worker], now: now)
    }

    mutating func blockDelivered(_ id: UInt64, revision: Int, by worker: Incarnation, now: Double) {
        // What was delivered to an owner that has died since is not delivered.
        guard revision == self.revision || bugs.contains(.deliveredToTheDead), var step = takeStep() else { return }
        let superfluous = step.leases.entries[id]?.worker == worker ? step.leases.delivered(id) : []
        for entry in superfluous { send(.revoke(lease: entry.id), to: entry.worker, now: now) }
        phase = .stepping(step)
        grantLeases(to: [worker] + superfluous.map(\.worker), now: now)
    }

    mutating func blockFailed(_ id: UInt64, _ reason: String, by worker: Incarnation, now: Double) {
        guard case .stepping(var step) = phase, let entry = step.leases.entries[id], entry.worker == worker else {
            return
        }
        let failures = step.leases.failed(id)
        lastFailure = reason
        phase = .stepping(step)
        let name = members[worker]?.name ?? "?"
        directives.append(.note(.blockFailed(step: step.step, block: entry.block, worker: name, reason: reason)))
        if failures >= min(3, max(1, computingMembers.count)) {
            return close(code: 65, reason: "\(reason) (on \(failures) workers, the last was \(name))", now: now)
        }
        grantLeases(now: now)
    }

    /// Blocks failed on some who are gone since, and on all who are here: who remains would wait for somebody who does not come.
    mutating func giveUpWhatNobodyCan(now: Double) {
        guard case .stepping(let step) = phase, members.filter({ $0.state == .joining }).isEmpty,
            step.leases.isStuck(among: computingMembers)
        else { return }
        close(code: 65, reason: "\(lastFailure) (on every worker that is here)", now: now)
    }

    // MARK: - Completion

    mutating func chunksReady(_ chunks: [ReadyChunk], map: Int, step number: Int, now: Double) {
        guard map == mapNumber else { return }
        guard var step = takeStep() else {
            // Roots that were kept are pushed as soon as the map is known, before the step begins. Once it is complete, new
            // owners only repeat what the old ones said.
            if case .committing = phase { return }
            if number == version { earlyReady += chunks }
            return
        }
        defer {
            phase = .stepping(step)
            finishIfComplete(now: now)
        }
        guard step.step == number else { return }
        for chunk in chunks
        where settings.plan.chunks.indices.contains(chunk.chunk) && !settings.plan.chunks[chunk.chunk].isFrozen
            && !step.ready.contains(where: { $0.chunk == chunk.chunk })
        {
            step.ready.append(chunk)
        }
    }

    private mutating func finishIfComplete(now: Double) {
        guard case .stepping(let step) = phase, step.leases.isRecorded,
            step.ready.count == settings.plan.changing.count,
            step.leases.isChecked(by: activeMembers.filter { !isSilent($0, now: now) })
        else { return }
        let record = LedgerRecord(
            outcome: outcome(of: step), generation: generation, map: mapNumber, workers: activeMembers.count,
            seconds: now - step.began, reissues: step.issues.reissues, computedWith: newlyAgreed)
        phase = .committing(record)
        // A step that the ledger has, or is getting: a replay, which must come out the same.
        if let known = outcomes[step.step], !bugs.contains(.replayAppended) {
            guard known.matches(record.outcome) else { return reportDivergence(known, record.outcome, now: now) }
            return commit(record, replayed: true, now: now)
        }
        if let appending {
            guard appending.outcome.step != step.step || appending.outcome.matches(record.outcome) else {
                return reportDivergence(appending.outcome, record.outcome, now: now)
            }
            return
        }
        append(record)
        if bugs.contains(.committedBeforeLedger) { commit(record, replayed: false, now: now) }
    }

    private mutating func append(_ record: LedgerRecord) {
        appending = record
        if !record.computedWith.isEmpty { computedWith = record.computedWith }
        directives.append(.appendLedger(record))
    }

    /// What workers agree on beyond what the coordinator itself checks, by name, where the ledger does not say so yet.
    private var newlyAgreed: [Fingerprint] {
        let own = Set(settings.fingerprints.map(\.name))
        let agreement = agreed.filter { !own.contains($0.key) }
            .map { Fingerprint(name: $0.key, value: $0.value.value) }.sorted { $0.name < $1.name }
        return agreement == computedWith ? [] : agreement
    }

    private mutating func reportDivergence(_ known: StepOutcome, _ now: StepOutcome, now time: Double) {
        let reason =
            "step \(known.step) came out differently when it was replayed: gradient "
            + "\(String(known.gradientDigest, radix: 16)) in the ledger, \(String(now.gradientDigest, radix: 16)) now"
            + (settings.acceptsOtherBuild
                ? "; another build can go on only from where the ledger ends: let the old one end at a checkpoint" : "")
        close(code: 70, reason: reason, now: time)
    }

    private func outcome(of step: StepInProgress) -> StepOutcome {
        let records = step.leases.orderedRecords
        let ready = bugs.contains(.normInReadyOrder) ? step.ready : step.ready.sorted { $0.chunk < $1.chunk }
        let units = Double(settings.units)
        let norm = ready.reduce(0) { $0 + $1.sumOfSquares }.squareRoot() / units
        let finite = ready.allSatisfy(\.finite) && norm.isFinite
        let schedule = settings.schedule
        let isClipped = finite && settings.clipNorm > 0 && norm > settings.clipNorm
        return StepOutcome(
            step: step.step, firstPosition: schedule.firstPosition(ofStep: step.step),
            clips: schedule.clips(ofStep: step.step),
            loss: records.reduce(0) { $0 + $1.loss } / units, correct: records.reduce(0) { $0 + $1.correct },
            gradientNorm: finite ? norm : .infinity,
            gradientDigest: combinedDigest(step.ready.sorted { $0.chunk < $1.chunk }.map(\.digest)),
            rate: schedule.rate(step.step), coefficient: isClipped ? Float(settings.clipNorm / norm) : 1,
            skipped: !finite, substitutes: records.flatMap(\.substitutes).sorted { $0.position < $1.position })
    }

    mutating func ledgerAppended(_ step: Int, now: Double) {
        guard let record = appending, record.outcome.step == step else { return }
        appending = nil
        ledgerCount = max(ledgerCount, step + 1)
        outcomes[step] = record.outcome
        // Also when everybody has died meanwhile, or a worker had kept it: no replay will say it again.
        directives.append(.committed(record, replayed: false))
        switch phase {
        case .gathering: restoreLedger(now: now)
        case .committing(let current):
            if current.outcome.step == step {
                commit(current, replayed: false, now: now)
            } else if current.outcome.step == ledgerCount {
                // A later step had to wait for this record.
                append(current)
            }
        case .installing, .stepping, .holding, .closing, .finished: break
        }
    }

    /// Workers that keep a copy of the ledger's end.
    private static let mirrors = 2

    func commit(of outcome: StepOutcome) -> Commit {
        Commit(
            map: mapNumber, step: outcome.step, rate: outcome.rate, coefficient: outcome.coefficient,
            skipped: outcome.skipped, last: outcome.step + 1 == settings.steps, checkpoint: checkpoint)
    }

    /// The step is in the ledger: it counts.
    private mutating func commit(_ record: LedgerRecord, replayed: Bool, now: Double) {
        let outcome = record.outcome
        let commit = commit(of: outcome)
        let takingPart = members.filter(\.takesPart)
        for (index, worker) in takingPart.enumerated() {
            var commit = commit
            if index < Self.mirrors, !replayed { commit.record = record }
            send(.commit(commit), to: worker, now: now)
        }
        version = outcome.step + 1
        earlyReady = []
        // No gradient was ready before the buddies had it.
        holders = zip(owners, buddies).map { Set([$0] + $1) }
        if replayed { directives.append(.committed(record, replayed: true)) }
        proceed(mayMove: true, now: now)
    }
}

internal import Training
internal import Wire

/// After a coordinator's death: the state that workers kept, the step they were at, and the records of the ledger that only
/// they still have.
extension Coordinator {
    // MARK: - The ledger's end

    /// A worker's copy of the ledger's end: what follows our own last record goes back to the disk.
    mutating func recall(_ tail: [LedgerRecord], from name: String, now: Double) {
        for record in tail {
            let step = record.outcome.step
            // Told by another, and on its way to the disk by now, or behind that.
            let told =
                appending?.outcome.step == step ? appending : lostRecords.first { $0.outcome.step == step }
            if let known = outcomes[step] ?? told?.outcome {
                guard known.matches(record.outcome) else {
                    return close(
                        code: 70, reason: "\(name) has another record of step \(step) than the ledger", now: now)
                }
            } else if step == ledgerCount + (appending == nil ? 0 : 1) + lostRecords.count, step < settings.steps {
                lostRecords.append(record)
                if !record.computedWith.isEmpty { computedWith = record.computedWith }
            }
        }
        restoreLedger(now: now)
    }

    /// One record after the other; training begins when all are on disk.
    mutating func restoreLedger(now: Double) {
        guard case .gathering = phase, appending == nil else { return }
        guard let record = lostRecords.first else { return gather(now: now) }
        lostRecords.removeFirst()
        // Told again by a worker that came meanwhile.
        guard record.outcome.step == ledgerCount else { return restoreLedger(now: now) }
        appending = record
        directives.append(.note(.recalled(step: record.outcome.step)))
        directives.append(.appendLedger(record))
    }

    // MARK: - State

    /// The old coordinator died while it sent out a commit: those who did not get it have the sums and catch up.
    /// - Returns: Whether somebody does, and is waited for.
    mutating func rollForward(now: Double) -> Bool {
        let holding = orderedMembers.filter { worker in
            members[worker].map { $0.takesPart && !$0.heldChunks.isEmpty } ?? false
        }
        // Who has been asked is waited for, also when those whom it was to catch up with have left since.
        var isWaited: Bool { holding.contains { members[$0]?.rollingForward ?? false } }
        guard let newest = holding.compactMap({ members[$0]?.heldVersion }).max(), newest <= ledgerCount,
            let outcome = outcomes[newest - 1]
        else { return isWaited }
        for worker in holding
        where members[worker]?.heldVersion == newest - 1 && members[worker]?.rollingForward == nil {
            members[worker]?.rollingForward = true
            send(.rollForward(commit(of: outcome)), to: worker, now: now)
        }
        return isWaited
    }

    /// The answer to `rollForward`: what the worker holds now.
    mutating func rolledForward(_ ready: Ready, _ worker: Incarnation, now: Double) {
        guard case .gathering = phase, members[worker]?.rollingForward ?? false else { return }
        members[worker]?.rollingForward = false
        members[worker]?.heldVersion = ready.heldVersion
        members[worker]?.heldChunks = ready.heldChunks.filter(settings.plan.chunks.indices.contains)
        members[worker]?.keptBlocks = ready.keptBlocks.filter { $0.block.first < settings.units }
        gather(now: now)
    }

    /// The newest version that workers from an earlier generation hold completely, if the ledger has it and it is no older
    /// than the checkpoint; and who holds what.
    var heldState: (version: Int, holders: [Set<Incarnation>])? {
        let taking = members.map { ($0, $1) }.filter { $1.takesPart }
        for candidate in Set(taking.map(\.1.heldVersion)).sorted(by: >)
        where candidate >= checkpoint && candidate <= ledgerCount {
            var found: [Set<Incarnation>] = Array(repeating: [], count: holders.count)
            for (worker, member) in taking where member.heldVersion == candidate {
                for chunk in member.heldChunks { found[chunk].insert(worker) }
            }
            if found.allSatisfy({ !$0.isEmpty }) { return (candidate, found) }
        }
        return nil
    }

    /// Goes on from what workers hold, or else from the checkpoint.
    mutating func adoptHeldState() {
        let held = heldState
        version = held?.version ?? checkpoint
        holders = held?.holders ?? Array(repeating: [], count: holders.count)
        members.update { $0.heldChunks = [] }
    }
}

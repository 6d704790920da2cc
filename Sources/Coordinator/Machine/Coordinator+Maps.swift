internal import Training
internal import Wire

/// Who owns what: the first map, rebalancing between steps, and going back to a checkpoint.
extension Coordinator {
    /// The present map, as somebody who joins now needs it.
    var map: OwnershipMap {
        OwnershipMap(
            number: mapNumber, revision: revision, version: version, owners: owners, buddies: buddies, sources: sources,
            members: orderedMembers.compactMap { worker in
                guard let member = members[worker], member.takesPart, let hello = member.hello else { return nil }
                return MemberAddress(incarnation: worker, endpoint: hello.endpoint)
            })
    }

    private var balance: Balance {
        Balance(
            sizes: settings.plan.chunks.map { $0.slotBytes * $0.slots }, eligible: activeMembers,
            leaving: Set(orderedMembers.filter { members[$0]?.state == .draining }),
            hosts: Dictionary(
                uniqueKeysWithValues: members.map { worker, member in (worker, member.hello?.machine ?? "") }))
    }

    /// Whether the state is what every worker can make by itself, from the seed.
    private var isSeeded: Bool { version == 0 && !hasInitialCheckpoint }

    /// Moves some chunks if that makes the shares more equal, or empties a worker that leaves; finds buddies for chunks that
    /// have too few.
    /// - Returns: Whether a new map is out.
    mutating func rebalance(now: Double) -> Bool {
        let new = balance.owners(from: owners, limit: settings.bytesMovedPerStep)
        let newBuddies = balance.buddies(
            of: new, from: buddies, count: settings.replicas - 1, limit: settings.bytesMovedPerStep)
        guard new != owners || newBuddies != buddies else { return false }
        install(new, newBuddies, because: "rebalanced", now: now)
        return true
    }

    /// Goes on from what the living hold: at the present version if they hold all of it, else from the newest checkpoint.
    mutating func recover(because reason: String, now: Double) {
        let eligible = activeMembers
        if version != checkpoint, holders.contains(where: \.isEmpty) {
            directives.append(.note(.rolledBack(from: version, to: checkpoint)))
            version = checkpoint
            holders = Array(repeating: [], count: holders.count)
        }
        // What the living hold is still to be saved, unless nobody may own it.
        if let stopReason, checkpoint >= version || eligible.isEmpty {
            return close(code: 75, reason: stopReason, now: now)
        }
        guard !eligible.isEmpty else {
            // Nobody is left to train; those who are leaving take nothing along that the checkpoint does not have.
            owners = []
            buddies = []
            version = checkpoint
            holders = Array(repeating: [], count: holders.count)
            phase = .gathering
            directives.append(.note(.waiting("\(reason); waiting for workers")))
            return releaseDrained(now: now)
        }
        let current: [Incarnation?] = holders.indices.map { chunk in
            if owners.indices.contains(chunk), members[owners[chunk]]?.takesPart ?? false { return owners[chunk] }
            return holders[chunk].min { (members[$0]?.order ?? 0) < (members[$1]?.order ?? 0) }
        }
        // What the initialisers give costs no wire: every chunk has its buddies from the first step on.
        let limit = isSeeded ? Int.max : settings.bytesMovedPerStep
        let new = balance.owners(from: current, limit: limit)
        // Whoever holds a chunk already is its cheapest buddy.
        let holding = holders.indices.map { chunk in
            holders[chunk].sorted { (members[$0]?.order ?? 0) < (members[$1]?.order ?? 0) }
        }
        let newBuddies = balance.buddies(of: new, from: holding, count: settings.replicas - 1, limit: limit)
        install(new, newBuddies, because: reason, now: now)
    }

    private mutating func install(
        _ new: [Incarnation], _ newBuddies: [[Incarnation]], because reason: String, now: Double
    ) {
        owners = new
        buddies = newBuddies
        mapNumber += 1
        revision = 0
        earlyReady = []
        sources = new.enumerated().map { chunk, owner in
            if isSeeded { return .initial }
            if holders[chunk].contains(owner) { return .peer(owner) }
            if let holder = holders[chunk].min(by: { (members[$0]?.order ?? 0) < (members[$1]?.order ?? 0) }) {
                return .peer(holder)
            }
            return bugs.contains(.rollbackToWrongVersion) ? .initial : .checkpoint
        }
        // A buddy copies while the step goes on, for no step commits before it has; what is frozen it must have at once.
        let needed = settings.plan.chunks.filter(\.isFrozen).flatMap { newBuddies[$0.number] }
        phase = .installing(waiting: Set(new + needed))
        directives.append(
            .note(.mapChanged(number: mapNumber, version: version, owners: Set(new).count, reason: reason)))
        sendMap(now: now)
    }

    private mutating func sendMap(now: Double) {
        let message = map
        for worker in orderedMembers where members[worker]?.takesPart ?? false {
            send(.map(message), to: worker, now: now)
        }
    }

    mutating func mapInstalled(_ number: Int, _ chunks: [ChunkDigest], by worker: Incarnation, now: Double) {
        guard number == mapNumber else { return }
        for entry in chunks where owners.indices.contains(entry.chunk) {
            if owners[entry.chunk] == worker || buddies[entry.chunk].contains(worker) {
                holders[entry.chunk].insert(worker)
            }
        }
        guard case .installing(var waiting) = phase else { return }
        waiting.remove(worker)
        phase = .installing(waiting: waiting)
        if waiting.isEmpty { proceed(mayMove: false, now: now) }
    }

    // MARK: - Deaths that cost no state

    /// Whether the worker owns chunks or is somebody's buddy.
    func keepsChunks(_ worker: Incarnation) -> Bool {
        owners.contains(worker) || buddies.contains { $0.contains(worker) }
    }

    /// Lets buddies take the place of an owner that died, and drops it where it was a buddy, while the step goes on.
    /// - Returns: The chunks that have a new owner; nil when some chunk has nobody left who holds it, and nothing changed.
    mutating func replace(_ worker: Incarnation, now: Double) -> [Int]? {
        var (newOwners, newBuddies) = (owners, buddies)
        var promoted: [Int] = []
        for chunk in newOwners.indices {
            newBuddies[chunk].removeAll { $0 == worker }
            guard newOwners[chunk] == worker else { continue }
            guard let heir = newBuddies[chunk].first(where: { holders[chunk].contains($0) }) else { return nil }
            newOwners[chunk] = heir
            newBuddies[chunk].removeAll { $0 == heir }
            promoted.append(chunk)
        }
        (owners, buddies) = (newOwners, newBuddies)
        revision += 1
        let alone = buddies.count { $0.isEmpty }
        directives.append(.note(.promoted(map: mapNumber, revision: revision, chunks: promoted.count, alone: alone)))
        sendMap(now: now)
        return promoted
    }

    /// Owner and buddy of a chunk have other bits, or one gets them damaged from the other each time: neither is believed, all
    /// go back to the newest checkpoint. Whoever takes part in that twice has a broken machine.
    mutating func replicasDiffer(_ divergence: Divergence, now: Double) {
        guard divergence.map == mapNumber, divergence.version == version,
            holders.indices.contains(divergence.chunk)
        else { return }
        directives.append(.note(.replicasDiffer(divergence)))
        // What differs would be found in it once more, and count as another time; one that is being completed is compared.
        if saving?.isCompleting == false { abandonCheckpoint("two keepers of chunk \(divergence.chunk) differ") }
        guard !stopsBecause([divergence.owner, divergence.buddy], now: now) else { return }
        switch phase {
        case .stepping, .committing, .installing, .holding:
            holders[divergence.chunk] = []
            if version == checkpoint { holders = Array(repeating: [], count: holders.count) }
            recover(because: "two keepers of chunk \(divergence.chunk) differ", now: now)
        case .gathering, .closing, .finished: break
        }
    }

    /// Two workers computed other bits of one block: neither is believed. A step that does not count yet is computed anew;
    /// one that does is played again from the newest checkpoint, and the ledger tells which of the two was right.
    mutating func gradientsDiffer(_ alarm: Alarm, now: Double) {
        guard alarm.map == mapNumber else { return }
        switch phase {
        case .stepping, .committing, .installing, .holding: break
        case .gathering, .closing, .finished: return
        }
        directives.append(.note(.alarm(alarm)))
        guard !stopsBecause([alarm.first, alarm.second], now: now) else { return }
        if case .stepping(let step) = phase, step.step == alarm.step {
            // Roots that workers keep would only be pushed again.
            for entry in (Array(step.leases.entries.values) + Array(step.leases.settled.values)).sorted(by: {
                $0.id < $1.id
            }) {
                send(.revoke(lease: entry.id), to: entry.worker, now: now)
            }
            return recover(because: "two results of a block of step \(alarm.step) differ", now: now)
        }
        // One whose chunks are all written can no longer be kept from its name.
        let newest = saving.flatMap { $0.isCompleting ? $0.version : nil } ?? checkpoint
        guard alarm.step >= newest else {
            return close(
                code: 70,
                reason:
                    "two results of step \(alarm.step) differ, and the checkpoint of step \(newest) was made of one: "
                    + "one of the two workers has a broken memory or processor; take that machine out, remove the checkpoints "
                    + "after step \(alarm.step) and run again", now: now)
        }
        if let saving, saving.version > alarm.step { abandonCheckpoint("two results of step \(alarm.step) differ") }
        holders = Array(repeating: [], count: holders.count)
        recover(because: "two results of a block of step \(alarm.step) differ", now: now)
    }

    /// Whether a worker's bits have differed from others' for the second time: then the run ends and names it. State that came
    /// damaged each time is told as a difference as well: the way is to blame then as much as either end.
    private mutating func stopsBecause(_ pair: [Incarnation], now: Double) -> Bool {
        for worker in pair {
            divergences[worker, default: (count: 0, name: "worker \(String(worker, radix: 16))")].count += 1
            if let hello = members[worker]?.hello {
                divergences[worker]?.name = "\(hello.name) on \(hello.machine)"
            }
        }
        let culprits = pair.compactMap { divergences[$0] }.filter { $0.count > 1 }.map(\.name)
        guard !culprits.isEmpty else { return false }
        close(
            code: 70,
            reason:
                "twice bits differed between \(culprits.joined(separator: " or ")) and another worker, or state came damaged "
                + "from one to the other: its memory, its processor or its network is broken; run again without it",
            now: now)
        return true
    }
}

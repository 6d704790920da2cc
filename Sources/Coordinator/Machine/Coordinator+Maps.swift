internal import Training
internal import Wire

/// Who owns what: the first map, rebalancing between steps, and going back to a checkpoint.
extension Coordinator {
    /// The present map, as somebody who joins now needs it.
    var map: OwnershipMap {
        OwnershipMap(
            number: mapNumber, version: version, owners: owners, sources: sources,
            members: orderedMembers.compactMap { worker in
                guard let member = members[worker], member.takesPart, let hello = member.hello else { return nil }
                return MemberAddress(incarnation: worker, endpoint: hello.endpoint)
            })
    }

    private var balance: Balance {
        Balance(
            sizes: settings.plan.chunks.map { $0.slotBytes * $0.slots }, eligible: activeMembers,
            leaving: Set(orderedMembers.filter { members[$0]?.state == .draining }))
    }

    /// Moves some chunks if that makes the shares more equal, or empties a worker that leaves.
    /// - Returns: Whether a new map is out.
    mutating func rebalance(now: Double) -> Bool {
        let new = balance.owners(from: owners, limit: settings.bytesMovedPerStep)
        guard new != owners else { return false }
        install(new, because: "rebalanced", now: now)
        return true
    }

    /// After a start that workers from an earlier generation survived: the newest version that they hold completely, if the
    /// ledger has it and it is no older than the checkpoint.
    mutating func adoptHeldState() {
        let versions = Set(members.values.filter(\.takesPart).map(\.heldVersion))
        defer { for worker in members.keys { members[worker]?.heldChunks = [] } }
        version = checkpoint
        holders = Array(repeating: [], count: holders.count)
        for candidate in versions.sorted(by: >) where candidate >= checkpoint && candidate <= ledgerCount {
            var found: [Set<Incarnation>] = Array(repeating: [], count: holders.count)
            for (worker, member) in members where member.takesPart && member.heldVersion == candidate {
                for chunk in member.heldChunks { found[chunk].insert(worker) }
            }
            guard found.allSatisfy({ !$0.isEmpty }) else { continue }
            version = candidate
            holders = found
            return
        }
    }

    /// Goes on from what the living hold: at the present version if they hold all of it, else from the newest checkpoint.
    mutating func recover(because reason: String, now: Double) {
        let eligible = activeMembers
        if version != checkpoint, holders.contains(where: \.isEmpty) {
            directives.append(.note(.rolledBack(from: version, to: checkpoint)))
            version = checkpoint
            holders = Array(repeating: [], count: holders.count)
        }
        if let stopReason { return close(code: 75, reason: stopReason, now: now) }
        guard !eligible.isEmpty else {
            // Nobody is left to train; those who are leaving take nothing along that the checkpoint does not have.
            owners = []
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
        install(balance.owners(from: current, limit: settings.bytesMovedPerStep), because: reason, now: now)
    }

    private mutating func install(_ new: [Incarnation], because reason: String, now: Double) {
        owners = new
        mapNumber += 1
        sources = new.enumerated().map { chunk, owner in
            if holders[chunk].contains(owner) { return .keep }
            if let holder = holders[chunk].min(by: { (members[$0]?.order ?? 0) < (members[$1]?.order ?? 0) }) {
                return .peer(holder)
            }
            let isSeeded = version == 0 && !hasInitialCheckpoint
            return isSeeded || bugs.contains(.rollbackToWrongVersion) ? .initial : .checkpoint
        }
        phase = .installing(waiting: Set(new))
        directives.append(
            .note(.mapChanged(number: mapNumber, version: version, owners: Set(new).count, reason: reason)))
        let message = map
        for worker in orderedMembers where members[worker]?.takesPart ?? false {
            send(.map(message), to: worker, now: now)
        }
    }

    mutating func mapInstalled(_ number: Int, _ chunks: [ChunkDigest], by worker: Incarnation, now: Double) {
        guard number == mapNumber, case .installing(var waiting) = phase else { return }
        for entry in chunks where holders.indices.contains(entry.chunk) && owners[entry.chunk] == worker {
            holders[entry.chunk].insert(worker)
        }
        waiting.remove(worker)
        phase = .installing(waiting: waiting)
        if waiting.isEmpty { proceed(mayMove: false, now: now) }
    }
}

internal import Training
internal import Wire

/// Getting and giving the state of chunks: new maps, moves between shards, restoring from a checkpoint.
extension Shard {
    /// Chunks that are asked of the coordinator at a time.
    private static let window = 4
    /// So often a state that comes damaged is no accident any more.
    private static let mostDamaged = 3

    /// A new map: whatever was under way for the old one is void.
    mutating func install(_ new: OwnershipMap) -> [Effect] {
        guard new.number > map?.number ?? -1, new.owners.count == preparation.plan.chunks.count,
            new.sources.count == new.owners.count, new.buddies.count == new.owners.count
        else { return [.note("map \(new.number) does not fit the model; ignored")] }
        map = new
        applied = 0
        forgetStep()
        wants = [:]
        kept = keptChunks(of: new)
        awaited = []
        hasInstalled = false
        toRestore = []
        restoring = 0
        damaged = [:]
        // State of another version is of no use any more; of this version it may be what another owner fetches.
        held = held.filter { $0.value.version == new.version }
        var effects: [Effect] = []
        var fromPeers: [Incarnation: [Int]] = [:]
        for chunk in kept {
            let owner = new.owners[chunk]
            switch new.sources[chunk] {
            case .initial:
                held[chunk] = initialState(of: chunk)
                continue
            case .peer(let peer):
                if held[chunk] != nil { continue }
                // Cannot happen: the coordinator keeps count of who holds what. Silence would stop the run unexplained.
                if peer == incarnation {
                    effects.append(.note("map \(new.number) says that chunk \(chunk) is here, but it is not"))
                }
                fromPeers[owner == incarnation ? peer : owner, default: []].append(chunk)
            case .checkpoint:
                // What may still be here of that version is not trusted.
                held[chunk] = nil
                if owner == incarnation {
                    toRestore.append(chunk)
                } else {
                    fromPeers[owner, default: []].append(chunk)
                }
            }
            awaited.insert(chunk)
        }
        for (peer, chunks) in fromPeers.sorted(by: { $0.key < $1.key }) {
            effects.append(fetch(chunks, from: peer))
        }
        return effects + restoreMore() + finishInstalling([]) + handleEarly()
    }

    func keptChunks(of map: OwnershipMap) -> [Int] {
        map.owners.indices.filter { map.keeps($0, incarnation) }
    }

    func fetch(_ chunks: [Int], from peer: Incarnation) -> Effect {
        .request(peer, .fetchState(map: map?.number ?? 0, revision: map?.revision ?? 0, chunks: chunks))
    }

    private func initialState(of number: Int) -> Held {
        let chunk = preparation.plan.chunks[number]
        let weights = pool.payload(count: chunk.slotBytes)
        preparation.initialWeights(chunk, weights.bytes.bindMemory(to: Float.self))
        return Held(version: 0, slots: chunk.initialState(weights: weights, pool: pool))
    }

    private func zeros(_ count: Int) -> Payload {
        let payload = pool.payload(count: count)
        payload.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        return payload
    }

    /// For a new owner or buddy: what it asked for, out of what we hold at the map's version. An owner that waits for its
    /// state itself answers when it is there.
    mutating func sendState(map number: Int, revision: Int, chunks: [Int], to peer: Incarnation) -> [Effect] {
        guard let map, !isAhead(map: number, revision: revision) else {
            return keep(.fetchState(map: number, revision: revision, chunks: chunks), from: peer)
        }
        guard number == map.number else { return [] }
        return chunks.flatMap { chunk -> [Effect] in
            if awaited.contains(chunk) {
                return keep(.fetchState(map: number, revision: revision, chunks: [chunk]), from: peer)
            }
            guard let state = held[chunk], state.version == map.version else {
                // A step went on without whoever was taken for dead: that one wakes up, asks, and hears of it soon.
                guard map.keeps(chunk, peer) else { return [] }
                return [.note("chunk \(chunk) was asked for at version \(map.version), which is not here")]
            }
            return [.reply(peer, .state(map: number, state: packed(state, chunk: chunk)))]
        }
    }

    func packed(_ state: Held, chunk: Int) -> ChunkState {
        ChunkState(
            chunk: chunk, version: state.version, slots: state.slots,
            digest: state.digest ?? Self.digest(of: state.slots))
    }

    /// Of a chunk's state as it is now; remembered, for it takes a pass over all of it.
    mutating func stateDigest(_ chunk: Int) -> UInt64 {
        guard let state = held[chunk] else { return 0 }
        if let digest = state.digest { return digest }
        let digest = Self.digest(of: state.slots)
        held[chunk]?.digest = digest
        return digest
    }

    static func digest(of slots: [Payload]) -> UInt64 { combinedDigest(slots.map { $0.checksum() }) }

    /// State that another shard or the coordinator sent.
    mutating func receive(_ state: ChunkState, map number: Int) -> [Effect] {
        guard let map, number == map.number, awaited.contains(state.chunk) else { return [] }
        let restored = map.sources[state.chunk] == .checkpoint && map.owners[state.chunk] == incarnation
        if restored { restoring -= 1 }
        let chunk = preparation.plan.chunks[state.chunk]
        guard state.version == map.version, state.slots.count == chunk.slots,
            state.slots.allSatisfy({ $0.count == chunk.slotBytes }), Self.digest(of: state.slots) == state.digest
        else {
            return cameDamaged(state.chunk, of: map, restored: restored)
        }
        var slots = state.slots
        if bugs.contains(.momentumForgotten), slots.count > 1 { slots[1] = zeros(chunk.slotBytes) }
        held[state.chunk] = Held(version: state.version, slots: slots, digest: state.digest)
        awaited.remove(state.chunk)
        return restoreMore() + finishInstalling([state.chunk]) + settle(state.chunk) + handleEarly()
    }

    /// An accident of the way is over when the state is asked for again. What is damaged each time is so where it is held, or
    /// becomes so here: then somebody has to know of whom it was asked.
    private mutating func cameDamaged(_ chunk: Int, of map: OwnershipMap, restored: Bool) -> [Effect] {
        let count = damaged[chunk, default: 0] + 1
        damaged[chunk] = count
        let isAccident = count < Self.mostDamaged
        let note = Effect.note("the state of chunk \(chunk) came damaged; asked for it again")
        if restored {
            guard isAccident else {
                let reason =
                    "the state of chunk \(chunk) came damaged from the coordinator \(count) times: the memory or the network "
                    + "of this machine is broken, or the coordinator's"
                return [.stop(reason: reason)]
            }
            toRestore.append(chunk)
            return [note] + restoreMore()
        }
        var holder = map.owners[chunk]
        if case .peer(let peer) = map.sources[chunk], holder == incarnation { holder = peer }
        guard !isAccident else { return [note, fetch([chunk], from: holder)] }
        let address = map.members.first { $0.incarnation == holder }?.endpoint ?? "?"
        let told =
            "the state of chunk \(chunk) came damaged \(count) times from worker \(String(holder, radix: 16)) at \(address): "
            + "the memory or the network of its machine is broken, or of this one; the coordinator is told"
        let divergence = Divergence(
            map: map.number, version: map.version, chunk: chunk, owner: holder, buddy: incarnation)
        return [.note(told), .control(.replicasDiffer(divergence))]
    }

    private mutating func restoreMore() -> [Effect] {
        guard let map else { return [] }
        var effects: [Effect] = []
        while restoring < Self.window, !toRestore.isEmpty {
            restoring += 1
            effects.append(.control(.fetchCheckpoint(map: map.number, chunk: toRestore.removeFirst())))
        }
        return effects
    }

    /// Tells the coordinator what is here: first, when a step may begin, all of it; then each chunk that a buddy has copied.
    /// Frozen chunks must be here as well: no whole gradient makes their owner wait for the buddy.
    private mutating func finishInstalling(_ new: [Int]) -> [Effect] {
        guard let map else { return [] }
        var news = new
        if !hasInstalled {
            let isNeeded = { (chunk: Int) in
                map.owners[chunk] == self.incarnation || self.preparation.plan.chunks[chunk].isFrozen
            }
            guard !awaited.contains(where: isNeeded) else { return answerWants() }
            hasInstalled = true
            news = kept.filter { held[$0] != nil }
        }
        let digests = news.map { ChunkDigest(chunk: $0, digest: stateDigest($0)) }
        return [.control(.mapInstalled(map: map.number, chunks: digests))] + answerWants()
    }

    /// What survives the coordinator: the version, and the chunks held at it.
    var holdings: (version: Int, chunks: [Int]) {
        let newest = held.values.map(\.version).max() ?? 0
        return (newest, held.filter { $0.value.version == newest }.keys.sorted())
    }
}

extension OwnershipMap {
    /// Whether a worker is the chunk's owner or one of its buddies.
    fileprivate func keeps(_ chunk: Int, _ worker: Incarnation) -> Bool {
        owners.indices.contains(chunk) && (owners[chunk] == worker || buddies[chunk].contains(worker))
    }
}

internal import Training
internal import Wire

/// Getting and giving the state of chunks: new maps, moves between shards, restoring from a checkpoint.
extension Shard {
    /// Chunks that are asked of the coordinator at a time.
    private static let window = 4

    /// A new map: whatever was under way for the old one is void.
    mutating func install(_ new: OwnershipMap) -> [Effect] {
        guard new.number > map?.number ?? -1, new.owners.count == preparation.plan.chunks.count,
            new.sources.count == new.owners.count
        else { return [.note("map \(new.number) does not fit the model; ignored")] }
        map = new
        applied = 0
        trees = [:]
        ready = []
        wants = [:]
        owned = new.owners.indices.filter { new.owners[$0] == incarnation }
        awaited = []
        toRestore = []
        restoring = 0
        // State of another version is of no use any more; of this version it may be what another owner fetches.
        held = held.filter { $0.value.version == new.version }
        var effects: [Effect] = []
        var fromPeers: [Incarnation: [Int]] = [:]
        for chunk in owned where held[chunk] == nil {
            switch new.sources[chunk] {
            case .initial: held[chunk] = initialState(of: chunk)
            case .peer(let peer):
                fromPeers[peer, default: []].append(chunk)
                awaited.insert(chunk)
            case .checkpoint:
                toRestore.append(chunk)
                awaited.insert(chunk)
            case .keep:
                // Cannot happen: the coordinator keeps count of who holds what. Silence would stop the run unexplained.
                effects.append(.note("map \(new.number) says that chunk \(chunk) is here, but it is not"))
                awaited.insert(chunk)
            }
        }
        for (peer, chunks) in fromPeers.sorted(by: { $0.key < $1.key }) {
            effects.append(.request(peer, .fetchState(map: new.number, chunks: chunks)))
        }
        return effects + restoreMore() + finishInstalling() + handleEarly()
    }

    private func initialState(of number: Int) -> Held {
        let chunk = preparation.plan.chunks[number]
        let weights = pool.payload(count: chunk.slotBytes)
        preparation.initialWeights(chunk, weights.bytes.bindMemory(to: Float.self))
        return Held(version: 0, slots: [weights] + (1..<chunk.slots).map { _ in zeros(chunk.slotBytes) })
    }

    private func zeros(_ count: Int) -> Payload {
        let payload = pool.payload(count: count)
        payload.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        return payload
    }

    /// For a new owner: what it asked for, out of what we hold at the map's version.
    mutating func sendState(map number: Int, chunks: [Int], to peer: Incarnation) -> [Effect] {
        guard let map, number <= map.number else {
            return keep(.fetchState(map: number, chunks: chunks), from: peer)
        }
        guard number == map.number else { return [] }
        return chunks.compactMap { chunk in
            guard let state = held[chunk], state.version == map.version else {
                return .note("chunk \(chunk) was asked for at version \(map.version), which is not here")
            }
            return .reply(peer, .state(map: number, state: packed(state, chunk: chunk)))
        }
    }

    func packed(_ state: Held, chunk: Int) -> ChunkState {
        ChunkState(
            chunk: chunk, version: state.version, slots: state.slots, digest: Self.digest(of: state.slots))
    }

    static func digest(of slots: [Payload]) -> UInt64 { combinedDigest(slots.map { $0.checksum() }) }

    /// State that another shard or the coordinator sent.
    mutating func receive(_ state: ChunkState, map number: Int) -> [Effect] {
        guard let map, number == map.number, awaited.contains(state.chunk) else { return [] }
        let restored = map.sources[state.chunk] == .checkpoint
        if restored { restoring -= 1 }
        let chunk = preparation.plan.chunks[state.chunk]
        guard state.version == map.version, state.slots.count == chunk.slots,
            state.slots.allSatisfy({ $0.count == chunk.slotBytes }), Self.digest(of: state.slots) == state.digest
        else {
            // Damaged on the way: ask again.
            let note = Effect.note("the state of chunk \(state.chunk) came damaged; asked for it again")
            switch map.sources[state.chunk] {
            case .peer(let peer): return [note, .request(peer, .fetchState(map: number, chunks: [state.chunk]))]
            default:
                toRestore.append(state.chunk)
                return [note] + restoreMore()
            }
        }
        var slots = state.slots
        if bugs.contains(.momentumForgotten), slots.count > 1 { slots[1] = zeros(chunk.slotBytes) }
        held[state.chunk] = Held(version: state.version, slots: slots)
        awaited.remove(state.chunk)
        return restoreMore() + finishInstalling()
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

    /// Everything is here: the coordinator may begin the step.
    private mutating func finishInstalling() -> [Effect] {
        guard let map, awaited.isEmpty else { return [] }
        let digests = owned.compactMap { chunk in
            held[chunk].map { ChunkDigest(chunk: chunk, digest: Self.digest(of: $0.slots)) }
        }
        return [.control(.mapInstalled(map: map.number, chunks: digests))] + answerWants()
    }

    /// What survives the coordinator: the version, and the chunks held at it.
    var holdings: (version: Int, chunks: [Int]) {
        let newest = held.values.map(\.version).max() ?? 0
        return (newest, held.filter { $0.value.version == newest }.keys.sorted())
    }
}

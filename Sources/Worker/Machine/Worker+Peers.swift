internal import Protocol
internal import Training
internal import Wire

/// The data plane: maps, links between workers, weights.
extension Worker {
    mutating func install(_ new: OwnershipMap, now: Double) {
        guard preparation != nil, shard != nil, new.number >= map?.number ?? -1 else { return }
        if new.number == map?.number { return revise(new, now: now) }
        keepRoots(for: new)
        let members = Set(new.members.map(\.incarnation))
        for peer in Set(map?.members.map(\.incarnation) ?? []).subtracting(members).sorted() { forget(peer) }
        let session = bugs.contains(.linksOutliveGenerations) ? 0 : UInt64(clamping: new.number >> 32)
        // Of an earlier generation. Clients may know this one before we do: only their own old links go.
        for (peer, link) in shards where link.session < session && !members.contains(peer) { disconnect(peer) }
        for (peer, link) in clients where link.session < session && !members.contains(peer) { clients[peer] = nil }
        for member in new.members where member.incarnation != incarnation {
            let peer = member.incarnation
            guard shards[peer]?.session != session else { continue }
            let isConnected = shards[peer] != nil
            shards[peer] = Link(local: incarnation, remote: peer, session: session, resend: timing.resend)
            guard !isConnected else { continue }
            unreached[peer] = now
            directives.append(.connect(peer, endpoint: member.endpoint))
        }
        // Within a generation all may have begun anew because bits differed, and what is loaded may be where they did.
        if map != nil { weights.forget() }
        map = new
        progress.step = new.version
        perform(shard?.install(new), now: now)
        pushAgain(Set(new.owners.indices), now: now)
        // A shard that had everything may have answered within: the map is then the same one still.
        ask(for: weights.begin(at: new.version), now: now)
    }

    /// Somebody died; the step goes on with other owners.
    private mutating func revise(_ new: OwnershipMap, now: Double) {
        guard let old = map, new.revision > old.revision, new.owners.count == old.owners.count else { return }
        map?.revision = new.revision
        map?.owners = new.owners
        map?.buddies = new.buddies
        map?.members = new.members
        perform(shard?.revise(new), now: now)
        let changed = Set(new.owners.indices.filter { new.owners[$0] != old.owners[$0] })
        pushAgain(changed, now: now)
        // What buddies kept they have asked of themselves.
        let elsewhere = changed.filter { !old.buddies[$0].contains(incarnation) }
        ask(for: weights.outstanding.intersection(elsewhere).sorted(), now: now)
    }

    mutating func forget(_ peer: Incarnation) {
        clients[peer] = nil
        disconnect(peer)
    }

    private mutating func disconnect(_ peer: Incarnation) {
        guard shards.removeValue(forKey: peer) != nil else { return }
        unreached[peer] = nil
        directives.append(.disconnect(peer))
    }

    mutating func receive(_ frame: Frame<ShardRequest>, now: Double) {
        // Without a shard nothing is received: the sender will say it again.
        guard frame.receiver == incarnation, frame.sender != 0, shard != nil, !departed.contains(frame.sender) else {
            return
        }
        // The client counts anew under a new coordinator; what is late of an earlier one is dropped.
        let known = clients[frame.sender].flatMap { $0.session >= frame.session ? $0 : nil }
        var link =
            known
            ?? Link(local: incarnation, remote: frame.sender, session: frame.session, resend: timing.resend)
        let (message, repetitions) = link.receive(frame, now: now)
        clients[frame.sender] = link
        directives += repetitions.map { .reply(frame.sender, $0) }
        if let message { perform(shard?.handle(message, from: frame.sender), now: now) }
    }

    mutating func receive(_ frame: Frame<ShardReply>, now: Double) {
        guard frame.receiver == incarnation, var link = shards[frame.sender] else { return }
        let (message, repetitions) = link.receive(frame, now: now)
        shards[frame.sender] = link
        directives += repetitions.map { .request(frame.sender, $0) }
        if let message { handle(message, from: frame.sender, now: now) }
    }

    /// What a shard answered, ours included.
    private mutating func handle(_ reply: ShardReply, from peer: Incarnation, now: Double) {
        switch reply {
        case .replicated(let map, let step, let chunk, let verdict):
            perform(
                shard?.acknowledged(map: map, step: step, chunk: chunk, verdict, by: peer), now: now)
        case .receipt(let receipt): settle(receipt, now: now)
        case .weights(let weights): load(weights, now: now)
        case .state(let map, let state): perform(shard?.receive(state, map: map), now: now)
        }
    }

    /// Sends what our shard says; to ourselves without a socket.
    mutating func perform(_ effects: [Shard.Effect]?, now: Double) {
        for effect in effects ?? [] {
            switch effect {
            case .control(let message): tell(message, now: now)
            case .note(let text): directives.append(.note(text))
            case .stop(let reason): stop(code: 70, reason: reason)
            case .request(let peer, let request): send(request, to: peer, now: now)
            case .reply(incarnation, let reply): handle(reply, from: incarnation, now: now)
            case .reply(let peer, let reply):
                // A client without a link has departed.
                if let frame = clients[peer]?.send(reply, now: now) { directives.append(.reply(peer, frame)) }
            }
        }
    }

    mutating func send(_ request: ShardRequest, to peer: Incarnation, now: Double) {
        if peer == incarnation {
            perform(shard?.handle(request, from: incarnation), now: now)
        } else if let frame = shards[peer]?.send(request, now: now) {
            directives.append(.request(peer, frame))
        }
    }

    // MARK: - Weights

    private mutating func ask(for chunks: [Int], now: Double) {
        guard let map, !chunks.isEmpty else { return }
        let version = weights.requested
        // A buddy computes the same weights as the owner: it asks itself.
        let keepers = Dictionary(grouping: chunks) { chunk in
            map.buddies[chunk].contains(incarnation) ? incarnation : map.owners[chunk]
        }
        for (keeper, chunks) in keepers.sorted(by: { $0.key < $1.key }) {
            send(
                .want(map: map.number, revision: map.revision, version: version, chunks: chunks), to: keeper, now: now)
        }
    }

    private mutating func load(_ new: Weights, now: Double) {
        guard let map, new.map == map.number, let preparation, preparation.plan.isComputedWith(new.chunk),
            new.weights.count == preparation.plan.chunks[new.chunk].slotBytes,
            let next = weights.arrived(new.chunk, version: new.version)
        else { return }
        directives.append(.load(chunk: new.chunk, version: new.version, new.weights))
        ask(for: next, now: now)
    }
}

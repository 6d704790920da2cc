internal import Training
internal import Wire

/// Two keep each chunk: the owner's whole gradient goes to the buddies before anybody hears that it is whole, and when the
/// owner dies a buddy takes its place.
extension Shard {
    /// An owned chunk's gradient may be whole, or may have reached the last buddy: to the buddies first, then to the
    /// coordinator.
    mutating func settle(_ number: Int) -> [Effect] {
        guard let map, map.owners[number] == incarnation, !awaited.contains(number), !ready.contains(number),
            let sum = sums[number] ?? trees[number]?.value.map({ Sum($0) })
        else { return [] }
        sums[number] = sum
        var effects: [Effect] = []
        if unacknowledged[number] == nil {
            unacknowledged[number] = Set(map.buddies[number])
            effects = map.buddies[number].map { .request($0, replicate(sum, of: number, map)) }
        }
        guard unacknowledged[number]?.isEmpty ?? true || bugs.contains(.readyBeforeAcknowledgement) else {
            return effects
        }
        ready.insert(number)
        let chunk = preparation.plan.chunks[number]
        // Statistics stay out of the norm; that they are finite counts.
        let squares = chunk.isStatistics ? 0 : Arithmetic.sumOfSquares(sum.gradient)
        let finite = chunk.isStatistics ? Arithmetic.isFinite(wide: sum.gradient) : squares.isFinite
        let report = ReadyChunk(chunk: number, sumOfSquares: squares, finite: finite, digest: sum.digest)
        return effects + [.control(.chunksReady(map: map.number, step: version, chunks: [report]))]
    }

    private mutating func replicate(_ sum: Sum, of chunk: Int, _ map: OwnershipMap) -> ShardRequest {
        .replicate(
            Replicate(
                map: map.number, revision: map.revision, step: version, chunk: chunk, checksum: sum.digest,
                state: stateDigest(chunk), gradient: sum.gradient))
    }

    /// As buddy: the owner's whole gradient. It is acknowledged only when both have the same state.
    mutating func store(_ replicate: Replicate, from owner: Incarnation) -> [Effect] {
        guard let map, !isAhead(map: replicate.map, revision: replicate.revision) else {
            return keep(.replicate(replicate), from: owner)
        }
        // Of a map or step that is over: nobody waits for an answer.
        guard replicate.map == map.number, replicate.step >= version,
            preparation.plan.chunks.indices.contains(replicate.chunk),
            map.buddies[replicate.chunk].contains(incarnation)
        else { return [] }
        guard replicate.step == version, !awaited.contains(replicate.chunk) else {
            return keep(.replicate(replicate), from: owner)
        }
        let (number, chunk) = (replicate.chunk, preparation.plan.chunks[replicate.chunk])
        func answer(_ verdict: PushReceipt.Verdict) -> Effect {
            .reply(owner, .replicated(map: map.number, step: replicate.step, chunk: number, verdict))
        }
        guard replicate.gradient.count == chunk.gradientBytes, replicate.gradient.checksum() == replicate.checksum
        else {
            return [answer(.damaged), .note("the sum of chunk \(number) came damaged; asked for it again")]
        }
        let known = sums[number].map { $0.digest == replicate.checksum } ?? true
        guard known, stateDigest(number) == replicate.state else {
            return [
                .control(
                    .replicasDiffer(
                        Divergence(
                            map: map.number, version: version, chunk: number, owner: owner, buddy: incarnation)))
            ]
        }
        sums[number] = Sum(replicate.gradient, digest: replicate.checksum)
        return [answer(.stored)]
    }

    /// As owner: a buddy has the sum, or got it damaged.
    mutating func acknowledged(
        map number: Int, step: Int, chunk: Int, _ verdict: PushReceipt.Verdict, by buddy: Incarnation
    ) -> [Effect] {
        guard let map, number == map.number, step == version, unacknowledged[chunk]?.contains(buddy) ?? false else {
            return []
        }
        if verdict == .damaged, let gradient = sums[chunk]?.gradient {
            // Of what is here now: were it the memory, the buddy would call it damaged for ever.
            let sum = Sum(gradient)
            sums[chunk] = sum
            return [.request(buddy, replicate(sum, of: chunk, map))]
        }
        unacknowledged[chunk]?.remove(buddy)
        return settle(chunk)
    }

    /// As buddy: what the owner's part of a checkpoint is held against. What is not here yet is on its way from the owner.
    mutating func digests(at version: Int, of chunks: [Int]) -> [Effect] {
        guard let map else { return [] }
        let here = chunks.filter { held[$0]?.version == version }
        let digests = here.map { ChunkDigest(chunk: $0, digest: stateDigest($0)) }
        return [.control(.chunkDigests(map: map.number, version: version, chunks: digests))]
    }

    /// Somebody died and the step goes on: chunks whose owner is gone are ours now, and buddies that are gone are waited for
    /// no more.
    mutating func revise(_ new: OwnershipMap) -> [Effect] {
        guard let old = map, new.number == old.number, new.revision > old.revision,
            new.owners.count == old.owners.count, new.buddies.count == old.owners.count
        else { return [] }
        map?.revision = new.revision
        map?.owners = new.owners
        map?.buddies = new.buddies
        map?.members = new.members
        kept = keptChunks(of: new)
        var effects: [Effect] = []
        var orphaned: [Incarnation: [Int]] = [:]
        for chunk in kept {
            let owner = new.owners[chunk]
            if owner == incarnation {
                if old.owners[chunk] == incarnation {
                    unacknowledged[chunk]?.formIntersection(new.buddies[chunk])
                } else {
                    unacknowledged[chunk] = nil
                }
                effects += settle(chunk)
            } else if owner != old.owners[chunk], awaited.contains(chunk) {
                damaged[chunk] = nil
                orphaned[owner, default: []].append(chunk)
            }
        }
        for (owner, chunks) in orphaned.sorted(by: { $0.key < $1.key }) { effects.append(fetch(chunks, from: owner)) }
        return effects + handleEarly()
    }
}

internal import Faults
internal import Protocol
internal import Training
internal import Wire

/// A checkpoint on its way to the disk, while training goes on.
struct CheckpointInProgress: Sendable {
    /// Under which it was begun: training may go on under another.
    let map: Int
    let version: Int
    /// Chunks not yet written, and who sends them.
    var waiting: [Int: Incarnation]
    /// The number of the message, on its link, that asked an owner for its chunks.
    var requests: [Incarnation: UInt64] = [:]
    /// Chunks that are being written.
    var writing: Set<Int> = []
    /// What was sent, and by whom: the chunk may be another's by now.
    var digests: [Int: (owner: Incarnation, digest: UInt64)] = [:]
    /// Buddies that have not said what they have, and what the others said.
    var uncompared: Set<Incarnation>
    var isCompleting = false
    var claims: [(buddy: Incarnation, chunk: Int, digest: UInt64)] = []
}

/// Checkpoints: owners snapshot a version and go on; the coordinator writes what they send through to the disk.
extension Coordinator {
    mutating func beginCheckpoint(now: Double) {
        saving = CheckpointInProgress(
            map: mapNumber, version: version,
            waiting: Dictionary(uniqueKeysWithValues: owners.enumerated().map { ($0, $1) }),
            uncompared: Set(buddies.flatMap(\.self)))
        directives.append(.beginCheckpoint(version: version))
        for (owner, chunks) in Dictionary(grouping: owners.indices, by: { owners[$0] }).sorted(by: { $0.key < $1.key })
        {
            send(.checkpoint(version: version, chunks: chunks), to: owner, now: now)
            saving?.requests[owner] = members[owner]?.link.lastSent
        }
        for buddy in Set(buddies.flatMap(\.self)).sorted() {
            let chunks = buddies.indices.filter { buddies[$0].contains(buddy) }
            send(.compare(version: version, chunks: chunks), to: buddy, now: now)
        }
    }

    /// What a buddy has of the version that is being saved. What it had of that version before all went back and played it
    /// again was judged then.
    mutating func compare(_ chunks: [ChunkDigest], map: Int, version: Int, from buddy: Incarnation, now: Double) {
        guard saving?.map == map, saving?.version == version, saving?.uncompared.remove(buddy) != nil else { return }
        saving?.claims += chunks.map { (buddy, $0.chunk, $0.digest) }
        finishCheckpoint(now: now)
    }

    /// Owners have sent all, buddies have said what they have: whole, if they agree.
    private mutating func finishCheckpoint(now: Double) {
        guard let current = saving else { return }
        for claim in current.claims {
            guard let sent = current.digests[claim.chunk], sent.digest != claim.digest else { continue }
            return replicasDiffer(
                Divergence(
                    map: mapNumber, version: version, chunk: claim.chunk, owner: sent.owner, buddy: claim.buddy),
                now: now)
        }
        guard current.waiting.isEmpty, current.uncompared.isEmpty, !current.isCompleting else { return }
        saving?.isCompleting = true
        directives.append(.completeCheckpoint(version: current.version))
    }

    mutating func checkpointChunk(_ state: ChunkState, from worker: Incarnation, now: Double) {
        guard var current = saving, state.version == current.version, current.waiting[state.chunk] == worker,
            current.writing.insert(state.chunk).inserted
        else { return }
        let chunk = settings.plan.chunks[state.chunk]
        guard state.slots.count == chunk.slots, state.slots.allSatisfy({ $0.count == chunk.slotBytes }),
            combinedDigest(state.slots.map { $0.checksum() }) == state.digest
        else {
            // Sent before it heard of this attempt, it is of one that was given up, and comes again.
            guard let request = current.requests[worker], members[worker]?.link.hasReceived(request) ?? false else {
                return
            }
            return chunkCameDamaged(state.chunk, from: worker, now: now)
        }
        current.digests[state.chunk] = (owner: worker, digest: state.digest)
        saving = current
        directives.append(.writeChunk(state))
        finishCheckpoint(now: now)
    }

    /// It is asked for again, now or with the next checkpoint. Of whoever sends it damaged each time the memory is broken, or the
    /// way here: others take its place, who may have the chunk.
    private mutating func chunkCameDamaged(_ chunk: Int, from worker: Incarnation, now: Double) {
        abandonCheckpoint("chunk \(chunk) came damaged from \(members[worker]?.name ?? "?")")
        let count = (members[worker]?.damaged ?? 0) + 1
        members[worker]?.damaged = count
        if count >= Self.mostDamaged {
            let reason =
                "\(count) checkpoints were given up because a chunk came damaged from it, the last time chunk \(chunk): its "
                + "memory or its network is broken"
            return lose(worker, because: reason, now: now)
        }
        if case .holding = phase { beginCheckpoint(now: now) }
    }

    private static var mostDamaged: Int { 3 }

    mutating func chunkWritten(version: Int, chunk: Int, now: Double) {
        // What an attempt wrote that was abandoned, is not in this one.
        guard var current = saving, current.version == version, current.writing.contains(chunk),
            let owner = current.waiting.removeValue(forKey: chunk)
        else { return }
        saving = current
        send(.chunkStored(version: version, chunk: chunk), to: owner, now: now)
        finishCheckpoint(now: now)
    }

    mutating func checkpointCompleted(_ version: Int, now: Double) {
        guard saving?.version == version else { return }
        saving = nil
        checkpoint = version
        members.update { $0.damaged = 0 }
        // We may be further back ourselves, playing steps again that are in the new checkpoint already.
        let oldest = bugs.contains(.outcomesForgottenEarly) ? version : min(version, self.version)
        outcomes = outcomes.filter { $0.key >= oldest }
        directives.append(.note(.checkpoint(version: version)))
        if case .holding = phase { proceed(mayMove: false, now: now) }
    }

    mutating func checkpointFailed(_ version: Int, _ fault: Fault, now: Double) {
        guard saving?.version == version else { return }
        saving = nil
        directives.append(.note(.checkpointFailed(version: version, reason: fault.description)))
        // In mid-run the old checkpoint serves on; at the end there is nothing else to do.
        guard case .holding = phase else { return }
        if version == self.version {
            close(code: 75, reason: fault.description, now: now)
        } else {
            beginCheckpoint(now: now)
        }
    }

    /// What is being restored cannot be read: nothing is left to go on from, unless one that was completed meanwhile took its
    /// place. What was asked for before we went elsewhere matters to nobody.
    mutating func chunkUnreadable(_ version: Int, _ fault: Fault, now: Double) {
        guard case .installing = phase, version == self.version else { return }
        guard checkpoint > version else {
            return close(code: Int(fault.code.rawValue), reason: fault.description, now: now)
        }
        recover(because: "the checkpoint of step \(version) has given way to a newer one", now: now)
    }

    /// A worker died whose chunks were not yet all written.
    mutating func checkpointLosesWorker(_ worker: Incarnation, now: Double) {
        saving?.uncompared.remove(worker)
        defer { finishCheckpoint(now: now) }
        guard let saving, saving.waiting.contains(where: { $0.value == worker && !saving.writing.contains($0.key) })
        else { return }
        abandonCheckpoint("an owner died while it was written")
    }

    mutating func abandonCheckpoint(_ reason: String) {
        guard let current = saving else { return }
        saving = nil
        directives.append(.abandonCheckpoint(version: current.version))
        directives.append(.note(.checkpointFailed(version: current.version, reason: reason)))
    }
}

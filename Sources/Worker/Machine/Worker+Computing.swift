internal import Training
internal import Wire

/// A lease under way: its units are folded into the block's root, chunk by chunk.
struct ActiveLease: Sendable {
    var lease: Lease
    /// Units of the block that exist.
    let end: Int
    var nextUnit: Int
    var trees: [Int: ReductionTree] = [:]
    var records: [UnitRecord] = []
    /// Pushed roots: kept until the step commits, for a shard that needs them again.
    var roots: [Int: Payload] = [:]
    /// Chunks whose push has no receipt yet.
    var unsettled: Set<Int> = []
    var isDelivered = false

    var isComputed: Bool { nextUnit >= end }
}

/// Leases, units, and pushes.
extension Worker {
    mutating func take(_ lease: Lease) {
        guard let map, let preparation, lease.map == map.number, lease.block.first < preparation.units else { return }
        leases.append(
            ActiveLease(lease: lease, end: min(lease.block.end, preparation.units), nextUnit: lease.block.first))
        directives.append(.prefetch(step: lease.step, block: lease.block))
    }

    /// The next unit goes to the compute thread when the last one has come back and all weights of the step are there.
    mutating func startComputing() {
        guard computing == nil, !isStopped, let index = leases.firstIndex(where: { !$0.isComputed }) else { return }
        let next = leases[index]
        guard weights.version == next.lease.step || bugs.contains(.computedWithMixedWeights) else { return }
        computing = (next.lease.id, next.nextUnit)
        directives.append(.compute(lease: next.lease.id, step: next.lease.step, unit: next.nextUnit))
    }

    mutating func fold(_ payload: Payload, chunk: Int, unit: Int, lease id: UInt64, now: Double) {
        guard let preparation, preparation.plan.chunks.indices.contains(chunk),
            let index = leases.firstIndex(where: { $0.lease.id == id }), leases[index].nextUnit == unit
        else { return }
        let block = leases[index].lease.block
        var tree =
            leases[index].trees.removeValue(forKey: chunk)
            ?? ReductionTree(
                root: block, units: preparation.units, wide: preparation.plan.chunks[chunk].isStatistics, bugs: bugs)
        // Leaves come from ourselves, once each: no checksum is needed.
        _ = tree.insert(UnitBlock(first: unit, log2: 0), payload, checksum: 0, from: incarnation, pool: pool)
        guard var root = tree.value else {
            leases[index].trees[chunk] = tree
            return
        }
        if bugs.contains(.gradientFlips), !hasFlipped, incarnation & 3 == 1, leases[index].lease.step == 1,
            !preparation.plan.chunks[chunk].isStatistics
        {
            hasFlipped = true
            root = pool.payload(copying: root.array(of: Float.self).map { -$0 - 1 })
        }
        leases[index].roots[chunk] = root
        leases[index].unsettled.insert(chunk)
        push(chunk, of: leases[index], now: now)
    }

    private mutating func push(_ chunk: Int, of active: ActiveLease, now: Double) {
        guard let map, let root = active.roots[chunk] else { return }
        let push = Push(
            map: map.number, revision: map.revision, step: active.lease.step, block: active.lease.block, chunk: chunk,
            checksum: root.checksum(), gradient: root)
        send(.push(push), to: map.owners[chunk], now: now)
    }

    mutating func finishUnit(lease id: UInt64, record: UnitRecord, now: Double) {
        guard let index = leases.firstIndex(where: { $0.lease.id == id }), leases[index].nextUnit == record.unit else {
            return
        }
        computing = nil
        progress.units += 1
        leases[index].records.append(record)
        leases[index].nextUnit += 1
        guard leases[index].isComputed else { return }
        guard let preparation, leases[index].roots.count == preparation.plan.changing.count else {
            return stop(code: 70, reason: "unit \(record.unit) was computed without the gradients of all chunks")
        }
        tell(.blockComputed(lease: id, records: leases[index].records), now: now)
        sayDelivered(index, now: now)
    }

    mutating func failUnit(lease id: UInt64, reason: String, now: Double) {
        guard leases.contains(where: { $0.lease.id == id }) else { return }
        drop { $0.lease.id == id }
        tell(.blockFailed(lease: id, reason: reason), now: now)
    }

    /// A shard's answer to a push of ours.
    mutating func settle(_ receipt: PushReceipt, now: Double) {
        for index in leases.indices
        where leases[index].lease.step == receipt.step && leases[index].lease.block == receipt.block
            && leases[index].lease.map == receipt.map
        {
            switch receipt.verdict {
            case .stored, .duplicate:
                leases[index].unsettled.remove(receipt.chunk)
                sayDelivered(index, now: now)
            case .conflict:
                tell(
                    .alarm(
                        Alarm(
                            map: receipt.map, step: receipt.step, block: receipt.block, chunk: receipt.chunk,
                            first: receipt.other, second: incarnation)), now: now)
                leases[index].unsettled.remove(receipt.chunk)
                sayDelivered(index, now: now)
            case .damaged: push(receipt.chunk, of: leases[index], now: now)
            case .stale: break
            }
        }
    }

    private mutating func sayDelivered(_ index: Int, now: Double) {
        let settled = leases[index].unsettled.isEmpty || bugs.contains(.deliveredWhenComputed)
        guard leases[index].isComputed, settled, !leases[index].isDelivered else { return }
        leases[index].isDelivered = true
        tell(.blockDelivered(lease: leases[index].lease.id, revision: map?.revision ?? 0), now: now)
        if bugs.contains(.rootsReleasedEarly) { leases[index].roots = [:] }
    }

    /// Owners have changed: the roots of those chunks go to the new ones, acknowledged by the old ones or not.
    mutating func pushAgain(_ chunks: Set<Int>, now: Double) {
        for index in leases.indices {
            leases[index].isDelivered = false
            let again = chunks.intersection(leases[index].roots.keys)
            leases[index].unsettled.formUnion(again)
        }
        for index in leases.indices {
            for chunk in chunks.sorted() where leases.indices.contains(index) && leases[index].roots[chunk] != nil {
                push(chunk, of: leases[index], now: now)
            }
            if leases.indices.contains(index) { sayDelivered(index, now: now) }
        }
    }

    /// Whole roots, for a new coordinator that may use them.
    var keptBlocks: [KeptBlock] {
        leases.filter(\.isComputed).map {
            KeptBlock(lease: $0.lease.id, step: $0.lease.step, block: $0.lease.block, records: $0.records)
        }
    }

    /// Under a new map of the same state computed blocks keep their worth; the others were never begun or are leased anew.
    mutating func keepRoots(for map: OwnershipMap) {
        let release = bugs.contains(.rootsReleasedEarly)
        drop { !$0.isComputed || $0.lease.step != map.version || release }
        for index in leases.indices { leases[index].lease.map = map.number }
    }

    /// Leases that are over, done or not: what still comes of them is ignored.
    mutating func drop(where isOver: (ActiveLease) -> Bool) {
        let over = Set(leases.filter(isOver).map(\.lease.id))
        guard !over.isEmpty else { return }
        leases.removeAll { over.contains($0.lease.id) }
        if let current = computing, over.contains(current.lease) {
            computing = nil
            directives.append(.cancel(lease: current.lease))
        }
    }
}

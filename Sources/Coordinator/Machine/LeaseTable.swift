package import Training
package import Wire

/// Who computes which units of one step: aligned blocks, each leased at least once, recorded once.
///
/// Units are computed at least once and applied exactly once (the reduction tree sees to that), so the table may lease a
/// block again whenever in doubt.
package struct LeaseTable: Sendable {
    package struct Entry: Sendable {
        package let id: UInt64
        package let worker: Incarnation
        package let block: UnitBlock
        package fileprivate(set) var issued: Double
        package fileprivate(set) var isComputed = false
    }

    package let units: Int
    /// Not leased to anybody alive, and not delivered; disjoint and as large as alignment allows.
    private var free: Set<UnitBlock> = []
    /// Leases under way.
    package private(set) var entries: [UInt64: Entry] = [:]
    /// How many of them a worker still computes.
    private var computing: [Incarnation: Int] = [:]
    /// What is known of each unit; the first result counts.
    package private(set) var records: [Int: UnitRecord] = [:]
    private(set) var delivered: Set<Int> = []
    /// Leases whose roots are with the owners, and still with the workers too.
    private(set) var settled: [UInt64: Entry] = [:]
    /// Each worker's first block of the step: decoded ahead for the next one.
    package private(set) var firstBlocks: [Incarnation: UnitBlock] = [:]
    private var failures: [Int: Set<Incarnation>] = [:]
    package internal(set) var check: BlockCheck?

    package init(units: Int) {
        self.units = units
        var first = 0
        while first < units {
            var block = UnitBlock(first: first, log2: 0)
            while block.parent.first == first, block.parent.end <= units { block = block.parent }
            free.insert(block)
            first = block.end
        }
    }

    /// Every unit has a record.
    package var isRecorded: Bool { records.count == units }
    package var freeUnits: Int { free.reduce(0) { $0 + $1.size } }
    /// The records in unit order.
    package var orderedRecords: [UnitRecord] { records.values.sorted { $0.unit < $1.unit } }

    package var hasFreeBlocks: Bool { !free.isEmpty }

    package func isBusy(_ worker: Incarnation) -> Bool { computing[worker] != nil }

    /// Every change of `entries` goes through here.
    private mutating func put(_ entry: Entry?, at id: UInt64) {
        if let old = entries.updateValue(entry, at: id), !old.isComputed {
            let left = computing[old.worker, default: 1] - 1
            computing[old.worker] = left > 0 ? left : nil
        }
        if let entry, !entry.isComputed { computing[entry.worker, default: 0] += 1 }
    }

    // MARK: - Giving

    /// Leases a free block of about `size` units (a power of two or less is given; `preferred` if it is free) to a worker.
    package mutating func lease(
        to worker: Incarnation, size: Int, preferred: UnitBlock?, id: UInt64, now: Double
    ) -> UnitBlock? {
        let log2 = UnitBlock.log2(ofAtMost: size)
        let candidates = free.filter { block in !hasFailed(block, on: worker) }
        let chosen: UnitBlock?
        if let preferred, preferred.log2 == log2, candidates.contains(where: { $0.contains(preferred) }) {
            chosen = preferred
        } else if let holder = candidates.filter({ $0.log2 >= log2 }).min(by: Self.smallestFirst) {
            chosen = UnitBlock(first: holder.first, log2: log2)
        } else {
            chosen = candidates.min { ($1.log2, $0.first) < ($0.log2, $1.first) }
        }
        guard let chosen else { return nil }
        take(chosen)
        enter(chosen, worker: worker, id: id, now: now)
        if firstBlocks[worker] == nil { firstBlocks[worker] = chosen }
        return chosen
    }

    /// A part of a late worker's block that another may compute as well.
    package struct LatePart {
        let holder: Incarnation
        let block: UnitBlock
    }

    /// What nobody computes but who is late: oldest leases first, of each the second half first, because its worker goes from
    /// left to right.
    /// - Parameter isLate: Whether a lease takes longer than it should.
    package func lateParts(isLate: (Entry) -> Bool) -> [LatePart] {
        entries.values.filter(isLate).sorted { $0.id < $1.id }.flatMap { entry in
            (entry.block.log2 == 0 ? [entry.block] : [entry.block.right, entry.block.left])
                .filter { needsHelp($0, besides: entry) }.map { LatePart(holder: entry.worker, block: $0) }
        }
    }

    /// Leases a part of a late worker's block a second time, to one that has nothing to do, and takes it off the list.
    package mutating func leaseAgain(
        to worker: Incarnation, from late: inout [LatePart], id: UInt64, now: Double
    ) -> UnitBlock? {
        guard let place = late.firstIndex(where: { $0.holder != worker && !hasFailed($0.block, on: worker) }) else {
            return nil
        }
        let block = late.remove(at: place).block
        enter(block, worker: worker, id: id, now: now)
        return block
    }

    private func needsHelp(_ part: UnitBlock, besides entry: Entry) -> Bool {
        (part.first..<min(part.end, units)).contains { !delivered.contains($0) }
            && !entries.values.contains {
                $0.id != entry.id && ($0.block.contains(part) || part.contains($0.block))
            }
    }

    mutating func enter(_ block: UnitBlock, worker: Incarnation, id: UInt64, now: Double) {
        put(Entry(id: id, worker: worker, block: block, issued: now), at: id)
    }

    /// Takes a lease back whose worker is no longer wanted.
    mutating func withdraw(_ id: UInt64) { put(nil, at: id) }

    func isDelivered(_ block: UnitBlock) -> Bool {
        (block.first..<min(block.end, units)).allSatisfy { delivered.contains($0) }
    }

    private static func smallestFirst(_ a: UnitBlock, _ b: UnitBlock) -> Bool {
        (a.log2, a.first) < (b.log2, b.first)
    }

    func hasFailed(_ block: UnitBlock, on worker: Incarnation) -> Bool {
        failures.contains { block.contains(unit: $0.key) && $0.value.contains(worker) }
    }

    /// Removes a block from the free ones, splitting the one that holds it.
    private mutating func take(_ block: UnitBlock) {
        guard var holder = free.first(where: { $0.contains(block) }) else { return }
        free.remove(holder)
        while holder != block {
            let (left, right) = (holder.left, holder.right)
            free.insert(left.contains(block) ? right : left)
            holder = left.contains(block) ? left : right
        }
    }

    // MARK: - Taking back

    /// The worker has computed its block. Returns the lease, and a unit whose record differs from an earlier one.
    package mutating func computed(
        _ id: UInt64, records new: [UnitRecord]
    ) -> (entry: Entry, disagreement: Int?)? {
        guard var entry = entries[id], !entry.isComputed else { return nil }
        let expected = entry.block.first..<min(entry.block.end, units)
        guard new.map(\.unit) == Array(expected) else { return nil }
        entry.isComputed = true
        put(entry, at: id)
        var disagreement: Int?
        for record in new {
            if let earlier = records[record.unit] {
                if !earlier.matches(record) { disagreement = record.unit }
            } else {
                records[record.unit] = record
            }
        }
        return (entry, disagreement)
    }

    /// Every chunk of the block has arrived. Returns the leases that this made superfluous.
    package mutating func delivered(_ id: UInt64) -> [Entry] {
        guard let entry = entries[id] else { return [] }
        put(nil, at: id)
        settled[id] = entry
        delivered.formUnion(entry.block.first..<min(entry.block.end, units))
        noteDelivered()
        let superfluous = entries.values.filter { other in
            check?.concerns(other.id) != true
                && (other.block.first..<min(other.block.end, units)).allSatisfy { delivered.contains($0) }
        }
        for other in superfluous { put(nil, at: other.id) }
        return superfluous.sorted { $0.id < $1.id }
    }

    /// The worker is gone: what it had not delivered is free again, unless somebody else has it too.
    package mutating func lost(_ worker: Incarnation, bugs: Set<PlantedBug>) {
        settled = settled.filter { $0.value.worker != worker }
        let gone = entries.values.filter { $0.worker == worker }
        for entry in gone { put(nil, at: entry.id) }
        if !bugs.contains(.lostBlocksForgotten) { release(gone.map(\.block)) }
    }

    /// An owner died with sums that nobody else has: what was delivered is delivered again by whoever lives, and what only
    /// the dead had computed is free.
    package mutating func reopen(now: Double) {
        for var entry in settled.values {
            entry.issued = now
            put(entry, at: entry.id)
        }
        settled = [:]
        delivered = []
        releaseUncovered()
    }

    /// A block that a worker computed for this step before the coordinator began anew.
    package mutating func adopt(_ kept: KeptBlock, of worker: Incarnation, now: Double) {
        let expected = kept.block.first..<min(kept.block.end, units)
        guard entries[kept.lease] == nil, kept.records.map(\.unit) == Array(expected) else { return }
        put(
            Entry(id: kept.lease, worker: worker, block: kept.block, issued: now, isComputed: true), at: kept.lease)
        for record in kept.records where records[record.unit] == nil { records[record.unit] = record }
        if firstBlocks[worker] == nil { firstBlocks[worker] = kept.block }
    }

    /// After blocks were adopted: what they do not cover is free.
    package mutating func freeTheRest() {
        free = []
        releaseUncovered()
    }

    private mutating func releaseUncovered() {
        let known = Set(free.flatMap { $0.first..<min($0.end, units) })
        release((0..<units).filter { !known.contains($0) }.map { UnitBlock(first: $0, log2: 0) })
    }

    /// The worker could not read a clip of the block. Returns on how many workers the block has failed.
    package mutating func failed(_ id: UInt64) -> Int {
        guard let entry = entries[id] else { return 0 }
        put(nil, at: id)
        for unit in entry.block.first..<min(entry.block.end, units) { failures[unit, default: []].insert(entry.worker) }
        // Whoever computes it first still has it.
        if id == check?.second { return 0 }
        release([entry.block])
        return failures[entry.block.first]?.count ?? 0
    }

    /// Whether nobody computes, and what is left has failed on each of these.
    package func isStuck(among workers: [Incarnation]) -> Bool {
        !workers.isEmpty && entries.isEmpty && !free.isEmpty
            && free.allSatisfy { block in workers.allSatisfy { hasFailed(block, on: $0) } }
    }

    /// What of `blocks` nobody computes and nobody has delivered is free.
    private mutating func release(_ blocks: [UnitBlock]) {
        let leased = Set(entries.values.flatMap { $0.block.first..<min($0.block.end, units) })
        for block in blocks {
            for unit in block.first..<min(block.end, units)
            where !delivered.contains(unit) && !leased.contains(unit) {
                var block = UnitBlock(first: unit, log2: 0)
                while free.contains(block.sibling), block.parent.end <= units {
                    free.remove(block.sibling)
                    block = block.parent
                }
                free.insert(block)
            }
        }
    }
}

extension Dictionary {
    /// Sets or removes a value. Returns the old one.
    fileprivate mutating func updateValue(_ value: Value?, at key: Key) -> Value? {
        guard let value else { return removeValue(forKey: key) }
        return updateValue(value, forKey: key)
    }
}

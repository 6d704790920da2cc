package import Wire

/// The second computation of one block of a step, by another worker: the owners compare the bits of every chunk.
///
/// Nobody else would notice a processor that computes wrong gradients. The step does not count before both results are
/// with the owners; a pair whose slower half is late is given up instead.
package struct BlockCheck: Sendable {
    /// The block is whichever holds this unit.
    let unit: Int
    fileprivate(set) var original: UInt64?
    package fileprivate(set) var second: UInt64?
    /// Compared, or given up.
    fileprivate(set) var isOver = false

    func concerns(_ id: UInt64) -> Bool { !isOver && second != nil && (id == original || id == second) }
}

extension LeaseTable {
    /// From now on, whoever is idle computes the block of `unit` a second time.
    package mutating func plan(checkOf unit: Int) {
        precondition((0..<units).contains(unit), "unit \(unit) of \(units)")
        check = BlockCheck(unit: unit)
    }

    /// Nothing waits for a comparison, given who there is to make one.
    package func isChecked(by workers: [Incarnation]) -> Bool {
        guard let check, !check.isOver else { return true }
        guard check.second == nil else { return false }
        let holders = holders(of: check)
        // Who delivered it is gone: the block has a single result, and nobody knows any more which block it was.
        if holders.isEmpty, delivered.contains(check.unit) { return true }
        return !workers.contains { worker in
            !holders.contains { $0.worker == worker || hasFailed($0.block, on: worker) }
        }
    }

    private func holders(of check: BlockCheck) -> [Entry] {
        (Array(entries.values) + Array(settled.values)).filter { $0.block.contains(unit: check.unit) }
            .sorted { $0.id < $1.id }
    }

    /// Leases the block that is to be checked to another worker than whose it is.
    package mutating func leaseCheck(to worker: Incarnation, id: UInt64, now: Double) -> UnitBlock? {
        guard var check, !check.isOver, check.second == nil else { return nil }
        let holders = holders(of: check)
        guard let original = holders.first, !holders.contains(where: { $0.worker == worker }),
            !hasFailed(original.block, on: worker)
        else { return nil }
        enter(original.block, worker: worker, id: id, now: now)
        check.original = original.id
        check.second = id
        self.check = check
        return original.block
    }

    /// After a delivery: both there is compared.
    mutating func noteDelivered() {
        guard let check, let original = check.original, let second = check.second else { return }
        if settled[original] != nil, settled[second] != nil { self.check?.isOver = true }
    }

    /// Whoever of a check is late and needed for nothing else lets it go; a check whose second worker is gone is planned
    /// again, one whose first is gone is over: its block has a single result again.
    /// - Returns: A lease that is to be revoked.
    package mutating func reviewCheck(isLate: (Entry) -> Bool) -> Entry? {
        guard let check, !check.isOver, let original = check.original, let second = check.second else { return nil }
        func isThere(_ id: UInt64) -> Bool { entries[id] != nil || settled[id] != nil }
        guard isThere(second) else {
            self.check = BlockCheck(unit: check.unit)
            return nil
        }
        guard isThere(original) else {
            self.check?.isOver = true
            return nil
        }
        for id in [second, original] {
            guard let entry = entries[id], isDelivered(entry.block), isLate(entry) else { continue }
            withdraw(id)
            self.check?.isOver = true
            return entry
        }
        return nil
    }
}

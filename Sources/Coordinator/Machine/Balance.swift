package import Wire

/// Who should own which chunk: nearly equal shares of bytes, moving as little as possible.
///
/// A pure function of its arguments; which worker owns what has no influence on any bit of the weights.
package struct Balance {
    /// Bytes of each chunk's state.
    package let sizes: [Int]
    /// Workers that may own chunks, in a fixed order.
    package let eligible: [Incarnation]
    /// Workers that own chunks but must lose them.
    package let leaving: Set<Incarnation>

    package init(sizes: [Int], eligible: [Incarnation], leaving: Set<Incarnation>) {
        self.sizes = sizes
        self.eligible = eligible
        self.leaving = leaving
    }

    /// The owners to go to from `current` (nil where nobody alive owns the chunk), moving at most `limit` bytes of chunks
    /// that have an owner, though always one chunk.
    package func owners(from current: [Incarnation?], limit: Int) -> [Incarnation] {
        precondition(!eligible.isEmpty, "nobody may own chunks")
        var owners = current
        var load = Dictionary(uniqueKeysWithValues: eligible.map { ($0, 0) })
        for (chunk, owner) in owners.enumerated() {
            if let owner, load[owner] != nil { load[owner, default: 0] += sizes[chunk] }
        }
        func lightest() -> Incarnation {
            eligible.enumerated().min { (load[$0.element] ?? 0, $0.offset) < (load[$1.element] ?? 0, $1.offset) }?
                .element ?? eligible[0]
        }
        let bySize = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
        // 1. Chunks without an owner must have one, the largest first.
        for chunk in bySize where owners[chunk].map({ load[$0] == nil && !leaving.contains($0) }) ?? true {
            let owner = lightest()
            owners[chunk] = owner
            load[owner, default: 0] += sizes[chunk]
        }
        var moved = 0
        func mayMove(_ chunk: Int) -> Bool { moved == 0 || moved + sizes[chunk] <= limit }
        // 2. Those who leave lose theirs.
        for chunk in bySize where owners[chunk].map({ leaving.contains($0) }) ?? false && mayMove(chunk) {
            let owner = lightest()
            owners[chunk] = owner
            load[owner, default: 0] += sizes[chunk]
            moved += sizes[chunk]
        }
        // 3. From the fullest to the emptiest as long as that makes the larger of the two smaller.
        while let fullest = eligible.max(by: { (load[$0] ?? 0) < (load[$1] ?? 0) }) {
            let emptiest = lightest()
            let difference = (load[fullest] ?? 0) - (load[emptiest] ?? 0)
            guard
                let chunk = bySize.first(where: {
                    owners[$0] == fullest && sizes[$0] > 0 && sizes[$0] < difference && mayMove($0)
                })
            else { break }
            owners[chunk] = emptiest
            load[fullest, default: 0] -= sizes[chunk]
            load[emptiest, default: 0] += sizes[chunk]
            moved += sizes[chunk]
        }
        return owners.map { $0 ?? eligible[0] }
    }
}

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
    /// The machine of each worker, where it is known: a buddy on the owner's own machine dies with it.
    package let hosts: [Incarnation: String]

    package init(
        sizes: [Int], eligible: [Incarnation], leaving: Set<Incarnation>, hosts: [Incarnation: String] = [:]
    ) {
        self.hosts = hosts
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

    /// The buddies to go to from `current`: `count` for each chunk, or as many as there are other workers, on other machines
    /// than the owner's where that can be. At most `limit` bytes are copied to new ones, though always one chunk; the one that
    /// a new buddy will replace stays until the next call, when the new one has its copy.
    package func buddies(
        of owners: [Incarnation], from current: [[Incarnation]], count: Int, limit: Int
    ) -> [[Incarnation]] {
        let count = max(0, min(count, eligible.count - 1))
        var load = Dictionary(uniqueKeysWithValues: eligible.map { ($0, 0) })
        for (chunk, owner) in owners.enumerated() where load[owner] != nil { load[owner, default: 0] += sizes[chunk] }
        func isApart(_ worker: Incarnation, from owner: Incarnation) -> Bool { hosts[worker] != hosts[owner] }
        let present = owners.indices.map { chunk in
            (current.indices.contains(chunk) ? current[chunk] : []).filter { $0 != owners[chunk] }
        }
        var buddies = owners.indices.map { chunk -> [Incarnation] in
            let staying = present[chunk].filter { load[$0] != nil && !leaving.contains($0) }
            // Apart first, so that one too many on the owner's machine is the one to go.
            let apart = staying.filter { isApart($0, from: owners[chunk]) }
            return Array((apart + staying.filter { !apart.contains($0) }).prefix(count))
        }
        let lacking = Set(buddies.indices.filter { buddies[$0].count < count })
        for (chunk, some) in buddies.enumerated() { for worker in some { load[worker, default: 0] += sizes[chunk] } }
        func lightest(for chunk: Int) -> Incarnation? {
            let owner = owners[chunk]
            let candidates = eligible.enumerated().filter {
                $0.element != owner && !buddies[chunk].contains($0.element)
            }
            return candidates.min {
                let (a, b) = (isApart($0.element, from: owner) ? 0 : 1, isApart($1.element, from: owner) ? 0 : 1)
                return (a, load[$0.element] ?? 0, $0.offset) < (b, load[$1.element] ?? 0, $1.offset)
            }?.element
        }
        var moved = 0
        func mayMove(_ chunk: Int) -> Bool { moved == 0 || moved + sizes[chunk] <= limit }
        func add(_ worker: Incarnation, to chunk: Int) {
            buddies[chunk].insert(worker, at: 0)
            load[worker, default: 0] += sizes[chunk]
            moved += sizes[chunk]
        }
        let bySize = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
        // 1. Chunks with too few, those with none first.
        for chunk in bySize.sorted(by: { buddies[$0].count < buddies[$1].count }) {
            while buddies[chunk].count < count, mayMove(chunk), let worker = lightest(for: chunk) {
                add(worker, to: chunk)
            }
        }
        // 2. A buddy on the owner's machine gives way to one on another; the fullest to the emptiest, as with owners.
        for chunk in bySize where sizes[chunk] > 0 && mayMove(chunk) {
            guard !lacking.contains(chunk), let worker = lightest(for: chunk), let old = buddies[chunk].last else {
                continue
            }
            let gainsMachine = isApart(worker, from: owners[chunk]) && !isApart(old, from: owners[chunk])
            let losesMachine = !isApart(worker, from: owners[chunk]) && isApart(old, from: owners[chunk])
            let evens = (load[worker] ?? 0) + sizes[chunk] < (load[old] ?? 0)
            guard gainsMachine || (evens && !losesMachine) else { continue }
            load[old, default: 0] -= sizes[chunk]
            add(worker, to: chunk)
        }
        for chunk in lacking where count > 0 { buddies[chunk] += present[chunk].filter(leaving.contains) }
        return buddies
    }
}

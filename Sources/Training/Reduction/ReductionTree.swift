public import Wire

/// The fixed binary tree over gradient units by which the gradient of one chunk is summed at one step.
///
/// A node is left + right in f32 (f64 for statistics), whoever computed them and in whatever order they come; a node whose
/// right half lies past the last unit is its left half, nothing added. So the sum has the same bits for any number of
/// workers. The same struct folds a worker's block (leaves in, the block's root out, no more than log2 nodes held) and
/// completes the step at the shard.
public struct ReductionTree: Sendable {
    /// What became of an insertion.
    public enum Insertion: Sendable, Equatable {
        case stored
        /// Filled already, or covered by an ancestor; the bits agree as far as can be told.
        case duplicate
        /// The same node with other bits: one of the two is broken. The first is kept.
        case conflict(first: Incarnation)
    }

    /// The node whose value is sought.
    public let root: UnitBlock
    private let units: Int
    private let wide: Bool
    private let bugs: Set<PlantedBug>
    /// Values not yet part of a larger one; no two overlap.
    private var nodes: [UnitBlock: Payload] = [:]
    private var arrivals: [UnitBlock: (checksum: UInt64, from: Incarnation)] = [:]

    /// - Parameters:
    ///   - root: A block of the step, or the whole step's.
    ///   - units: Of the step (U): those beyond are absent.
    ///   - wide: f64 (statistics) instead of f32.
    public init(root: UnitBlock, units: Int, wide: Bool) {
        self.init(root: root, units: units, wide: wide, bugs: [])
    }

    package init(root: UnitBlock, units: Int, wide: Bool, bugs: Set<PlantedBug>) {
        self.root = root
        self.units = units
        self.wide = wide
        self.bugs = bugs
    }

    /// The sum over the root's units, when it is complete.
    public var value: Payload? { nodes[root] }

    /// - Parameters:
    ///   - payload: The sum over the block's units; all payloads of a tree have one length.
    ///   - checksum: `payload.checksum()`, checked by the caller.
    ///   - from: Whose result it is.
    public mutating func insert(
        _ block: UnitBlock, _ payload: Payload, checksum: UInt64, from: Incarnation, pool: PayloadPool
    ) -> Insertion {
        guard root.contains(block), block.first < units else { return .duplicate }
        if let earlier = arrivals[block], !bugs.contains(.duplicatesAdded) {
            return earlier.checksum == checksum ? .duplicate : .conflict(first: earlier.from)
        }
        if let holder = nodes.keys.first(where: { $0.contains(block) }) {
            if bugs.contains(.duplicatesAdded), let sum = nodes[holder] {
                nodes[holder] = Arithmetic.sum(sum, payload, wide: wide, pool: pool)
                return .stored
            }
            // Covered. The same node summed from its halves must have the same bits as this one.
            let first = arrivals.first { block.contains($0.key) }?.value.from ?? from
            arrivals[block] = (checksum, from)
            guard holder == block, let sum = nodes[holder], sum.checksum() != checksum else { return .duplicate }
            return .conflict(first: first)
        }
        arrivals[block] = (checksum, from)
        var value = payload
        for descendant in nodes.keys where block.contains(descendant) {
            // An ancestor replaces what it contains; it is never added to it.
            if bugs.contains(.ancestorsAdded), let part = nodes[descendant] {
                value = Arithmetic.sum(part, value, wide: wide, pool: pool)
            }
            nodes[descendant] = nil
        }
        place(value, at: block, pool: pool)
        return .stored
    }

    /// Sums upwards as far as siblings are there.
    private mutating func place(_ payload: Payload, at block: UnitBlock, pool: PayloadPool) {
        var block = block
        var value = payload
        while block != root {
            let sibling = block.sibling
            if sibling.first < units {
                guard let other = nodes.removeValue(forKey: sibling) else { break }
                let (left, right) = block.first < sibling.first ? (value, other) : (other, value)
                value = Arithmetic.sum(left, right, wide: wide, pool: pool)
            }
            block = block.parent
        }
        nodes[block] = value
    }
}

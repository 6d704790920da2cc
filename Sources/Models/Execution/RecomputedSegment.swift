/// Neighbouring kernels of which a training pass keeps only what others read, and runs the rest forward once more just
/// before their backward (Chen, Xu, Zhang and Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016).
struct RecomputedSegment: Equatable {
    let kernels: Range<Int>
    /// Those that run twice, in order: their backward needs what they make, and nobody outside keeps it alive.
    let recomputed: [Int]

    /// The segments of a network, in order: its residual blocks, and what lies between them.
    ///
    /// - Parameters:
    ///   - trained: by tensor, whether it has a gradient.
    ///   - isFrozen: by parameter.
    static func all(of kernels: [Kernel], trained: [Bool], isFrozen: [Bool]) -> [RecomputedSegment] {
        let ranges = cut(kernels)
        // What is read beyond the segment that makes it, and the logits, are kept.
        var kept = Set(kernels.suffix(1).map(\.output))
        for range in ranges {
            let made = Set(kernels[range].map(\.output))
            for kernel in kernels[range] { kept.formUnion(kernel.reads.filter { !made.contains($0) }) }
        }
        return ranges.map { range in
            var wanted: Set<Int> = []
            for kernel in kernels[range] where trained[kernel.output] {
                wanted.formUnion(kernel.readsBackward(isFrozen: isFrozen))
            }
            var recomputed: [Int] = []
            for index in range.reversed() {
                let made = kernels[index].output
                guard wanted.contains(made), !kept.contains(made) else { continue }
                wanted.formUnion(kernels[index].reads)
                recomputed.append(index)
            }
            return RecomputedSegment(kernels: range, recomputed: recomputed.reversed())
        }
    }

    /// Cuts before and behind residual blocks and, outside of these, behind max pools, which leave little to keep.
    private static func cut(_ kernels: [Kernel]) -> [Range<Int>] {
        var cuts: Set<Int> = [0, kernels.count]
        var begin = 0
        for (index, kernel) in kernels.enumerated() where kernel.isResidualJoin {
            guard let first = blockStart(endingAt: index, from: begin, kernels) else { continue }
            cuts.formUnion(pools(in: begin..<first, kernels))
            cuts.formUnion([first, index + 1])
            begin = index + 1
        }
        cuts.formUnion(pools(in: begin..<kernels.count, kernels))
        let sorted = cuts.sorted()
        return zip(sorted, sorted.dropFirst()).map { $0..<$1 }
    }

    private static func pools(in range: Range<Int>, _ kernels: [Kernel]) -> [Int] {
        range.filter { if case .maxPool = kernels[$0].operation { true } else { false } }.map { $0 + 1 }
    }

    /// The first kernel of the residual block that ends with a join: the shortest run of kernels that reads one tensor
    /// from before it, which branch and shortcut have in common; nil where there is none from kernel `begin` on.
    private static func blockStart(endingAt join: Int, from begin: Int, _ kernels: [Kernel]) -> Int? {
        var outside: Set<Int> = []
        for index in (begin...join).reversed() {
            outside.remove(kernels[index].output)
            outside.formUnion(kernels[index].inputs)
            if outside.count == 1 { return index }
        }
        return nil
    }
}

extension Kernel {
    /// Whether it adds a shortcut to a branch.
    fileprivate var isResidualJoin: Bool {
        switch operation {
        case .add: true
        case .normalise(_, let what): what.residual != nil
        default: false
        }
    }
}

import Randomness
import Testing
import Training
import Wire

/// The fixed tree: one sum whatever comes in whatever blocks and order; nothing counted twice.
@Suite struct ReductionTreeTests {
    private let pool = PayloadPool()

    private func leaves(_ units: Int, elements: Int = 21) -> [[Float]] {
        (0..<units).map { unit in
            let draws = Draws(seed: 3, place: UInt64(unit), purpose: .simulation)
            // Magnitudes that differ by powers of two: sums in another order round otherwise.
            return (0..<elements).map { Float(draws.normal($0)) * Float(1 << draws.integer(1000 + $0, below: 20)) }
        }
    }

    private func sum(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 + $1 } }

    /// The node by recursion; nil where all units are absent.
    private func node(_ block: UnitBlock, _ leaves: [[Float]]) -> [Float]? {
        if block.first >= leaves.count { return nil }
        if block.log2 == 0 { return leaves[block.first] }
        guard let left = node(block.left, leaves) else { return nil }
        return node(block.right, leaves).map { sum(left, $0) } ?? left
    }

    private func insert(_ block: UnitBlock, _ values: [Float], into tree: inout ReductionTree, from: UInt64 = 1)
        -> ReductionTree.Insertion
    {
        let payload = pool.payload(copying: values)
        return tree.insert(block, payload, checksum: payload.checksum(), from: from, pool: pool)
    }

    /// All ways to cut a step into aligned blocks at random, in random order: one result.
    @Test(arguments: [1, 2, 3, 5, 8, 11, 16, 31]) func anyBlocksInAnyOrderGiveOneSum(units: Int) throws {
        let leaves = leaves(units)
        let root = UnitBlock.root(units: units)
        let expected = try #require(node(root, leaves))
        for seed in 0..<40 {
            let draws = Draws(seed: UInt64(seed), place: 9, purpose: .simulation)
            var blocks: [UnitBlock] = []
            var next = 0
            func cut(_ block: UnitBlock) {
                guard block.first < units else { return }
                next += 1
                if block.log2 > 0, draws.uniform(next) < 0.6 {
                    cut(block.left)
                    cut(block.right)
                } else {
                    blocks.append(block)
                }
            }
            cut(root)
            blocks = blocks.enumerated().sorted { draws.word(500 + $0.offset) < draws.word(500 + $1.offset) }
                .map(\.element)
            var tree = ReductionTree(root: root, units: units, wide: false)
            for block in blocks {
                #expect(tree.value == nil)
                #expect(insert(block, try #require(node(block, leaves)), into: &tree) == .stored)
            }
            #expect(tree.value?.array(of: Float.self) == expected, "units \(units), seed \(seed)")
        }
    }

    @Test func theOrderOfPlainAdditionWouldShow() throws {
        let leaves = leaves(11)
        let inSequence = leaves.dropFirst().reduce(leaves[0], sum)
        #expect(node(.root(units: 11), leaves) != inSequence)
    }

    @Test func whatIsThereIsNotAddedAgain() throws {
        let leaves = leaves(4)
        let root = UnitBlock.root(units: 4)
        let left = UnitBlock(first: 0, log2: 1)
        var tree = ReductionTree(root: root, units: 4, wide: false)
        #expect(insert(left, try #require(node(left, leaves)), into: &tree) == .stored)
        #expect(insert(left, try #require(node(left, leaves)), into: &tree, from: 2) == .duplicate)
        // Covered by the ancestor.
        #expect(insert(UnitBlock(first: 1, log2: 0), leaves[1], into: &tree, from: 2) == .duplicate)
        #expect(insert(UnitBlock(first: 2, log2: 0), leaves[2], into: &tree) == .stored)
        // The ancestor replaces its descendant.
        #expect(insert(left.sibling, try #require(node(left.sibling, leaves)), into: &tree, from: 3) == .stored)
        #expect(tree.value?.array(of: Float.self) == node(root, leaves))
        #expect(insert(root, try #require(node(root, leaves)), into: &tree, from: 3) == .duplicate)
        #expect(tree.value?.array(of: Float.self) == node(root, leaves))
    }

    @Test func otherBitsOfTheSameNodeNameBothWorkers() throws {
        let leaves = leaves(2)
        var tree = ReductionTree(root: .root(units: 2), units: 2, wide: false)
        let block = UnitBlock(first: 1, log2: 0)
        #expect(insert(block, leaves[1], into: &tree, from: 7) == .stored)
        var broken = leaves[1]
        broken[3] = broken[3].nextUp
        #expect(insert(block, broken, into: &tree, from: 8) == .conflict(first: 7))
        #expect(insert(UnitBlock(first: 0, log2: 0), leaves[0], into: &tree, from: 7) == .stored)
        // A root that somebody computed alone, against the one summed from halves.
        var root = try #require(node(.root(units: 2), leaves))
        #expect(insert(.root(units: 2), root, into: &tree, from: 9) == .duplicate)
        root[0] = -root[0]
        var other = ReductionTree(root: .root(units: 2), units: 2, wide: false)
        _ = insert(UnitBlock(first: 0, log2: 0), leaves[0], into: &other, from: 7)
        _ = insert(block, leaves[1], into: &other, from: 7)
        #expect(insert(.root(units: 2), root, into: &other, from: 9) == .conflict(first: 7))
    }

    @Test func unitsPastTheEndAreAbsentNotZero() {
        // −0 + 0 would be +0.
        var tree = ReductionTree(root: .root(units: 3), units: 3, wide: false)
        for unit in 0..<3 { _ = insert(UnitBlock(first: unit, log2: 0), [-0.0], into: &tree) }
        #expect(tree.value?.array(of: Float.self)[0].sign == .minus)
        #expect(insert(UnitBlock(first: 3, log2: 0), [1], into: &tree) == .duplicate)
    }

    @Test func statisticsAreSummedInF64() {
        var tree = ReductionTree(root: .root(units: 2), units: 2, wide: true)
        for unit in 0..<2 {
            let payload = pool.payload(copying: (0..<11).map { 1 + Double($0) * 0x1p-40 })
            _ = tree.insert(
                UnitBlock(first: unit, log2: 0), payload, checksum: payload.checksum(), from: 1, pool: pool)
        }
        #expect(tree.value?.array(of: Double.self) == (0..<11).map { 2 * (1 + Double($0) * 0x1p-40) })
    }
}

/// Where each buffer of a pass lies in its arena: buffers that are never needed at the same time share memory.
///
/// Time is the number of a step of the pass. A buffer lives from the step that first writes it to the step that last
/// reads it, both included.
package struct MemoryPlan {
    /// The number of a buffer.
    package typealias Buffer = Int

    private struct Life {
        var bytes: Int
        var first: Int
        var last: Int
        var offset = 0
    }

    package init() {}

    private var lives: [Life] = []
    /// Bytes of the arena; known once `place()` ran.
    package private(set) var size = 0

    /// Every buffer starts at a multiple of this, the size of a cache line and of the widest vector.
    package static let alignment = 64

    /// A buffer of `bytes`, first needed at step `first`.
    package mutating func buffer(bytes: Int, from first: Int) -> Buffer {
        let rounded = (max(bytes, 1) + Self.alignment - 1) / Self.alignment * Self.alignment
        lives.append(Life(bytes: rounded, first: first, last: first))
        return lives.count - 1
    }

    /// The buffer is needed at `step` too.
    package mutating func need(_ buffer: Buffer, at step: Int) {
        lives[buffer].first = min(lives[buffer].first, step)
        lives[buffer].last = max(lives[buffer].last, step)
    }

    /// Bytes from the arena's start.
    package func offset(_ buffer: Buffer) -> Int { lives[buffer].offset }

    package func bytes(_ buffer: Buffer) -> Int { lives[buffer].bytes }

    /// The least that any placement needs: the largest sum of buffers alive at one step.
    package var lowerBound: Int {
        var changes: [Int: Int] = [:]
        for life in lives {
            changes[life.first, default: 0] += life.bytes
            changes[life.last + 1, default: 0] -= life.bytes
        }
        var alive = 0
        return changes.sorted { $0.key < $1.key }.reduce(0) { peak, change in
            alive += change.value
            return max(peak, alive)
        }
    }

    /// Gives each buffer its place: the largest first, each in the tightest gap that is free for its whole life
    /// ("greedy by size", Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
    package mutating func place() {
        var placed: [Int] = []  // in the order of their offsets
        for index in lives.indices.sorted(by: { (lives[$1].bytes, $0) < (lives[$0].bytes, $1) }) {
            let life = lives[index]
            var best: (offset: Int, gap: Int)?
            var end = 0
            for other in placed where lives[other].first <= life.last && life.first <= lives[other].last {
                let gap = lives[other].offset - end
                if gap >= life.bytes, gap < best?.gap ?? .max { best = (end, gap) }
                end = max(end, lives[other].offset + lives[other].bytes)
            }
            let offset = best?.offset ?? end
            lives[index].offset = offset
            size = max(size, offset + life.bytes)
            placed.insert(index, at: placed.firstIndex { lives[$0].offset > offset } ?? placed.count)
        }
    }
}

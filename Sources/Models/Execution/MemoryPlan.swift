/// Where each buffer of a pass lies in its arena: buffers that are never needed at the same time share memory.
///
/// Time is the number of a step of the pass. A buffer lives from the step that first writes it to the step that last
/// reads it, both included; one that is written anew lives once more, and its memory is others' in between.
package struct MemoryPlan {
    /// The number of a buffer.
    package typealias Buffer = Int

    private struct Life {
        var bytes: Int
        /// The steps it is needed at, in rising order: one span for each time it is written. Only the last one grows.
        var spans: [ClosedRange<Int>]
        var offset = 0

        func meets(_ other: Life) -> Bool {
            spans.contains { mine in other.spans.contains { $0.overlaps(mine) } }
        }
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
        lives.append(Life(bytes: rounded, spans: [first...first]))
        return lives.count - 1
    }

    /// The buffer is needed at `step` too, with what was written last.
    package mutating func need(_ buffer: Buffer, at step: Int) {
        let last = lives[buffer].spans.count - 1
        let span = lives[buffer].spans[last]
        lives[buffer].spans[last] = min(span.lowerBound, step)...max(span.upperBound, step)
    }

    /// The buffer is written anew at `step`, later than all before: what it held is not needed in between.
    package mutating func renew(_ buffer: Buffer, at step: Int) {
        precondition(lives[buffer].spans.allSatisfy { $0.upperBound < step }, "renewed at \(step), while it is needed")
        lives[buffer].spans.append(step...step)
    }

    /// Bytes from the arena's start.
    package func offset(_ buffer: Buffer) -> Int { lives[buffer].offset }

    package func bytes(_ buffer: Buffer) -> Int { lives[buffer].bytes }

    /// The least that any placement needs: the largest sum of buffers alive at one step.
    package var lowerBound: Int {
        var changes: [Int: Int] = [:]
        for life in lives {
            for span in life.spans {
                changes[span.lowerBound, default: 0] += life.bytes
                changes[span.upperBound + 1, default: 0] -= life.bytes
            }
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
            for other in placed where lives[other].meets(life) {
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

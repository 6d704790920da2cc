/// The rows of a target that a task computes, in its order: some lines of every frame, frame after frame.
struct DepthwiseRows {
    typealias Row = (t: Int, h: Int)

    let t: DepthwiseAxis
    let h: DepthwiseAxis
    let source: Extent3
    let target: Extent3
    let lines: Range<Int>

    /// What the row behind `row` is the first to read of the source, and its own memory in the target; nothing behind the
    /// last row.
    /// - Parameter source: where the clip begins, as `target` does in the target.
    func asked(
        after row: Row, of blocks: ChannelBlocks, source: UnsafePointer<Float>, target: UnsafePointer<Float>
    ) -> (source: AskedMemory, target: AskedMemory) {
        var asked = (source: AskedMemory.nothing(source), target: AskedMemory.nothing(target))
        // Of several blocks of channels none has its pixels in order.
        guard blocks.count == 1, let next = self.next(after: row) else { return asked }
        let (sourceLine, targetLine) = (self.source.w * blocks.pitch, self.target.w * blocks.pitch)
        if let fresh = freshSource(for: next, after: row) {
            asked.source.from += (fresh.frame * self.source.h + fresh.lines.lowerBound) * sourceLine
            asked.source.lines = fresh.lines.count * sourceLine / floatsOfLine
        }
        asked.target.from += (next.t * self.target.h + next.h) * targetLine
        asked.target.lines = targetLine / floatsOfLine
        return asked
    }

    /// What follows a row, nil behind the last.
    private func next(after row: Row) -> Row? {
        if row.h + 1 < lines.upperBound { return (row.t, row.h + 1) }
        return row.t + 1 < target.t ? (row.t + 1, lines.lowerBound) : nil
    }

    /// The lines, and their frame, that the source is first read at for `next`, the row that follows `row`: the last ones of
    /// its last frame, or all of them there where it begins a frame. Earlier rows have read the others, but for those of
    /// the first frame.
    private func freshSource(for next: Row, after row: Row) -> (frame: Int, lines: Range<Int>)? {
        let (frames, lines, seen) = (t.reach(next.t), h.reach(next.h), h.reach(row.h))
        let begin = next.t == row.t ? seen.source + seen.taps.upperBound : lines.source + lines.taps.lowerBound
        let end = lines.source + lines.taps.upperBound
        guard !frames.taps.isEmpty, begin < end else { return nil }
        return (frames.source + frames.taps.upperBound - 1, begin..<end)
    }
}

/// Memory that will be read or written, in lines of the caches that are asked for while something else is computed. Tiles
/// read pixels out of order, so that the processor does not see by itself what comes next.
struct AskedMemory {
    var from: UnsafePointer<Float>
    var lines = 0

    /// Nothing, with a pointer that nobody follows.
    static func nothing(_ somewhere: UnsafePointer<Float>) -> AskedMemory { AskedMemory(from: somewhere) }
}

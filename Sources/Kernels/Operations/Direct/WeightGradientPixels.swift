/// How the weight gradient walks over pixels: units, which are rows of the output or pieces of them, in an order that
/// keeps the input in the caches: with taps in time, the frames of a few rows before the next few rows.
struct WeightGradientPixels: Sendable {
    let shape: ConvolutionShape
    let taps: [GatherPlan.Tap]
    /// Whether a row of the kernel is one tap, as in `GatherPlan`.
    let joined: Bool
    let unitsPerChunk: Int
    private let piecesPerRow: Int
    /// Rows of a frame that are walked together.
    private let rowsTogether: Int

    /// Pixels of a chunk at most: the longest chain of f32 additions, and a panel of them stays in the first cache.
    static let chunk = 128

    init(_ s: ConvolutionShape) {
        shape = s
        taps = GatherPlan.forward(s, keepsAll: true).phases[0].taps
        joined = GatherPlan.joinsRows(s)
        piecesPerRow = (s.output.w + Self.chunk - 1) / Self.chunk
        unitsPerChunk = max(Self.chunk * piecesPerRow / s.output.w, 1)
        rowsTogether = s.kernel.t == 1 ? s.output.h : min(s.output.h, unitsPerChunk)
    }

    var unitsPerClip: Int { shape.output.t * shape.output.h * piecesPerRow }

    /// Pixels of a row of the input's copy: with one column of taps only those that it meets.
    var slotsPerRow: Int {
        joined ? shape.input.w + 2 * shape.padding.w : shape.kernel.w == 1 ? shape.output.w : shape.input.w
    }
    /// From a row of the copy to the next; likewise.
    private var rowStep: Int { shape.kernel.h == 1 ? shape.stride.h : 1 }
    private var rowsPerUnit: Int { shape.kernel.h == 1 ? 1 : shape.stride.h }

    /// Pixels of the input's copy for any chunk.
    var slots: Int {
        unitsPerChunk * shape.kernel.t * slotsPerRow * (shape.kernel.h == 1 ? 1 : max(shape.stride.h, shape.kernel.h))
    }

    /// A piece of a row of the output.
    struct Unit {
        let n: Int
        let t: Int
        let h: Int
        let piece: Int
    }

    func unit(_ number: Int) -> Unit {
        let output = shape.output
        let (clip, piece) = (number / piecesPerRow / (output.t * output.h), number % piecesPerRow)
        let row = number / piecesPerRow % (output.t * output.h)
        let band = row / (output.t * rowsTogether)
        // The last band may have fewer rows.
        let height = min(rowsTogether, output.h - band * rowsTogether)
        let inside = row - band * output.t * rowsTogether
        return Unit(n: clip, t: inside / height, h: band * rowsTogether + inside % height, piece: piece)
    }

    /// The output's columns of a unit.
    func columns(_ unit: Unit) -> Range<Int> {
        unit.piece * shape.output.w / piecesPerRow..<(unit.piece + 1) * shape.output.w / piecesPerRow
    }

    /// The output pixel that a unit begins with.
    func firstPixel(_ unit: Unit) -> Int {
        ((unit.n * shape.output.t + unit.t) * shape.output.h + unit.h) * shape.output.w + columns(unit).lowerBound
    }

    /// The output's columns that see no padding under a tap.
    private func valid(_ tap: GatherPlan.Tap) -> Range<Int> {
        if joined { return 0..<shape.output.w }
        let low = max(0, (shape.stride.w - 1 - tap.w) / shape.stride.w)
        let high = tap.w < shape.input.w ? (shape.input.w - 1 - tap.w) / shape.stride.w + 1 : 0
        return low..<max(low, min(high, shape.output.w))
    }

    /// Units of one frame, one row after the other, share the rows of the copy; this tells where that begins anew.
    private func continues(_ unit: Unit, after last: Unit) -> Bool {
        unit.n == last.n && unit.t == last.t && (unit.h == last.h || unit.h == last.h + 1)
    }

    /// The frame and the rows of units that all lie in one frame, one row after the other.
    private func frame(_ units: Range<Int>) -> (n: Int, t: Int, h: ClosedRange<Int>)? {
        let (first, last) = (unit(units.lowerBound), unit(units.upperBound - 1))
        return first.n == last.n && first.t == last.t ? (first.n, first.t, first.h...last.h) : nil
    }

    /// The input's frames that one chunk leaves in the copy for the next: with taps in time, most of them.
    private func kept(_ units: Range<Int>, after previous: Range<Int>?) -> Range<Int> {
        guard let previous, let last = frame(previous), let this = frame(units), last.n == this.n, last.h == this.h
        else { return 0..<0 }
        let first = last.t * shape.stride.t - shape.padding.t
        return first..<first + shape.kernel.t
    }

    /// Rows of the copy belong to a frame by its number, so that those that stay need not be moved.
    private func place(_ frame: Int) -> Int { (frame + shape.padding.t) % shape.kernel.t }

    /// Calls the body with each row of the copy that lies in the input, and that is not there since the previous units,
    /// which are given if the copy still holds theirs: where it begins in the copy, in pixels, the first
    /// pixel that is read, pixels from one to the next, and how many.
    func forEachRow(
        _ units: Range<Int>, after previous: Range<Int>?,
        _ body: (_ slot: Int, _ source: Int, _ step: Int, _ count: Int) -> Void
    ) {
        let single = shape.kernel.w == 1 && !joined
        let columns = single ? valid(taps[0]) : 0..<shape.input.w
        let step = single ? shape.stride.w : 1
        let offset = single ? taps[0].w + columns.lowerBound * step : 0
        let kept = kept(units, after: previous)
        forEachFrameRow(units) { row, n, t, h in
            guard !kept.contains(t) else { return }
            let source = ((n * shape.input.t + t) * shape.input.h + h) * shape.input.w + offset
            body(row * slotsPerRow + columns.lowerBound, source, step, columns.count)
        }
    }

    private func forEachFrameRow(
        _ units: Range<Int>, _ body: (_ row: Int, _ n: Int, _ t: Int, _ h: Int) -> Void
    ) {
        var (base, next) = (0, units.lowerBound)
        while next < units.upperBound {
            let first = unit(next)
            var last = first
            next += 1
            while next < units.upperBound {
                let following = unit(next)
                guard continues(following, after: last) else { break }
                last = following
                next += 1
            }
            let rows = (last.h - first.h) * rowsPerUnit + shape.kernel.h
            for dt in 0..<shape.kernel.t {
                let t = first.t * shape.stride.t - shape.padding.t + dt
                if t >= 0, t < shape.input.t {
                    for row in 0..<rows {
                        let h = first.h * shape.stride.h - shape.padding.h + row * rowStep
                        if h >= 0, h < shape.input.h { body(base + place(t) * rows + row, first.n, t, h) }
                    }
                }
            }
            base += rows * shape.kernel.t
        }
    }

    /// Lists, for each tap, the pixels whose input is no padding, as runs within a row; rows that follow one another in
    /// memory make one run.
    func listRuns(
        _ units: Range<Int>, pitch: Int, columns: Int, _ runs: UnsafeMutablePointer<Int>,
        _ counts: UnsafeMutablePointer<Int>
    ) {
        let step = pitch * (joined || shape.kernel.w > 1 ? shape.stride.w : 1)
        for (number, tap) in taps.enumerated() {
            let list = runs + number * unitsPerChunk * 3
            let valid = valid(tap)
            let dh = tap.h + shape.padding.h
            var (count, nextA, nextB) = (0, -1, -1)
            // Where the rows of the copy begin for the frame, its rows for each tap in time, and the pixels so far.
            var (base, pixels, next) = (0, 0, units.lowerBound)
            while next < units.upperBound {
                let first = unit(next)
                var last = first
                let begin = next
                next += 1
                while next < units.upperBound {
                    let following = unit(next)
                    guard continues(following, after: last) else { break }
                    last = following
                    next += 1
                }
                let rows = (last.h - first.h) * rowsPerUnit + shape.kernel.h
                let sourceT = first.t * shape.stride.t + tap.t
                for index in begin..<next {
                    let unit = unit(index)
                    let all = self.columns(unit)
                    let (low, high) = (max(valid.lowerBound, all.lowerBound), min(valid.upperBound, all.upperBound))
                    let sourceH = unit.h * shape.stride.h + tap.h
                    if low < high, sourceT >= 0, sourceT < shape.input.t, sourceH >= 0, sourceH < shape.input.h {
                        let row = base + place(sourceT) * rows + (unit.h - first.h) * rowsPerUnit + dh
                        let slot = row * slotsPerRow
                        let a =
                            (joined
                                ? slot + low * shape.stride.w
                                : shape.kernel.w == 1 ? slot + low : slot + low * shape.stride.w + tap.w) * pitch
                        let b = (pixels + low - all.lowerBound) * columns
                        if a == nextA, b == nextB {
                            list[3 * count - 1] += high - low
                        } else {
                            (list[3 * count], list[3 * count + 1], list[3 * count + 2]) = (a, b, high - low)
                            count += 1
                        }
                        (nextA, nextB) = (a + (high - low) * step, b + (high - low) * columns)
                    }
                    pixels += all.count
                }
                base += rows * shape.kernel.t
            }
            counts[number] = count
        }
    }

    /// Floats from a pixel of a run to the next.
    func step(pitch: Int) -> Int { pitch * (joined || shape.kernel.w > 1 ? shape.stride.w : 1) }
}

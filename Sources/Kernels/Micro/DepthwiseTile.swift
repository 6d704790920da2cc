internal import CIntrinsics

/// A row of a depthwise convolution, each channel on its own:
/// `target[p][c] (+)= sum over rows r and taps j of sources[r][p * sourceStep + j * pitch + c] * weights[r][j * pitch + c]`.
///
/// Up to eight pixels are summed side by side, so that a weight is loaded once for all of them and their chains of
/// additions hide each other's latency. The sum of a value has one order: rows, then taps.
/// - Parameters:
///   - channels: at least one vector. A last vector that is not full begins early.
///   - sources: for each row a pointer to its first channel, used from `sourceOffset` on.
///   - weights: for each row a pointer, used from `weightOffset` on.
///   - pitch: floats from one source pixel, or tap, to the next.
///   - sourceStep, targetStep: floats from what belongs to one target pixel to what belongs to the next.
///   - accumulate: adds to the target. Then `done` has 1 for each lane that a last vector which begins early repeats.
///   - ahead, toWrite: what will be read and written after this, so many cache lines, which are asked for.
public func depthwiseRow(
    pixels: Int, channels: Int, sources: UnsafePointer<UnsafePointer<Float>>, sourceOffset: Int,
    weights: UnsafePointer<UnsafePointer<Float>>, weightOffset: Int, rows: Int, taps: Int, pitch: Int, sourceStep: Int,
    target: UnsafeMutablePointer<Float>, targetStep: Int, accumulate: Bool, done: UnsafePointer<Float>,
    ahead: UnsafePointer<Float>, aheadLines: Int, toWrite: UnsafePointer<Float>, toWriteLines: Int
) {
    let tiles = (pixels + 7) / 8
    for tile in 0..<tiles {
        let first = tile * pixels / tiles
        let job = RowJob(
            channels: channels, sources: sources, sourceOffset: sourceOffset + first * sourceStep, weights: weights,
            weightOffset: weightOffset, rows: rows, taps: taps, pitch: pitch, sourceStep: sourceStep,
            target: target + first * targetStep, targetStep: targetStep, accumulate: accumulate, done: done,
            asked: TilePrefetch(tile, of: tiles, channels: channels, ahead, aheadLines, toWrite, toWriteLines))
        switch (tile + 1) * pixels / tiles - first {
        case 8: row8(job)
        case 7: row7(job)
        case 6: row6(job)
        case 5: row5(job)
        case 4: row4(job)
        case 3: row3(job)
        case 2: row2(job)
        default: row1(job)
        }
    }
}

private struct RowJob {
    let channels: Int
    let sources: UnsafePointer<UnsafePointer<Float>>
    let sourceOffset: Int
    let weights: UnsafePointer<UnsafePointer<Float>>
    let weightOffset: Int
    let rows: Int
    let taps: Int
    let pitch: Int
    let sourceStep: Int
    let target: UnsafeMutablePointer<Float>
    let targetStep: Int
    let accumulate: Bool
    let done: UnsafePointer<Float>
    let asked: TilePrefetch
}

/// What a tile asks for of the lines that its row is to ask for, a share with each of its vectors: in one go they would be
/// more than the processor can wait for at a time.
struct TilePrefetch {
    private var source: UnsafePointer<Float>
    private let sourceLines: Int
    private var target: UnsafePointer<Float>
    private let targetLines: Int

    @inline(__always)
    init(
        _ tile: Int, of tiles: Int, channels: Int, _ ahead: UnsafePointer<Float>, _ aheadLines: Int,
        _ toWrite: UnsafePointer<Float>, _ toWriteLines: Int
    ) {
        let parts = tiles * ((channels + lanes - 1) / lanes)
        source = ahead + tile * aheadLines / tiles * cacheLine
        target = toWrite + tile * toWriteLines / tiles * cacheLine
        sourceLines = (aheadLines + parts - 1) / parts
        targetLines = (toWriteLines + parts - 1) / parts
    }

    /// Asks for the share of one vector.
    @inline(__always)
    mutating func ask() {
        for _ in 0..<sourceLines {
            zoetrope_prefetch_later(source)
            source += cacheLine
        }
        for _ in 0..<targetLines {
            zoetrope_prefetch_written(target)
            target += cacheLine
        }
    }
}

// A function for each width: calls that differ in a number only would be merged before they are inlined.
@inline(never) private func row1(_ job: RowJob) { tile(1, job) }
@inline(never) private func row2(_ job: RowJob) { tile(2, job) }
@inline(never) private func row3(_ job: RowJob) { tile(3, job) }
@inline(never) private func row4(_ job: RowJob) { tile(4, job) }
@inline(never) private func row5(_ job: RowJob) { tile(5, job) }
@inline(never) private func row6(_ job: RowJob) { tile(6, job) }
@inline(never) private func row7(_ job: RowJob) { tile(7, job) }
@inline(never) private func row8(_ job: RowJob) { tile(8, job) }

/// All channels of `width` pixels; what lies beyond `width` is folded away.
@inline(__always)
private func tile(_ width: Int, _ job: RowJob) {
    let (rows, taps, pitch, step) = (job.rows, job.taps, job.pitch, job.sourceStep)
    let zero = Lanes(repeating: 0)
    var asked = job.asked
    var channel = 0
    while channel < job.channels {
        asked.ask()
        let isLast = channel + lanes >= job.channels
        let begin = isLast ? job.channels - lanes : channel
        var (a, b, c, d) = (zero, zero, zero, zero)
        var (e, f, g, h) = (zero, zero, zero, zero)
        for row in 0..<rows {
            var x = job.sources[row] + (job.sourceOffset + begin)
            var w = job.weights[row] + (job.weightOffset + begin)
            for _ in 0..<taps {
                let factor = w.vector()
                a = multiplyAdd(x.vector(), factor, a)
                if width > 1 { b = multiplyAdd(x.vector(step), factor, b) }
                if width > 2 { c = multiplyAdd(x.vector(2 * step), factor, c) }
                if width > 3 { d = multiplyAdd(x.vector(3 * step), factor, d) }
                if width > 4 { e = multiplyAdd(x.vector(4 * step), factor, e) }
                if width > 5 { f = multiplyAdd(x.vector(5 * step), factor, f) }
                if width > 6 { g = multiplyAdd(x.vector(6 * step), factor, g) }
                if width > 7 { h = multiplyAdd(x.vector(7 * step), factor, h) }
                x += pitch
                w += pitch
            }
        }
        let masks = job.accumulate && begin < channel
        putRow(width, job.target + begin, job.targetStep, job.accumulate, masks, job.done, a, b, c, d, e, f, g, h)
        channel += lanes
    }
}

@inline(__always)
func putRow(
    _ width: Int, _ y: UnsafeMutablePointer<Float>, _ step: Int, _ accumulate: Bool, _ masks: Bool,
    _ done: UnsafePointer<Float>, _ a: Lanes, _ b: Lanes, _ c: Lanes, _ d: Lanes, _ e: Lanes, _ f: Lanes, _ g: Lanes,
    _ h: Lanes
) {
    putPixel(y, 0, accumulate, masks, done, a)
    if width > 1 { putPixel(y, step, accumulate, masks, done, b) }
    if width > 2 { putPixel(y, 2 * step, accumulate, masks, done, c) }
    if width > 3 { putPixel(y, 3 * step, accumulate, masks, done, d) }
    if width > 4 { putPixel(y, 4 * step, accumulate, masks, done, e) }
    if width > 5 { putPixel(y, 5 * step, accumulate, masks, done, f) }
    if width > 6 { putPixel(y, 6 * step, accumulate, masks, done, g) }
    if width > 7 { putPixel(y, 7 * step, accumulate, masks, done, h) }
}

/// Writes a vector, or adds it, but for lanes that were added before.
@inline(__always)
func putPixel(
    _ y: UnsafeMutablePointer<Float>, _ offset: Int, _ accumulate: Bool, _ masks: Bool, _ done: UnsafePointer<Float>,
    _ value: Lanes
) {
    guard accumulate else { return y.set(offset, value) }
    let old = y.vector(offset)
    let sum = old + value
    y.set(offset, masks ? sum.replacing(with: old, where: done.vector() .> Lanes(repeating: 0)) : sum)
}

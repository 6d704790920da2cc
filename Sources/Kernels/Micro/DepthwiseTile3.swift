/// `depthwiseRow` for three taps next to each other and target pixels next to each other: what is loaded serves three
/// pixels.
/// - Parameters:
///   - sourceOffset: where the middle tap of the first pixel reads.
///   - left, right: the first tap of the first pixel, or the last of the last, lies in the padding and is not read.
public func depthwiseRow3(
    pixels: Int, channels: Int, sources: UnsafePointer<UnsafePointer<Float>>, sourceOffset: Int,
    weights: UnsafePointer<UnsafePointer<Float>>, weightOffset: Int, rows: Int, left: Bool, right: Bool, pitch: Int,
    target: UnsafeMutablePointer<Float>, targetStep: Int, accumulate: Bool, done: UnsafePointer<Float>,
    ahead: UnsafePointer<Float>, aheadLines: Int, toWrite: UnsafePointer<Float>, toWriteLines: Int
) {
    let tiles = (pixels + 7) / 8
    for tile in 0..<tiles {
        let first = tile * pixels / tiles
        let job = RowJob3(
            channels: channels, sources: sources, sourceOffset: sourceOffset + first * pitch, weights: weights,
            weightOffset: weightOffset, rows: rows, left: left && tile == 0, right: right && tile == tiles - 1,
            pitch: pitch, target: target + first * targetStep, targetStep: targetStep, accumulate: accumulate,
            done: done,
            asked: TilePrefetch(tile, of: tiles, channels: channels, ahead, aheadLines, toWrite, toWriteLines))
        switch (tile + 1) * pixels / tiles - first {
        case 8: threeTaps8(job)
        case 7: threeTaps7(job)
        case 6: threeTaps6(job)
        case 5: threeTaps5(job)
        case 4: threeTaps4(job)
        case 3: threeTaps3(job)
        case 2: threeTaps2(job)
        default: threeTaps1(job)
        }
    }
}

private struct RowJob3 {
    let channels: Int
    let sources: UnsafePointer<UnsafePointer<Float>>
    let sourceOffset: Int
    let weights: UnsafePointer<UnsafePointer<Float>>
    let weightOffset: Int
    let rows: Int
    let left: Bool
    let right: Bool
    let pitch: Int
    let target: UnsafeMutablePointer<Float>
    let targetStep: Int
    let accumulate: Bool
    let done: UnsafePointer<Float>
    let asked: TilePrefetch
}

// A function for each width: calls that differ in a number only would be merged before they are inlined.
@inline(never) private func threeTaps1(_ job: RowJob3) { tile(1, job) }
@inline(never) private func threeTaps2(_ job: RowJob3) { tile(2, job) }
@inline(never) private func threeTaps3(_ job: RowJob3) { tile(3, job) }
@inline(never) private func threeTaps4(_ job: RowJob3) { tile(4, job) }
@inline(never) private func threeTaps5(_ job: RowJob3) { tile(5, job) }
@inline(never) private func threeTaps6(_ job: RowJob3) { tile(6, job) }
@inline(never) private func threeTaps7(_ job: RowJob3) { tile(7, job) }
@inline(never) private func threeTaps8(_ job: RowJob3) { tile(8, job) }

/// All channels of `width` pixels. Each pixel's three products follow each other, so that few of the inputs live at once.
@inline(__always)
private func tile(_ width: Int, _ job: RowJob3) {
    let (rows, pitch, left, right) = (job.rows, job.pitch, job.left, job.right)
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
            let x = job.sources[row] + (job.sourceOffset + begin)
            let w = job.weights[row] + (job.weightOffset + begin)
            let (u, v, z) = (w.vector(), w.vector(pitch), w.vector(2 * pitch))
            let x0 = left ? zero : x.vector(-pitch)
            let x1 = x.vector()
            let x2 = width == 1 && right ? zero : x.vector(pitch)
            a = multiplyAdd(x2, z, multiplyAdd(x1, v, multiplyAdd(x0, u, a)))
            guard width > 1 else { continue }
            let x3 = width == 2 && right ? zero : x.vector(2 * pitch)
            b = multiplyAdd(x3, z, multiplyAdd(x2, v, multiplyAdd(x1, u, b)))
            guard width > 2 else { continue }
            let x4 = width == 3 && right ? zero : x.vector(3 * pitch)
            c = multiplyAdd(x4, z, multiplyAdd(x3, v, multiplyAdd(x2, u, c)))
            guard width > 3 else { continue }
            let x5 = width == 4 && right ? zero : x.vector(4 * pitch)
            d = multiplyAdd(x5, z, multiplyAdd(x4, v, multiplyAdd(x3, u, d)))
            guard width > 4 else { continue }
            let x6 = width == 5 && right ? zero : x.vector(5 * pitch)
            e = multiplyAdd(x6, z, multiplyAdd(x5, v, multiplyAdd(x4, u, e)))
            guard width > 5 else { continue }
            let x7 = width == 6 && right ? zero : x.vector(6 * pitch)
            f = multiplyAdd(x7, z, multiplyAdd(x6, v, multiplyAdd(x5, u, f)))
            guard width > 6 else { continue }
            let x8 = width == 7 && right ? zero : x.vector(7 * pitch)
            g = multiplyAdd(x8, z, multiplyAdd(x7, v, multiplyAdd(x6, u, g)))
            guard width > 7 else { continue }
            let x9 = right ? zero : x.vector(8 * pitch)
            h = multiplyAdd(x9, z, multiplyAdd(x8, v, multiplyAdd(x7, u, h)))
        }
        let masks = job.accumulate && begin < channel
        putRow(width, job.target + begin, job.targetStep, job.accumulate, masks, job.done, a, b, c, d, e, f, g, h)
        channel += lanes
    }
}

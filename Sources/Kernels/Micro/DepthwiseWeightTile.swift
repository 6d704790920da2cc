internal import CIntrinsics

/// The gradient of depthwise weights along a row of output pixels: for each of `count` taps i,
/// `sums[i][c] += sum over p of sources[i][p * sourceStep + c] * dy[p * dyStep + c]`.
/// - Parameters:
///   - channels: at least one vector. A last vector that is not full begins early.
///   - sources: for each tap a pointer, used from `sourceOffset` on.
///   - sums: for each tap a pointer to whole vectors; the last of them repeats channels where it began early.
public func depthwiseWeights(
    pixels: Int, channels: Int, sources: UnsafePointer<UnsafePointer<Float>>, sourceOffset: Int,
    sums: UnsafePointer<UnsafeMutablePointer<Float>>, count: Int, sourceStep: Int, dy: UnsafePointer<Float>,
    dyStep: Int
) {
    let tiles = (count + 7) / 8
    for tile in 0..<tiles {
        let first = tile * count / tiles
        let job = TapJob(
            pixels: pixels, channels: channels, sources: sources + first, sourceOffset: sourceOffset,
            sums: sums + first, sourceStep: sourceStep, dy: dy, dyStep: dyStep)
        switch (tile + 1) * count / tiles - first {
        case 8: taps8(job)
        case 7: taps7(job)
        case 6: taps6(job)
        case 5: taps5(job)
        case 4: taps4(job)
        case 3: taps3(job)
        case 2: taps2(job)
        default: taps1(job)
        }
    }
}

private struct TapJob {
    let pixels: Int
    let channels: Int
    let sources: UnsafePointer<UnsafePointer<Float>>
    let sourceOffset: Int
    let sums: UnsafePointer<UnsafeMutablePointer<Float>>
    let sourceStep: Int
    let dy: UnsafePointer<Float>
    let dyStep: Int
}

// A function for each width: calls that differ in a number only would be merged before they are inlined.
@inline(never) private func taps1(_ job: TapJob) { allChannels(1, job) }
@inline(never) private func taps2(_ job: TapJob) { allChannels(2, job) }
@inline(never) private func taps3(_ job: TapJob) { allChannels(3, job) }
@inline(never) private func taps4(_ job: TapJob) { allChannels(4, job) }
@inline(never) private func taps5(_ job: TapJob) { allChannels(5, job) }
@inline(never) private func taps6(_ job: TapJob) { allChannels(6, job) }
@inline(never) private func taps7(_ job: TapJob) { allChannels(7, job) }
@inline(never) private func taps8(_ job: TapJob) { allChannels(8, job) }

@inline(__always)
private func allChannels(_ width: Int, _ job: TapJob) {
    let vectors = (job.channels + lanes - 1) / lanes
    for vector in 0..<vectors {
        let to = vector * lanes
        let c = to + lanes > job.channels ? job.channels - lanes : to
        tapTile(
            width, job.pixels, job.sources, job.sourceOffset + c, job.sums, to, job.sourceStep, job.dy + c, job.dyStep)
    }
}

/// One vector of channels of `width` taps; what lies beyond `width` is folded away.
@inline(__always)
private func tapTile(
    _ width: Int, _ pixels: Int, _ sources: UnsafePointer<UnsafePointer<Float>>, _ offset: Int,
    _ sums: UnsafePointer<UnsafeMutablePointer<Float>>, _ to: Int, _ step: Int, _ dy: UnsafePointer<Float>,
    _ dyStep: Int
) {
    let zero = Lanes(repeating: 0)
    var (a, b, c, d) = (zero, zero, zero, zero)
    var (e, f, g, h) = (zero, zero, zero, zero)
    // Taps beyond the width are never read through.
    let s0 = sources[0] + offset
    let s1 = width > 1 ? sources[1] + offset : s0
    let s2 = width > 2 ? sources[2] + offset : s0
    let s3 = width > 3 ? sources[3] + offset : s0
    let s4 = width > 4 ? sources[4] + offset : s0
    let s5 = width > 5 ? sources[5] + offset : s0
    let s6 = width > 6 ? sources[6] + offset : s0
    let s7 = width > 7 ? sources[7] + offset : s0
    var (x, g0) = (0, dy)
    for _ in 0..<pixels {
        let factor = g0.vector()
        a = multiplyAdd(s0.vector(x), factor, a)
        if width > 1 { b = multiplyAdd(s1.vector(x), factor, b) }
        if width > 2 { c = multiplyAdd(s2.vector(x), factor, c) }
        if width > 3 { d = multiplyAdd(s3.vector(x), factor, d) }
        if width > 4 { e = multiplyAdd(s4.vector(x), factor, e) }
        if width > 5 { f = multiplyAdd(s5.vector(x), factor, f) }
        if width > 6 { g = multiplyAdd(s6.vector(x), factor, g) }
        if width > 7 { h = multiplyAdd(s7.vector(x), factor, h) }
        x += step
        g0 += dyStep
    }
    addTo(sums[0] + to, a)
    if width > 1 { addTo(sums[1] + to, b) }
    if width > 2 { addTo(sums[2] + to, c) }
    if width > 3 { addTo(sums[3] + to, d) }
    if width > 4 { addTo(sums[4] + to, e) }
    if width > 5 { addTo(sums[5] + to, f) }
    if width > 6 { addTo(sums[6] + to, g) }
    if width > 7 { addTo(sums[7] + to, h) }
}

@inline(__always)
private func addTo(_ sum: UnsafeMutablePointer<Float>, _ value: Lanes) { sum.set(0, sum.vector() + value) }

/// `depthwiseWeights` for three taps along W at stride 1 with one zero of padding on either side, and for 1 to 3 rows of
/// the kernel: what is loaded of `x` serves three taps, and taps in the padding meet no pixel.
/// - Parameters:
///   - pixels: of the whole row, as many of `x` as of `dy`, `pitch` floats apart.
///   - sums: for each row of the kernel a pointer to its three taps, `sumPitch` floats apart.
///   - ahead: what will be read after this, so many cache lines, which are asked for, one with each pixel.
public func depthwiseWeights3(
    pixels: Int, channels: Int, sources: UnsafePointer<UnsafePointer<Float>>,
    sums: UnsafePointer<UnsafeMutablePointer<Float>>, sumPitch: Int, rows: Int, pitch: Int, dy: UnsafePointer<Float>,
    ahead: UnsafePointer<Float>, aheadLines: Int
) {
    let job = RowTapsJob(
        pixels: pixels, channels: channels, sources: sources, sums: sums, sumPitch: sumPitch, pitch: pitch, dy: dy,
        ahead: ahead, aheadLines: aheadLines)
    switch rows {
    case 3: threeRows(job)
    case 2: twoRows(job)
    default: oneRow(job)
    }
}

private struct RowTapsJob {
    let pixels: Int
    let channels: Int
    let sources: UnsafePointer<UnsafePointer<Float>>
    let sums: UnsafePointer<UnsafeMutablePointer<Float>>
    let sumPitch: Int
    let pitch: Int
    let dy: UnsafePointer<Float>
    let ahead: UnsafePointer<Float>
    let aheadLines: Int
}

@inline(never) private func oneRow(_ job: RowTapsJob) { allChannels(1, job) }
@inline(never) private func twoRows(_ job: RowTapsJob) { allChannels(2, job) }
@inline(never) private func threeRows(_ job: RowTapsJob) { allChannels(3, job) }

@inline(__always)
private func allChannels(_ rows: Int, _ job: RowTapsJob) {
    let vectors = (job.channels + lanes - 1) / lanes
    for vector in 0..<vectors {
        let to = vector * lanes
        let c = to + lanes > job.channels ? job.channels - lanes : to
        let (first, end) = (vector * job.aheadLines / vectors, (vector + 1) * job.aheadLines / vectors)
        tapTile3(
            rows, job.pixels, job.sources, job.sums, to, job.sumPitch, c, job.pitch, job.dy,
            job.ahead + first * cacheLine, end - first)
    }
}

@inline(__always)
private func tapTile3(
    _ rows: Int, _ pixels: Int, _ sources: UnsafePointer<UnsafePointer<Float>>,
    _ sums: UnsafePointer<UnsafeMutablePointer<Float>>, _ to: Int, _ sumPitch: Int, _ c: Int, _ pitch: Int,
    _ dy: UnsafePointer<Float>, _ ahead: UnsafePointer<Float>, _ aheadLines: Int
) {
    let zero = Lanes(repeating: 0)
    var (a0, a1, a2) = (zero, zero, zero)
    var (b0, b1, b2) = (zero, zero, zero)
    var (c0, c1, c2) = (zero, zero, zero)
    let s0 = sources[0] + c
    let s1 = rows > 1 ? sources[1] + c : s0
    let s2 = rows > 2 ? sources[2] + c : s0
    var next = dy + c
    var (before, here) = (zero, next.vector())
    var x = 0
    for pixel in 0..<pixels {
        if pixel < aheadLines { zoetrope_prefetch_later(ahead + pixel * cacheLine) }
        next += pitch
        let after = pixel + 1 < pixels ? next.vector() : zero
        let x0 = s0.vector(x)
        a0 = multiplyAdd(x0, after, a0)
        a1 = multiplyAdd(x0, here, a1)
        a2 = multiplyAdd(x0, before, a2)
        if rows > 1 {
            let x1 = s1.vector(x)
            b0 = multiplyAdd(x1, after, b0)
            b1 = multiplyAdd(x1, here, b1)
            b2 = multiplyAdd(x1, before, b2)
        }
        if rows > 2 {
            let x2 = s2.vector(x)
            c0 = multiplyAdd(x2, after, c0)
            c1 = multiplyAdd(x2, here, c1)
            c2 = multiplyAdd(x2, before, c2)
        }
        before = here
        here = after
        x += pitch
    }
    addThree(sums[0] + to, sumPitch, a0, a1, a2)
    if rows > 1 { addThree(sums[1] + to, sumPitch, b0, b1, b2) }
    if rows > 2 { addThree(sums[2] + to, sumPitch, c0, c1, c2) }
}

@inline(__always)
private func addThree(_ sum: UnsafeMutablePointer<Float>, _ pitch: Int, _ a: Lanes, _ b: Lanes, _ c: Lanes) {
    addTo(sum, a)
    addTo(sum + pitch, b)
    addTo(sum + 2 * pitch, c)
}

/// Adds sums of a few hundred products to those of all, and begins them anew.
public func moveSums(count: Int, from: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Double>) {
    for i in 0..<count {
        to[i] += Double(from[i])
        from[i] = 0
    }
}

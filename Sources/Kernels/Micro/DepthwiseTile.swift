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
///   - accumulate: adds to the target. Then `done` has 1 for each lane of the last vector that the one before holds.
public func depthwiseRow(
    pixels: Int, channels: Int, sources: UnsafePointer<UnsafePointer<Float>>, sourceOffset: Int,
    weights: UnsafePointer<UnsafePointer<Float>>, weightOffset: Int, rows: Int, taps: Int, pitch: Int, sourceStep: Int,
    target: UnsafeMutablePointer<Float>, targetStep: Int, accumulate: Bool, done: UnsafePointer<Float>
) {
    let (tiles, step) = ((pixels + 7) / 8, sourceStep)
    for tile in 0..<tiles {
        let first = tile * pixels / tiles
        let count = (tile + 1) * pixels / tiles - first
        let from = sourceOffset + first * step
        let to = target + first * targetStep
        var c = 0
        while true {
            let (s, w) = (from + c, weightOffset + c)
            let y = to + c
            let last = c + lanes > channels - 1
            let (adds, masks, next) = (accumulate, accumulate && last, targetStep)
            switch count {
            case 8:
                rowTile(8, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            case 7:
                rowTile(7, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            case 6:
                rowTile(6, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            case 5:
                rowTile(5, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            case 4:
                rowTile(4, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            case 3:
                rowTile(3, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            case 2:
                rowTile(2, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            default:
                rowTile(1, sources, s, weights, w, rows, taps, pitch, step, y, next, adds, masks, done)
            }
            if last { break }
            c = c + 2 * lanes > channels ? channels - lanes : c + lanes
        }
    }
}

/// `depthwiseRow` for three taps next to each other and target pixels next to each other: what is loaded serves three
/// pixels.
/// - Parameters:
///   - sourceOffset: where the middle tap of the first pixel reads.
///   - left, right: the first tap of the first pixel, or the last of the last, lies in the padding and is not read.
public func depthwiseRow3(
    pixels: Int, channels: Int, sources: UnsafePointer<UnsafePointer<Float>>, sourceOffset: Int,
    weights: UnsafePointer<UnsafePointer<Float>>, weightOffset: Int, rows: Int, left: Bool, right: Bool, pitch: Int,
    target: UnsafeMutablePointer<Float>, targetStep: Int, accumulate: Bool, done: UnsafePointer<Float>
) {
    let tiles = (pixels + 7) / 8
    for tile in 0..<tiles {
        let first = tile * pixels / tiles
        let count = (tile + 1) * pixels / tiles - first
        let from = sourceOffset + first * pitch
        let to = target + first * targetStep
        let l = left && tile == 0
        let r = right && tile == tiles - 1
        var c = 0
        while true {
            let (s, w) = (from + c, weightOffset + c)
            let y = to + c
            let last = c + lanes > channels - 1
            let (adds, masks, next) = (accumulate, accumulate && last, targetStep)
            switch count {
            case 8: rowTile3(8, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            case 7: rowTile3(7, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            case 6: rowTile3(6, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            case 5: rowTile3(5, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            case 4: rowTile3(4, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            case 3: rowTile3(3, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            case 2: rowTile3(2, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            default: rowTile3(1, sources, s, weights, w, rows, l, r, pitch, y, next, adds, masks, done)
            }
            if last { break }
            c = c + 2 * lanes > channels ? channels - lanes : c + lanes
        }
    }
}

/// One vector of channels of `width` pixels; what lies beyond `width` is folded away.
@inline(__always)
private func rowTile(
    _ width: Int, _ sources: UnsafePointer<UnsafePointer<Float>>, _ sourceOffset: Int,
    _ weights: UnsafePointer<UnsafePointer<Float>>, _ weightOffset: Int, _ rows: Int, _ taps: Int, _ pitch: Int,
    _ step: Int, _ y: UnsafeMutablePointer<Float>, _ targetStep: Int, _ accumulate: Bool, _ masks: Bool,
    _ done: UnsafePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    var (a, b, c, d) = (zero, zero, zero, zero)
    var (e, f, g, h) = (zero, zero, zero, zero)
    for row in 0..<rows {
        var x = sources[row] + sourceOffset
        var w = weights[row] + weightOffset
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
    putRow(width, y, targetStep, accumulate, masks, done, a, b, c, d, e, f, g, h)
}

/// The same for three taps; each pixel's three products follow each other, so that few of the inputs live at once.
@inline(__always)
private func rowTile3(
    _ width: Int, _ sources: UnsafePointer<UnsafePointer<Float>>, _ sourceOffset: Int,
    _ weights: UnsafePointer<UnsafePointer<Float>>, _ weightOffset: Int, _ rows: Int, _ left: Bool, _ right: Bool,
    _ pitch: Int, _ y: UnsafeMutablePointer<Float>, _ targetStep: Int, _ accumulate: Bool, _ masks: Bool,
    _ done: UnsafePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    var (a, b, c, d) = (zero, zero, zero, zero)
    var (e, f, g, h) = (zero, zero, zero, zero)
    for row in 0..<rows {
        let x = sources[row] + sourceOffset
        let w = weights[row] + weightOffset
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
    putRow(width, y, targetStep, accumulate, masks, done, a, b, c, d, e, f, g, h)
}

@inline(__always)
private func putRow(
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
private func putPixel(
    _ y: UnsafeMutablePointer<Float>, _ offset: Int, _ accumulate: Bool, _ masks: Bool, _ done: UnsafePointer<Float>,
    _ value: Lanes
) {
    guard accumulate else { return y.set(offset, value) }
    let old = y.vector(offset)
    let sum = old + value
    y.set(offset, masks ? sum.replacing(with: old, where: done.vector() .> Lanes(repeating: 0)) : sum)
}

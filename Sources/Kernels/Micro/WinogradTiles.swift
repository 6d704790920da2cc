internal import CIntrinsics

// Transforms of whole tiles, one vector of channels after another. A tile in space is a patch of 6 x 6 inputs or 4 x 4
// outputs and has 36 points; a tile in time is a line of 6 or 4 and has 6. `pitch` is floats from one point to the next.

/// Where the vectors of a pixel's channels lie: vector v begins at channel `min(v * lanes, channels - lanes)`, so that
/// the last one is full and repeats what the one before holds; in the transformed tile at `start(v)`.
///
/// `grouped`: each vector of the tile has a place of its own, `groupPitch` floats from the one before. Else they lie as
/// in the pixel.
@inline(__always)
func start(_ v: Int, _ channels: Int) -> Int { v * lanes < channels - lanes ? v * lanes : channels - lanes }

@inline(__always)
private func place(_ v: Int, _ channels: Int, _ groupPitch: Int) -> Int {
    groupPitch == 0 ? start(v, channels) : v * groupPitch
}

/// What a convolution reads: the value itself, or `relu(x * factor + offset)` as `normalise` computes it.
@inline(__always)
func read(
    _ x: UnsafePointer<Float>, _ at: Int, _ normalises: Bool, _ factor: Lanes, _ offset: Lanes
) -> Lanes {
    let value = x.vector(at)
    guard normalises else { return value }
    let zero = Lanes(repeating: 0)
    let normal = multiplyAdd(value, factor, offset)
    return zero.replacing(with: normal, where: normal .> zero)
}

@inline(__always)
private func prefetch(_ pixels: UnsafePointer<UnsafePointer<Float>>, _ count: Int, _ at: Int) {
    for pixel in 0..<count { zoetrope_prefetch(pixels[pixel] + at) }
}

/// The pixels of a patch in space but for its first two columns: these are the last two of the patch before, mostly.
@inline(__always)
private func prefetchPatch(_ pixels: UnsafePointer<UnsafePointer<Float>>, _ at: Int) {
    for row in 0..<6 { prefetch(pixels + 6 * row + 2, 4, at) }
}

@inline(__always)
private func six(_ p: UnsafePointer<Float>, _ at: Int, _ pitch: Int) -> Six {
    (
        p.vector(at), p.vector(at + pitch), p.vector(at + 2 * pitch), p.vector(at + 3 * pitch),
        p.vector(at + 4 * pitch), p.vector(at + 5 * pitch)
    )
}

@inline(__always)
private func set(_ p: UnsafeMutablePointer<Float>, _ at: Int, _ pitch: Int, _ v: Six) {
    p.set(at, v.0)
    p.set(at + pitch, v.1)
    p.set(at + 2 * pitch, v.2)
    p.set(at + 3 * pitch, v.3)
    p.set(at + 4 * pitch, v.4)
    p.set(at + 5 * pitch, v.5)
}

/// Transforms the inputs of one tile: 36 pixels in rows of 6 (`space`), or 6.
/// - Parameters:
///   - pixels: pointers to `channels` values each, at least `vectorLanes()`.
///   - ahead: the pixels of the next tile, which are asked for.
///   - factor, offset: of the normalisation that comes first, or nil.
///   - work: 36 vectors.
///   - to: where the tile's first point goes; `groupPitch` as above.
public func winogradInput(
    space: Bool, pixels: UnsafePointer<UnsafePointer<Float>>, ahead: UnsafePointer<UnsafePointer<Float>>,
    channels: Int, factor: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, work: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>, pitch: Int,
    groupPitch: Int
) {
    let vectors = (channels + lanes - 1) / lanes
    for v in 0..<vectors {
        let (at, target) = (start(v, channels), to + place(v, channels, groupPitch))
        if space { prefetchPatch(ahead, at) } else { prefetch(ahead, 6, at) }
        if let factor, let offset {
            let (f, o) = (factor.vector(at), offset.vector(at))
            if space {
                inputInSpace(pixels, at, true, f, o, work, target, pitch)
            } else {
                inputInTime(pixels, at, true, f, o, target, pitch)
            }
        } else {
            let zero = Lanes(repeating: 0)
            if space {
                inputInSpace(pixels, at, false, zero, zero, work, target, pitch)
            } else {
                inputInTime(pixels, at, false, zero, zero, target, pitch)
            }
        }
    }
}

@inline(__always)
private func inputInTime(
    _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ normalises: Bool, _ f: Lanes, _ o: Lanes,
    _ to: UnsafeMutablePointer<Float>, _ pitch: Int
) {
    let x = (
        read(p[0], at, normalises, f, o), read(p[1], at, normalises, f, o), read(p[2], at, normalises, f, o),
        read(p[3], at, normalises, f, o), read(p[4], at, normalises, f, o), read(p[5], at, normalises, f, o)
    )
    set(to, 0, pitch, pointsOfInput(x))
}

@inline(__always)
private func inputInSpace(
    _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ normalises: Bool, _ f: Lanes, _ o: Lanes,
    _ work: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ pitch: Int
) {
    for column in 0..<6 {
        set(work, column * lanes, 6 * lanes, pointsOfInput(inputColumn(p + column, at, normalises, f, o)))
    }
    for row in 0..<6 {
        set(to, row * 6 * pitch, pitch, pointsOfInput(six(UnsafePointer(work), row * 6 * lanes, lanes)))
    }
}

/// Transforms the gradients of the 4 outputs of one tile in time to 6 points. As `winogradInput`, each vector of the tile
/// in a place of its own.
public func winogradGradientInTime(
    pixels: UnsafePointer<UnsafePointer<Float>>, ahead: UnsafePointer<UnsafePointer<Float>>, channels: Int,
    to: UnsafeMutablePointer<Float>, pitch: Int
) {
    let vectors = (channels + lanes - 1) / lanes
    for v in 0..<vectors {
        let at = start(v, channels)
        prefetch(ahead, 4, at)
        let y = (pixels[0].vector(at), pixels[1].vector(at), pixels[2].vector(at), pixels[3].vector(at))
        set(to + v * lanes, 0, pitch, pointsOfGradient(y))
    }
}

/// Of a tile in space the points of two rows: 0 and 5 (`pair` 0), 1 and 2, or 3 and 4; twelve points, the first row's
/// before the second's. What is between the two transforms stays in registers. As `winogradInput`, each vector of the
/// tile in a place of its own.
public func winogradInputRows(
    pair: Int, pixels: UnsafePointer<UnsafePointer<Float>>, ahead: UnsafePointer<UnsafePointer<Float>>, channels: Int,
    factor: UnsafePointer<Float>?, offset: UnsafePointer<Float>?, to: UnsafeMutablePointer<Float>, pitch: Int
) {
    let vectors = (channels + lanes - 1) / lanes
    for v in 0..<vectors {
        let at = start(v, channels)
        prefetchPatch(ahead, at)
        let target = to + v * lanes
        if let factor, let offset {
            let (f, o) = (factor.vector(at), offset.vector(at))
            switch pair {
            case 0: inputRows(0, pixels, at, true, f, o, target, pitch)
            case 1: inputRows(1, pixels, at, true, f, o, target, pitch)
            default: inputRows(2, pixels, at, true, f, o, target, pitch)
            }
        } else {
            let zero = Lanes(repeating: 0)
            switch pair {
            case 0: inputRows(0, pixels, at, false, zero, zero, target, pitch)
            case 1: inputRows(1, pixels, at, false, zero, zero, target, pitch)
            default: inputRows(2, pixels, at, false, zero, zero, target, pitch)
            }
        }
    }
}

@inline(__always)
private func inputRows(
    _ pair: Int, _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ normalises: Bool, _ f: Lanes, _ o: Lanes,
    _ to: UnsafeMutablePointer<Float>, _ pitch: Int
) {
    let c0 = pointsOfInput(inputColumn(p, at, normalises, f, o), pair: pair)
    let c1 = pointsOfInput(inputColumn(p + 1, at, normalises, f, o), pair: pair)
    let c2 = pointsOfInput(inputColumn(p + 2, at, normalises, f, o), pair: pair)
    let c3 = pointsOfInput(inputColumn(p + 3, at, normalises, f, o), pair: pair)
    let c4 = pointsOfInput(inputColumn(p + 4, at, normalises, f, o), pair: pair)
    let c5 = pointsOfInput(inputColumn(p + 5, at, normalises, f, o), pair: pair)
    set(to, 0, pitch, pointsOfInput((c0.0, c1.0, c2.0, c3.0, c4.0, c5.0)))
    set(to, 6 * pitch, pitch, pointsOfInput((c0.1, c1.1, c2.1, c3.1, c4.1, c5.1)))
}

@inline(__always)
private func inputColumn(
    _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ normalises: Bool, _ f: Lanes, _ o: Lanes
) -> Six {
    (
        read(p[0], at, normalises, f, o), read(p[6], at, normalises, f, o), read(p[12], at, normalises, f, o),
        read(p[18], at, normalises, f, o), read(p[24], at, normalises, f, o), read(p[30], at, normalises, f, o)
    )
}

/// Of a tile's gradient the points of two rows, as `winogradInputRows`.
public func winogradGradientRows(
    pair: Int, pixels: UnsafePointer<UnsafePointer<Float>>, ahead: UnsafePointer<UnsafePointer<Float>>, channels: Int,
    to: UnsafeMutablePointer<Float>, pitch: Int
) {
    let vectors = (channels + lanes - 1) / lanes
    for v in 0..<vectors {
        let at = start(v, channels)
        prefetch(ahead, 16, at)
        switch pair {
        case 0: gradientRows(0, pixels, at, to + v * lanes, pitch)
        case 1: gradientRows(1, pixels, at, to + v * lanes, pitch)
        default: gradientRows(2, pixels, at, to + v * lanes, pitch)
        }
    }
}

@inline(__always)
private func gradientRows(
    _ pair: Int, _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ to: UnsafeMutablePointer<Float>, _ pitch: Int
) {
    let c0 = pointsOfGradient(gradientColumn(p, at), pair: pair)
    let c1 = pointsOfGradient(gradientColumn(p + 1, at), pair: pair)
    let c2 = pointsOfGradient(gradientColumn(p + 2, at), pair: pair)
    let c3 = pointsOfGradient(gradientColumn(p + 3, at), pair: pair)
    set(to, 0, pitch, pointsOfGradient((c0.0, c1.0, c2.0, c3.0)))
    set(to, 6 * pitch, pitch, pointsOfGradient((c0.1, c1.1, c2.1, c3.1)))
}

@inline(__always)
private func gradientColumn(_ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int) -> Four {
    (p[0].vector(at), p[4].vector(at), p[8].vector(at), p[12].vector(at))
}

/// Transforms the points of one tile to its outputs: 16 pixels in rows of 4 (`space`), or 4.
/// - Parameters:
///   - from: the tile's first point, vectors of channels side by side, filled up to whole vectors.
///   - pixels: pointers to `channels` values each from `at` on, written, or added to when `accumulate`.
///   - work: 40 vectors.
public func winogradOutput(
    space: Bool, from: UnsafePointer<Float>, pitch: Int, channels: Int,
    pixels: UnsafePointer<UnsafeMutablePointer<Float>>, at: Int, accumulate: Bool,
    work: UnsafeMutablePointer<Float>
) {
    var channel = 0
    while channel < channels {
        let y = work + 24 * lanes
        if space {
            for column in 0..<6 {
                let m = six(from, channel + column * pitch, 6 * pitch)
                let four = outputsOfPoints(m)
                work.set(column * lanes, four.0)
                work.set((6 + column) * lanes, four.1)
                work.set((12 + column) * lanes, four.2)
                work.set((18 + column) * lanes, four.3)
            }
            for row in 0..<4 {
                let four = outputsOfPoints(six(UnsafePointer(work), row * 6 * lanes, lanes))
                put(four, pixels + 4 * row, at + channel, channels - channel, accumulate, y)
            }
        } else {
            put(outputsOfPoints(six(from, channel, pitch)), pixels, at + channel, channels - channel, accumulate, y)
        }
        channel += lanes
    }
}

/// Writes four pixels, or adds to them; where fewer than a vector of channels are left, one by one.
@inline(__always)
func put(
    _ y: Four, _ pixels: UnsafePointer<UnsafeMutablePointer<Float>>, _ at: Int, _ left: Int, _ accumulate: Bool,
    _ work: UnsafeMutablePointer<Float>
) {
    let (p0, p1, p2, p3) = (pixels[0] + at, pixels[1] + at, pixels[2] + at, pixels[3] + at)
    if left >= lanes {
        p0.set(0, accumulate ? p0.vector() + y.0 : y.0)
        p1.set(0, accumulate ? p1.vector() + y.1 : y.1)
        p2.set(0, accumulate ? p2.vector() + y.2 : y.2)
        p3.set(0, accumulate ? p3.vector() + y.3 : y.3)
        return
    }
    work.set(0, y.0)
    work.set(lanes, y.1)
    work.set(2 * lanes, y.2)
    work.set(3 * lanes, y.3)
    for i in 0..<left {
        p0[i] = accumulate ? p0[i] + work[i] : work[i]
        p1[i] = accumulate ? p1[i] + work[lanes + i] : work[lanes + i]
        p2[i] = accumulate ? p2[i] + work[2 * lanes + i] : work[2 * lanes + i]
        p3[i] = accumulate ? p3[i] + work[3 * lanes + i] : work[3 * lanes + i]
    }
}

/// Asks for the cache lines of `vectors` vectors from `at` on behind each of some pointers, which will be written.
public func prefetchPixels(
    count: Int, pixels: UnsafePointer<UnsafeMutablePointer<Float>>, at: Int, vectors: Int
) {
    for pixel in 0..<count {
        for vector in 0..<vectors { zoetrope_prefetch_written(UnsafePointer(pixels[pixel]) + at + vector * lanes) }
    }
}

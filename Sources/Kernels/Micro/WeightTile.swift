internal import CIntrinsics

/// A tile of the gradient of the weights: `c[row][column] (+)= sum over pixels of a[pixel][row] * b[pixel][column]`.
///
/// The tile has `weightRows(width)` rows, as many as the registers hold beside the vectors of `b`.
/// - Parameters:
///   - runs: three numbers for each run of pixels: where it begins in `a`, where in `b`, and its length.
///   - aStep: floats in `a` from a pixel to the next of its run.
///   - b: `width` vectors for each pixel, without gaps within a run.
///   - ahead: what will be read after this: each pixel asks for a cache line of it, `aheadStep` floats from one to the next.
///   - c: the tile, without gaps.
public func weightTile3(
    runs: UnsafePointer<Int>, runCount: Int, a: UnsafePointer<Float>, aStep: Int, b: UnsafePointer<Float>,
    ahead: UnsafePointer<Float>, aheadStep: Int, c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    weightTile(3, runs, runCount, a, aStep, b, ahead, aheadStep, c, accumulate)
}

/// `weightTile3`, two vectors wide.
public func weightTile2(
    runs: UnsafePointer<Int>, runCount: Int, a: UnsafePointer<Float>, aStep: Int, b: UnsafePointer<Float>,
    ahead: UnsafePointer<Float>, aheadStep: Int, c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    weightTile(2, runs, runCount, a, aStep, b, ahead, aheadStep, c, accumulate)
}

/// `weightTile3`, one vector wide.
public func weightTile1(
    runs: UnsafePointer<Int>, runCount: Int, a: UnsafePointer<Float>, aStep: Int, b: UnsafePointer<Float>,
    ahead: UnsafePointer<Float>, aheadStep: Int, c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    weightTile(1, runs, runCount, a, aStep, b, ahead, aheadStep, c, accumulate)
}

/// Rows of a weight tile that is `width` vectors wide: 24 accumulators of 32 registers with AVX-512, 12 of 16 elsewhere,
/// but for single vectors, which need a register less for each row.
public func weightRows(_ width: Int) -> Int { width == 3 ? tileRows : width == 2 ? tileRows * 3 / 2 : tileRows * 2 }

@inline(__always)
private func weightTile(
    _ width: Int, _ runs: UnsafePointer<Int>, _ runCount: Int, _ a: UnsafePointer<Float>, _ aStep: Int,
    _ b: UnsafePointer<Float>, _ ahead: UnsafePointer<Float>, _ aheadStep: Int, _ c: UnsafeMutablePointer<Float>,
    _ accumulate: Bool
) {
    let zero = Lanes(repeating: 0)
    var (p0, q0, r0) = (zero, zero, zero)
    var (p1, q1, r1) = (zero, zero, zero)
    var (p2, q2, r2) = (zero, zero, zero)
    var (p3, q3, r3) = (zero, zero, zero)
    var (p4, q4, r4) = (zero, zero, zero)
    var (p5, q5, r5) = (zero, zero, zero)
    var (p6, q6, r6) = (zero, zero, zero)
    var (p7, q7, r7) = (zero, zero, zero)
    #if MICRO_AVX512
        var (p8, q8, p9, q9, p10, q10, p11, q11) = (zero, zero, zero, zero, zero, zero, zero, zero)
        var (p12, p13, p14, p15) = (zero, zero, zero, zero)
        var (none, unused) = (zero, zero)
    #endif
    let rows = width == 3 ? tileRows : width == 2 ? tileRows * 3 / 2 : tileRows * 2
    var ahead = ahead
    for run in 0..<runCount {
        var x = a + runs[3 * run]
        var y = b + runs[3 * run + 1]
        for _ in 0..<runs[3 * run + 2] {
            let b0 = y.vector()
            let b1 = width > 1 ? y.vector(lanes) : zero
            let b2 = width > 2 ? y.vector(2 * lanes) : zero
            zoetrope_prefetch_later(ahead)
            ahead += aheadStep
            gain(width, x[0], b0, b1, b2, &p0, &q0, &r0)
            gain(width, x[1], b0, b1, b2, &p1, &q1, &r1)
            gain(width, x[2], b0, b1, b2, &p2, &q2, &r2)
            gain(width, x[3], b0, b1, b2, &p3, &q3, &r3)
            if rows > 4 {
                gain(width, x[4], b0, b1, b2, &p4, &q4, &r4)
                gain(width, x[5], b0, b1, b2, &p5, &q5, &r5)
            }
            if rows > 6 {
                gain(width, x[6], b0, b1, b2, &p6, &q6, &r6)
                gain(width, x[7], b0, b1, b2, &p7, &q7, &r7)
            }
            #if MICRO_AVX512
                if rows > 8 {
                    gain(width, x[8], b0, b1, b2, &p8, &q8, &none)
                    gain(width, x[9], b0, b1, b2, &p9, &q9, &none)
                    gain(width, x[10], b0, b1, b2, &p10, &q10, &none)
                    gain(width, x[11], b0, b1, b2, &p11, &q11, &none)
                }
                if rows > 12 {
                    gain(width, x[12], b0, b1, b2, &p12, &none, &unused)
                    gain(width, x[13], b0, b1, b2, &p13, &none, &unused)
                    gain(width, x[14], b0, b1, b2, &p14, &none, &unused)
                    gain(width, x[15], b0, b1, b2, &p15, &none, &unused)
                }
            #endif
            x += aStep
            y += width * lanes
        }
    }
    let row = width * lanes
    put(width, c, accumulate, p0, q0, r0)
    put(width, c + row, accumulate, p1, q1, r1)
    put(width, c + 2 * row, accumulate, p2, q2, r2)
    put(width, c + 3 * row, accumulate, p3, q3, r3)
    if rows > 4 {
        put(width, c + 4 * row, accumulate, p4, q4, r4)
        put(width, c + 5 * row, accumulate, p5, q5, r5)
    }
    if rows > 6 {
        put(width, c + 6 * row, accumulate, p6, q6, r6)
        put(width, c + 7 * row, accumulate, p7, q7, r7)
    }
    #if MICRO_AVX512
        if rows > 8 {
            put(width, c + 8 * row, accumulate, p8, q8, zero)
            put(width, c + 9 * row, accumulate, p9, q9, zero)
            put(width, c + 10 * row, accumulate, p10, q10, zero)
            put(width, c + 11 * row, accumulate, p11, q11, zero)
        }
        if rows > 12 {
            put(width, c + 12 * row, accumulate, p12, zero, zero)
            put(width, c + 13 * row, accumulate, p13, zero, zero)
            put(width, c + 14 * row, accumulate, p14, zero, zero)
            put(width, c + 15 * row, accumulate, p15, zero, zero)
        }
    #endif
}

/// Deals out the values of pixels to tiles: for each pixel, `rows` values from each of the `tiles` places on, to
/// `to[tile * tilePitch + pixel * rows]`. Channels of neighbouring pixels lie far apart, often by a power of two, and
/// would push each other out of the first cache. The pixel `distance` further on is asked for: near where the second cache
/// has it, for of many that lie by a power of two apart the first cache holds few.
public func dealRows(
    pixels: Int, from: UnsafePointer<Float>, step: Int, distance: Int, tiles: Int, places: UnsafePointer<Int>,
    rows: Int, to: UnsafeMutablePointer<Float>, tilePitch: Int
) {
    switch rows {
    case 4: deal(4, pixels, from, step, distance, tiles, places, to, tilePitch)
    case 6: deal(6, pixels, from, step, distance, tiles, places, to, tilePitch)
    case 8: deal(8, pixels, from, step, distance, tiles, places, to, tilePitch)
    case 12: deal(12, pixels, from, step, distance, tiles, places, to, tilePitch)
    default: deal(16, pixels, from, step, distance, tiles, places, to, tilePitch)
    }
}

@inline(__always)
private func deal(
    _ rows: Int, _ pixels: Int, _ from: UnsafePointer<Float>, _ step: Int, _ distance: Int, _ tiles: Int,
    _ places: UnsafePointer<Int>, _ to: UnsafeMutablePointer<Float>, _ tilePitch: Int
) {
    for pixel in 0..<pixels {
        let from = from + pixel * step
        for tile in 0..<tiles { zoetrope_prefetch(from + distance * step + places[tile]) }
        var to = UnsafeMutableRawPointer(to + pixel * rows)
        for tile in 0..<tiles {
            let a = UnsafeRawPointer(from + places[tile])
            var row = 0
            while row + 8 <= rows {
                let eight = (a + 4 * row).loadUnaligned(as: SIMD8<Float>.self)
                (to + 4 * row).storeBytes(of: eight, as: SIMD8<Float>.self)
                row += 8
            }
            if row + 4 <= rows {
                let four = (a + 4 * row).loadUnaligned(as: SIMD4<Float>.self)
                (to + 4 * row).storeBytes(of: four, as: SIMD4<Float>.self)
                row += 4
            }
            if row < rows {
                let two = (a + 4 * row).loadUnaligned(as: SIMD2<Float>.self)
                (to + 4 * row).storeBytes(of: two, as: SIMD2<Float>.self)
            }
            to += 4 * tilePitch
        }
    }
}

/// Copies `width` vectors of each of some pixels, `step` floats apart, side by side. Pixels `distance` further on are
/// asked for: they lie too far apart for the processor to see the pattern.
public func copyPanel(
    pixels: Int, width: Int, from: UnsafePointer<Float>, step: Int, distance: Int, to: UnsafeMutablePointer<Float>
) {
    for pixel in 0..<pixels {
        let (from, to) = (from + pixel * step, to + pixel * width * lanes)
        for vector in 0..<width { zoetrope_prefetch(from + distance * step + vector * lanes) }
        to.set(0, from.vector())
        if width > 1 { to.set(lanes, from.vector(lanes)) }
        if width > 2 { to.set(2 * lanes, from.vector(2 * lanes)) }
    }
}

/// A tile of a convolution whose source lies in planes, a channel's pixels one after another:
/// `c[row][pixel] (+)= sum over taps of weights[tap][row] * source[taps[tap] + pixel]`.
///
/// The tile has `matrixRows()` rows, which are output channels, of three vectors of neighbouring pixels.
/// - Parameters:
///   - taps: where in `source` each tap's pixels begin; `tapCount` of them.
///   - weights: `matrixRows()` for each tap.
///   - c: the tile, without gaps.
///   - accumulate: adds to what `c` holds.
public func planeTile3(
    source: UnsafePointer<Float>, taps: UnsafePointer<Int>, tapCount: Int, weights: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    planeTile(3, source, taps, tapCount, weights, c, accumulate)
}

/// `planeTile3`, two vectors wide.
public func planeTile2(
    source: UnsafePointer<Float>, taps: UnsafePointer<Int>, tapCount: Int, weights: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    planeTile(2, source, taps, tapCount, weights, c, accumulate)
}

/// `planeTile3`, one vector wide.
public func planeTile1(
    source: UnsafePointer<Float>, taps: UnsafePointer<Int>, tapCount: Int, weights: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    planeTile(1, source, taps, tapCount, weights, c, accumulate)
}

@inline(__always)
private func planeTile(
    _ width: Int, _ source: UnsafePointer<Float>, _ taps: UnsafePointer<Int>, _ tapCount: Int,
    _ weights: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
) {
    let zero = Lanes(repeating: 0)
    var (p0, q0, r0) = (zero, zero, zero)
    var (p1, q1, r1) = (zero, zero, zero)
    var (p2, q2, r2) = (zero, zero, zero)
    var (p3, q3, r3) = (zero, zero, zero)
    #if MICRO_AVX512
        var (p4, q4, r4) = (zero, zero, zero)
        var (p5, q5, r5) = (zero, zero, zero)
        var (p6, q6, r6) = (zero, zero, zero)
        var (p7, q7, r7) = (zero, zero, zero)
    #endif
    var weights = weights
    for tap in 0..<tapCount {
        let x = source + taps[tap]
        let b0 = x.vector()
        let b1 = width > 1 ? x.vector(lanes) : zero
        let b2 = width > 2 ? x.vector(2 * lanes) : zero
        gain(width, weights[0], b0, b1, b2, &p0, &q0, &r0)
        gain(width, weights[1], b0, b1, b2, &p1, &q1, &r1)
        gain(width, weights[2], b0, b1, b2, &p2, &q2, &r2)
        gain(width, weights[3], b0, b1, b2, &p3, &q3, &r3)
        #if MICRO_AVX512
            gain(width, weights[4], b0, b1, b2, &p4, &q4, &r4)
            gain(width, weights[5], b0, b1, b2, &p5, &q5, &r5)
            gain(width, weights[6], b0, b1, b2, &p6, &q6, &r6)
            gain(width, weights[7], b0, b1, b2, &p7, &q7, &r7)
        #endif
        weights += tileRows
    }
    let row = width * lanes
    put(width, c, accumulate, p0, q0, r0)
    put(width, c + row, accumulate, p1, q1, r1)
    put(width, c + 2 * row, accumulate, p2, q2, r2)
    put(width, c + 3 * row, accumulate, p3, q3, r3)
    #if MICRO_AVX512
        put(width, c + 4 * row, accumulate, p4, q4, r4)
        put(width, c + 5 * row, accumulate, p5, q5, r5)
        put(width, c + 6 * row, accumulate, p6, q6, r6)
        put(width, c + 7 * row, accumulate, p7, q7, r7)
    #endif
}

/// Three taps of the gradient of such a convolution's weights. Each lane of a vector sums the pixels that fall into it:
/// `sums[row][tap][lane] += sum over rows of pixels and vectors of dy[row][pixel] * x[taps[tap] + pixel]`.
///
/// - Parameters:
///   - rows: of pixels; `xStep` and `dyStep` are the floats from one to the next in `x` and in `dy`.
///   - vectors: of a row of pixels.
///   - dy: `matrixRows()` output channels, `dyPitch` floats from one to the next.
///   - sums: `matrixRows()` times three vectors.
public func planeWeights(
    rows: Int, vectors: Int, x: UnsafePointer<Float>, taps: UnsafePointer<Int>, xStep: Int, dy: UnsafePointer<Float>,
    dyStep: Int, dyPitch: Int, sums: UnsafeMutablePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    var (p0, q0, r0) = (zero, zero, zero)
    var (p1, q1, r1) = (zero, zero, zero)
    var (p2, q2, r2) = (zero, zero, zero)
    var (p3, q3, r3) = (zero, zero, zero)
    #if MICRO_AVX512
        var (p4, q4, r4) = (zero, zero, zero)
        var (p5, q5, r5) = (zero, zero, zero)
        var (p6, q6, r6) = (zero, zero, zero)
        var (p7, q7, r7) = (zero, zero, zero)
    #endif
    for row in 0..<rows {
        var (a, b, c) = (x + row * xStep + taps[0], x + row * xStep + taps[1], x + row * xStep + taps[2])
        var d = dy + row * dyStep
        for _ in 0..<vectors {
            let (x0, x1, x2) = (a.vector(), b.vector(), c.vector())
            gainProducts(d.vector(), x0, x1, x2, &p0, &q0, &r0)
            gainProducts(d.vector(dyPitch), x0, x1, x2, &p1, &q1, &r1)
            gainProducts(d.vector(2 * dyPitch), x0, x1, x2, &p2, &q2, &r2)
            gainProducts(d.vector(3 * dyPitch), x0, x1, x2, &p3, &q3, &r3)
            #if MICRO_AVX512
                gainProducts(d.vector(4 * dyPitch), x0, x1, x2, &p4, &q4, &r4)
                gainProducts(d.vector(5 * dyPitch), x0, x1, x2, &p5, &q5, &r5)
                gainProducts(d.vector(6 * dyPitch), x0, x1, x2, &p6, &q6, &r6)
                gainProducts(d.vector(7 * dyPitch), x0, x1, x2, &p7, &q7, &r7)
            #endif
            a += lanes
            b += lanes
            c += lanes
            d += lanes
        }
    }
    let row = 3 * lanes
    put(3, sums, true, p0, q0, r0)
    put(3, sums + row, true, p1, q1, r1)
    put(3, sums + 2 * row, true, p2, q2, r2)
    put(3, sums + 3 * row, true, p3, q3, r3)
    #if MICRO_AVX512
        put(3, sums + 4 * row, true, p4, q4, r4)
        put(3, sums + 5 * row, true, p5, q5, r5)
        put(3, sums + 6 * row, true, p6, q6, r6)
        put(3, sums + 7 * row, true, p7, q7, r7)
    #endif
}

@inline(__always)
private func gainProducts(
    _ d: Lanes, _ x0: Lanes, _ x1: Lanes, _ x2: Lanes, _ p: inout Lanes, _ q: inout Lanes, _ r: inout Lanes
) {
    p = multiplyAdd(d, x0, p)
    q = multiplyAdd(d, x1, q)
    r = multiplyAdd(d, x2, r)
}

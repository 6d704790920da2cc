internal import CIntrinsics

/// A tile of a matrix product whose left factor is gathered: `c[row][column] (+)= sum of a[tap][row][l] * b[tap][l][column]`.
///
/// It serves forward (rows are output pixels, taps their neighbours), backward-data (rows are input pixels) and linear
/// layers, as in "High-Performance Deep Learning via a Single Building Block" (arXiv 1906.06440).
/// - Parameters:
///   - a: for each tap, `matrixRows()` pointers to `length` values from `aOffset` on.
///   - tapCount: how many taps there are; `taps` holds each one's index in `b`.
///   - b: `length` rows of 1 to 3 vectors for each tap, `bTapStride` floats from one tap's to the next's.
///   - ahead: what will be read after this. `askingTile` asks for a cache line of it at each step, which pays where `b`
///     is larger than the second cache; the others do not look at it.
///   - c: `matrixRows()` pointers, written from `cOffset` on.
///   - accumulate: adds to what `c` holds.
public func gatherTile3(
    a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, taps: UnsafePointer<Int32>, tapCount: Int, length: Int,
    b: UnsafePointer<Float>, bTapStride: Int, ahead: UnsafePointer<Float>,
    c: UnsafePointer<UnsafeMutablePointer<Float>>, cOffset: Int, accumulate: Bool
) {
    gatherTile(3, false, a, aOffset, taps, tapCount, length, b, bTapStride, ahead, c, cOffset, accumulate)
}

/// `gatherTile3`, two vectors wide.
public func gatherTile2(
    a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, taps: UnsafePointer<Int32>, tapCount: Int, length: Int,
    b: UnsafePointer<Float>, bTapStride: Int, ahead: UnsafePointer<Float>,
    c: UnsafePointer<UnsafeMutablePointer<Float>>, cOffset: Int, accumulate: Bool
) {
    gatherTile(2, false, a, aOffset, taps, tapCount, length, b, bTapStride, ahead, c, cOffset, accumulate)
}

/// `gatherTile3`, one vector wide.
public func gatherTile1(
    a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, taps: UnsafePointer<Int32>, tapCount: Int, length: Int,
    b: UnsafePointer<Float>, bTapStride: Int, ahead: UnsafePointer<Float>,
    c: UnsafePointer<UnsafeMutablePointer<Float>>, cOffset: Int, accumulate: Bool
) {
    gatherTile(1, false, a, aOffset, taps, tapCount, length, b, bTapStride, ahead, c, cOffset, accumulate)
}

/// `gatherTile3`, asking for what comes next.
public func askingTile3(
    a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, taps: UnsafePointer<Int32>, tapCount: Int, length: Int,
    b: UnsafePointer<Float>, bTapStride: Int, ahead: UnsafePointer<Float>,
    c: UnsafePointer<UnsafeMutablePointer<Float>>, cOffset: Int, accumulate: Bool
) {
    gatherTile(3, true, a, aOffset, taps, tapCount, length, b, bTapStride, ahead, c, cOffset, accumulate)
}

/// `gatherTile2`, asking for what comes next.
public func askingTile2(
    a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, taps: UnsafePointer<Int32>, tapCount: Int, length: Int,
    b: UnsafePointer<Float>, bTapStride: Int, ahead: UnsafePointer<Float>,
    c: UnsafePointer<UnsafeMutablePointer<Float>>, cOffset: Int, accumulate: Bool
) {
    gatherTile(2, true, a, aOffset, taps, tapCount, length, b, bTapStride, ahead, c, cOffset, accumulate)
}

/// `gatherTile1`, asking for what comes next.
public func askingTile1(
    a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, taps: UnsafePointer<Int32>, tapCount: Int, length: Int,
    b: UnsafePointer<Float>, bTapStride: Int, ahead: UnsafePointer<Float>,
    c: UnsafePointer<UnsafeMutablePointer<Float>>, cOffset: Int, accumulate: Bool
) {
    gatherTile(1, true, a, aOffset, taps, tapCount, length, b, bTapStride, ahead, c, cOffset, accumulate)
}

/// One row of the tile gains `s` times a row of `b`; what lies beyond `width` vectors is folded away.
@inline(__always)
func gain(
    _ width: Int, _ s: Float, _ b0: Lanes, _ b1: Lanes, _ b2: Lanes, _ c0: inout Lanes, _ c1: inout Lanes,
    _ c2: inout Lanes
) {
    let s = Lanes(repeating: s)
    c0 = multiplyAdd(s, b0, c0)
    if width > 1 { c1 = multiplyAdd(s, b1, c1) }
    if width > 2 { c2 = multiplyAdd(s, b2, c2) }
}

/// Writes one row of the tile, or adds it to what is there.
@inline(__always)
func put(
    _ width: Int, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool, _ c0: Lanes, _ c1: Lanes, _ c2: Lanes
) {
    c.set(0, accumulate ? c.vector() + c0 : c0)
    if width > 1 { c.set(lanes, accumulate ? c.vector(lanes) + c1 : c1) }
    if width > 2 { c.set(2 * lanes, accumulate ? c.vector(2 * lanes) + c2 : c2) }
}

@inline(__always)
private func gatherTile(
    _ width: Int, _ asks: Bool, _ a: UnsafePointer<UnsafePointer<Float>>, _ aOffset: Int, _ taps: UnsafePointer<Int32>,
    _ tapCount: Int, _ length: Int, _ b: UnsafePointer<Float>, _ bTapStride: Int, _ ahead: UnsafePointer<Float>,
    _ c: UnsafePointer<UnsafeMutablePointer<Float>>, _ cOffset: Int, _ accumulate: Bool
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
    var (a, ahead) = (a, ahead)
    for tap in 0..<tapCount {
        let a0 = a[0] + aOffset
        let a1 = a[1] + aOffset
        let a2 = a[2] + aOffset
        let a3 = a[3] + aOffset
        #if MICRO_AVX512
            let a4 = a[4] + aOffset
            let a5 = a[5] + aOffset
            let a6 = a[6] + aOffset
            let a7 = a[7] + aOffset
        #endif
        a += tileRows
        var b = b + Int(taps[tap]) * bTapStride
        for l in 0..<length {
            let b0 = b.vector()
            let b1 = width > 1 ? b.vector(lanes) : zero
            let b2 = width > 2 ? b.vector(2 * lanes) : zero
            b += width * lanes
            if asks {
                zoetrope_prefetch_later(ahead)
                ahead += cacheLine
            }
            gain(width, a0[l], b0, b1, b2, &p0, &q0, &r0)
            gain(width, a1[l], b0, b1, b2, &p1, &q1, &r1)
            gain(width, a2[l], b0, b1, b2, &p2, &q2, &r2)
            gain(width, a3[l], b0, b1, b2, &p3, &q3, &r3)
            #if MICRO_AVX512
                gain(width, a4[l], b0, b1, b2, &p4, &q4, &r4)
                gain(width, a5[l], b0, b1, b2, &p5, &q5, &r5)
                gain(width, a6[l], b0, b1, b2, &p6, &q6, &r6)
                gain(width, a7[l], b0, b1, b2, &p7, &q7, &r7)
            #endif
        }
    }
    put(width, c[0] + cOffset, accumulate, p0, q0, r0)
    put(width, c[1] + cOffset, accumulate, p1, q1, r1)
    put(width, c[2] + cOffset, accumulate, p2, q2, r2)
    put(width, c[3] + cOffset, accumulate, p3, q3, r3)
    #if MICRO_AVX512
        put(width, c[4] + cOffset, accumulate, p4, q4, r4)
        put(width, c[5] + cOffset, accumulate, p5, q5, r5)
        put(width, c[6] + cOffset, accumulate, p6, q6, r6)
        put(width, c[7] + cOffset, accumulate, p7, q7, r7)
    #endif
}

/// Writes `valid` of the `columns` of each row of a tile, or adds them: `to[row][toOffset + column] (+)= from[row][column]`.
public func putRows(
    rows: Int, columns: Int, valid: Int, from: UnsafePointer<Float>, to: UnsafePointer<UnsafeMutablePointer<Float>>,
    toOffset: Int, accumulate: Bool
) {
    for row in 0..<rows {
        let (from, to) = (from + row * columns, to[row] + toOffset)
        guard valid >= lanes else {
            for column in 0..<valid { to[column] = accumulate ? to[column] + from[column] : from[column] }
            continue
        }
        // The last vector may overlap the one before: it is added up before and stored after.
        let last = valid - lanes
        let end = accumulate ? to.vector(last) + from.vector(last) : from.vector(last)
        var column = 0
        while column < last {
            to.set(column, accumulate ? to.vector(column) + from.vector(column) : from.vector(column))
            column += lanes
        }
        to.set(last, end)
    }
}

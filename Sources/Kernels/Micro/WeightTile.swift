/// A tile of the gradient of the weights: `c[row][column] (+)= sum over pixels of a[pixel][row] * b[pixel][column]`.
/// - Parameters:
///   - a: for each pixel `matrixRows()` input values, as `collectRows` writes them.
///   - places: for each pixel its place in `b`.
///   - b: 1 to 3 vectors of the output's gradient at each place.
///   - c: the tile, `matrixRows()` rows of 1 to 3 vectors, without gaps.
public func weightTile3(
    pixels: Int, a: UnsafePointer<Float>, places: UnsafePointer<Int32>, b: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    weightTile(3, pixels, a, places, b, c, accumulate)
}

/// `weightTile3`, two vectors wide.
public func weightTile2(
    pixels: Int, a: UnsafePointer<Float>, places: UnsafePointer<Int32>, b: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    weightTile(2, pixels, a, places, b, c, accumulate)
}

/// `weightTile3`, one vector wide.
public func weightTile1(
    pixels: Int, a: UnsafePointer<Float>, places: UnsafePointer<Int32>, b: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    weightTile(1, pixels, a, places, b, c, accumulate)
}

@inline(__always)
private func weightTile(
    _ width: Int, _ pixels: Int, _ a: UnsafePointer<Float>, _ places: UnsafePointer<Int32>,
    _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
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
    for pixel in 0..<pixels {
        let x = a + pixel * tileRows
        let b = b + Int(places[pixel]) * (width * lanes)
        let b0 = b.vector()
        let b1 = width > 1 ? b.vector(lanes) : zero
        let b2 = width > 2 ? b.vector(2 * lanes) : zero
        gain(width, x[0], b0, b1, b2, &p0, &q0, &r0)
        gain(width, x[1], b0, b1, b2, &p1, &q1, &r1)
        gain(width, x[2], b0, b1, b2, &p2, &q2, &r2)
        gain(width, x[3], b0, b1, b2, &p3, &q3, &r3)
        #if MICRO_AVX512
            gain(width, x[4], b0, b1, b2, &p4, &q4, &r4)
            gain(width, x[5], b0, b1, b2, &p5, &q5, &r5)
            gain(width, x[6], b0, b1, b2, &p6, &q6, &r6)
            gain(width, x[7], b0, b1, b2, &p7, &q7, &r7)
        #endif
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

/// Collects `matrixRows()` values from `aOffset` on behind each of the pointers: channels of neighbouring pixels lie far
/// apart, often by a power of two, and would push each other out of the first cache.
public func collectRows(
    pixels: Int, a: UnsafePointer<UnsafePointer<Float>>, aOffset: Int, to: UnsafeMutablePointer<Float>
) {
    for pixel in 0..<pixels {
        let (from, to) = (UnsafeRawPointer(a[pixel] + aOffset), UnsafeMutableRawPointer(to + pixel * tileRows))
        #if MICRO_AVX512
            to.storeBytes(of: from.loadUnaligned(as: SIMD8<Float>.self), as: SIMD8<Float>.self)
        #else
            to.storeBytes(of: from.loadUnaligned(as: SIMD4<Float>.self), as: SIMD4<Float>.self)
        #endif
    }
}

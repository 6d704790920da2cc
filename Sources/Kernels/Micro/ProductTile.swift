/// A tile of the gradient at one point: `c[row][column] (+)= sum over tiles of a[tile][row] * b[tile][column]`, as
/// `weightTile3`, with the rows of all three `pitch` floats apart.
public func productTile3(
    count: Int, a: UnsafePointer<Float>, aPitch: Int, b: UnsafePointer<Float>, bPitch: Int,
    c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
) {
    productTile(3, count, a, aPitch, b, bPitch, c, cPitch, accumulate)
}

/// `productTile3`, two vectors wide.
public func productTile2(
    count: Int, a: UnsafePointer<Float>, aPitch: Int, b: UnsafePointer<Float>, bPitch: Int,
    c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
) {
    productTile(2, count, a, aPitch, b, bPitch, c, cPitch, accumulate)
}

/// `productTile3`, one vector wide.
public func productTile1(
    count: Int, a: UnsafePointer<Float>, aPitch: Int, b: UnsafePointer<Float>, bPitch: Int,
    c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
) {
    productTile(1, count, a, aPitch, b, bPitch, c, cPitch, accumulate)
}

@inline(__always)
private func productTile(
    _ width: Int, _ count: Int, _ a: UnsafePointer<Float>, _ aPitch: Int, _ b: UnsafePointer<Float>, _ bPitch: Int,
    _ c: UnsafeMutablePointer<Float>, _ cPitch: Int, _ accumulate: Bool
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
    var (x, y) = (a, b)
    for _ in 0..<count {
        let b0 = y.vector()
        let b1 = width > 1 ? y.vector(lanes) : zero
        let b2 = width > 2 ? y.vector(2 * lanes) : zero
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
        x += aPitch
        y += bPitch
    }
    put(width, c, accumulate, p0, q0, r0)
    put(width, c + cPitch, accumulate, p1, q1, r1)
    put(width, c + 2 * cPitch, accumulate, p2, q2, r2)
    put(width, c + 3 * cPitch, accumulate, p3, q3, r3)
    #if MICRO_AVX512
        put(width, c + 4 * cPitch, accumulate, p4, q4, r4)
        put(width, c + 5 * cPitch, accumulate, p5, q5, r5)
        put(width, c + 6 * cPitch, accumulate, p6, q6, r6)
        put(width, c + 7 * cPitch, accumulate, p7, q7, r7)
    #endif
}

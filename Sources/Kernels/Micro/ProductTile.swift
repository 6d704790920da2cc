/// Rows that lie together in the factors of `productTile3`.
public func productRows() -> Int { rowsTogether }

@inline(__always) private var rowsTogether: Int { 16 }

/// A tile of the gradient at one point: `c[row][column] (+)= sum over tiles of a[tile][row] * b[tile][column]`, as
/// `weightTile3`.
///
/// Both factors come in pieces of `productRows()` rows, each row one vector: `aPitch` and `bPitch` floats from one piece to
/// the next, and `vectorPitch` from a vector of `b` to the one beside it. Of `a` the tile takes `matrixRows()` values.
public func productTile3(
    pieces: Int, a: UnsafePointer<Float>, aPitch: Int, b: UnsafePointer<Float>, bPitch: Int, vectorPitch: Int,
    c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
) {
    productTile(3, pieces, a, aPitch, b, bPitch, vectorPitch, c, cPitch, accumulate)
}

/// `productTile3`, two vectors wide.
public func productTile2(
    pieces: Int, a: UnsafePointer<Float>, aPitch: Int, b: UnsafePointer<Float>, bPitch: Int, vectorPitch: Int,
    c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
) {
    productTile(2, pieces, a, aPitch, b, bPitch, vectorPitch, c, cPitch, accumulate)
}

/// `productTile3`, one vector wide.
public func productTile1(
    pieces: Int, a: UnsafePointer<Float>, aPitch: Int, b: UnsafePointer<Float>, bPitch: Int, vectorPitch: Int,
    c: UnsafeMutablePointer<Float>, cPitch: Int, accumulate: Bool
) {
    productTile(1, pieces, a, aPitch, b, bPitch, vectorPitch, c, cPitch, accumulate)
}

@inline(__always)
private func productTile(
    _ width: Int, _ pieces: Int, _ a: UnsafePointer<Float>, _ aPitch: Int, _ b: UnsafePointer<Float>, _ bPitch: Int,
    _ vectorPitch: Int, _ c: UnsafeMutablePointer<Float>, _ cPitch: Int, _ accumulate: Bool
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
    for piece in 0..<pieces {
        var (x, y) = (a + piece * aPitch, b + piece * bPitch)
        for _ in 0..<rowsTogether {
            let b0 = y.vector()
            let b1 = width > 1 ? y.vector(vectorPitch) : zero
            let b2 = width > 2 ? y.vector(2 * vectorPitch) : zero
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
            x += lanes
            y += lanes
        }
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

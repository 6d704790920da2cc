internal import CIntrinsics

/// Transposes a square of `vectorLanes()` rows: `to[i][toOffset + j] = from[j][fromOffset + i]`.
///
/// Each round pairs rows that are half as far apart as in the round before and interleaves them.
public func transposeSquare(
    from: UnsafePointer<UnsafePointer<Float>>, fromOffset: Int, to: UnsafePointer<UnsafeMutablePointer<Float>>,
    toOffset: Int
) {
    var (a, b) = ((from[0] + fromOffset).vector(), (from[1] + fromOffset).vector())
    var (c, d) = ((from[2] + fromOffset).vector(), (from[3] + fromOffset).vector())
    #if MICRO_AVX512 || MICRO_AVX2
        var (e, f) = ((from[4] + fromOffset).vector(), (from[5] + fromOffset).vector())
        var (g, h) = ((from[6] + fromOffset).vector(), (from[7] + fromOffset).vector())
    #endif
    #if MICRO_AVX512
        var (i, j) = ((from[8] + fromOffset).vector(), (from[9] + fromOffset).vector())
        var (k, l) = ((from[10] + fromOffset).vector(), (from[11] + fromOffset).vector())
        var (m, n) = ((from[12] + fromOffset).vector(), (from[13] + fromOffset).vector())
        var (o, p) = ((from[14] + fromOffset).vector(), (from[15] + fromOffset).vector())
        interleave(&a, &i)
        interleave(&b, &j)
        interleave(&c, &k)
        interleave(&d, &l)
        interleave(&e, &m)
        interleave(&f, &n)
        interleave(&g, &o)
        interleave(&h, &p)
        interleave(&i, &m)
        interleave(&j, &n)
        interleave(&k, &o)
        interleave(&l, &p)
        interleave(&i, &k)
        interleave(&j, &l)
        interleave(&m, &o)
        interleave(&n, &p)
        interleave(&i, &j)
        interleave(&k, &l)
        interleave(&m, &n)
        interleave(&o, &p)
        to[8].set(toOffset, i)
        to[9].set(toOffset, j)
        to[10].set(toOffset, k)
        to[11].set(toOffset, l)
        to[12].set(toOffset, m)
        to[13].set(toOffset, n)
        to[14].set(toOffset, o)
        to[15].set(toOffset, p)
    #endif
    #if MICRO_AVX512 || MICRO_AVX2
        interleave(&a, &e)
        interleave(&b, &f)
        interleave(&c, &g)
        interleave(&d, &h)
        interleave(&e, &g)
        interleave(&f, &h)
        interleave(&e, &f)
        interleave(&g, &h)
        to[4].set(toOffset, e)
        to[5].set(toOffset, f)
        to[6].set(toOffset, g)
        to[7].set(toOffset, h)
    #endif
    interleave(&a, &c)
    interleave(&b, &d)
    interleave(&a, &b)
    interleave(&c, &d)
    to[0].set(toOffset, a)
    to[1].set(toOffset, b)
    to[2].set(toOffset, c)
    to[3].set(toOffset, d)
}

/// The two vectors' values in turn: the lower halves' in `a`, the upper halves' in `b`.
@inline(__always)
private func interleave(_ a: inout Lanes, _ b: inout Lanes) {
    #if MICRO_AVX512
        (a, b) = (zoetrope_interleave_low16(a, b), zoetrope_interleave_high16(a, b))
    #elseif MICRO_AVX2
        (a, b) = (zoetrope_interleave_low8(a, b), zoetrope_interleave_high8(a, b))
    #else
        (a, b) = (zoetrope_interleave_low4(a, b), zoetrope_interleave_high4(a, b))
    #endif
}

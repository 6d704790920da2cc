/// Twelve independent chains of multiply-add, which no memory slows down: the most that one core can do.
/// Performs `rounds * 12 * vectorLanes()` multiply-adds and returns their sum, so that none is left out.
public func multiplyAddChains(rounds: Int, seed: Float) -> Float {
    let (factor, offset) = (Lanes(repeating: seed), Lanes(repeating: 1 - seed))
    var (a, b, c, d, e, f) = (factor, offset, factor, offset, factor, offset)
    var (g, h, i, j, k, l) = (offset, factor, offset, factor, offset, factor)
    for _ in 0..<rounds {
        a = multiplyAdd(a, factor, offset)
        b = multiplyAdd(b, factor, offset)
        c = multiplyAdd(c, factor, offset)
        d = multiplyAdd(d, factor, offset)
        e = multiplyAdd(e, factor, offset)
        f = multiplyAdd(f, factor, offset)
        g = multiplyAdd(g, factor, offset)
        h = multiplyAdd(h, factor, offset)
        i = multiplyAdd(i, factor, offset)
        j = multiplyAdd(j, factor, offset)
        k = multiplyAdd(k, factor, offset)
        l = multiplyAdd(l, factor, offset)
    }
    return (a + b + c + d + e + f + g + h + i + j + k + l).sum()
}

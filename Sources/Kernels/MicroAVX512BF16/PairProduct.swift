internal import CIntrinsics

// This folder holds the tiles of `Micro` (links) with another product in them: each lane of the factors is a pair of
// bfloat16 numbers, the one with the even index below, and a step multiplies two pairs and adds both products to an f32.
// It is compiled twice: with the instruction `vdpbf16ps`, and with what Intel's manual defines that to do, for tests.

/// The step of every tile: `c` plus the products of the pairs in `a` and `b`.
///
/// `vdpbf16ps` adds the product of the odd elements first, then that of the even ones; each is fused and rounded to
/// nearest even; denormals are zeros as inputs and as results, whatever the thread's mode. (Intel, "Intel 64 and IA-32
/// Architectures Software Developer's Manual", volume 2, VDPBF16PS.) The emulation does the same on threads that flush
/// denormals, as all do that compute (`ThreadPool`).
@inline(__always)
func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes {
    #if MICRO_BF16_EMULATED
        let odd = c.addingProduct(zoetrope_pairs_odd(a), zoetrope_pairs_odd(b))
        return odd.addingProduct(zoetrope_pairs_even(a), zoetrope_pairs_even(b))
    #else
        zoetrope_pairs_product(c, a, b)
    #endif
}

/// `c[i] +=` the products of pairs i, for `count` vectors: one step of a tile by itself, for tests.
public func addPairProducts(
    count: Int, a: UnsafePointer<Float>, b: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>
) {
    for i in 0..<count {
        c.set(i * lanes, multiplyAdd(a.vector(i * lanes), b.vector(i * lanes), c.vector(i * lanes)))
    }
}

/// Chains of pair products that do not wait for memory: the peak of `bench`. Returns a sum that depends on all.
public func pairProductChains(rounds: Int, seed: Float) -> Float {
    // Pairs of bfloat16 whose products stay near 1: the bits of 1 above and of 2^-126 below.
    let a = Lanes(repeating: Float(bitPattern: 0x3F80_0080))
    let b = Lanes(repeating: Float(bitPattern: 0x3F80_0080))
    let start = Lanes(repeating: seed)
    var (c0, c1, c2, c3, c4, c5) = (start, start, start, start, start, start)
    var (c6, c7, c8, c9, c10, c11) = (start, start, start, start, start, start)
    for _ in 0..<rounds {
        c0 = multiplyAdd(a, b, c0)
        c1 = multiplyAdd(a, b, c1)
        c2 = multiplyAdd(a, b, c2)
        c3 = multiplyAdd(a, b, c3)
        c4 = multiplyAdd(a, b, c4)
        c5 = multiplyAdd(a, b, c5)
        c6 = multiplyAdd(a, b, c6)
        c7 = multiplyAdd(a, b, c7)
        c8 = multiplyAdd(a, b, c8)
        c9 = multiplyAdd(a, b, c9)
        c10 = multiplyAdd(a, b, c10)
        c11 = multiplyAdd(a, b, c11)
    }
    return (((c0 + c1) + (c2 + c3)) + ((c4 + c5) + (c6 + c7)) + ((c8 + c9) + (c10 + c11))).sum()
}

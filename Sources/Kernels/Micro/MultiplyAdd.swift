// The step of the tiles; apart from the rest, for `MicroAVX512BF16` has another one.

/// `a * b + c`: fused, but for processors without it, where the library function would take a hundred times as long.
@inline(__always)
func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes {
    #if MICRO_BASELINE && arch(x86_64)
        a * b + c
    #else
        c.addingProduct(a, b)
    #endif
}

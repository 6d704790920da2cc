internal import CIntrinsics

// The step of the tiles; apart from the rest, for `MicroAVX512BF16` has another one.

/// `a * b + c`: fused, but for processors without it, where the library function would take a hundred times as long.
@inline(__always)
func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes {
    #if MICRO_AVX512
        zoetrope_multiply_add16(a, b, c)
    #elseif MICRO_AVX2
        zoetrope_multiply_add8(a, b, c)
    #elseif arch(x86_64)
        a * b + c
    #else
        zoetrope_multiply_add4(a, b, c)
    #endif
}

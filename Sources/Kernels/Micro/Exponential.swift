#if MICRO_AVX512
    private typealias Words = SIMD16<UInt32>
#elseif MICRO_AVX2
    private typealias Words = SIMD8<UInt32>
#else
    private typealias Words = SIMD4<UInt32>
#endif

/// e to the x for x at most 0, to about 1.5e-7 relative; what is below -87 counts as -87, so that no result is a
/// denormal. NaN stays NaN.
///
/// x = k ln 2 + r with |r| at most half of ln 2; e to the r is Taylor's polynomial, whose next term is below 6e-9.
@inline(__always)
func exponential(_ x: Lanes) -> Lanes {
    let lowest = Lanes(repeating: -87)
    let x = x.replacing(with: lowest, where: x .< lowest)
    // Adding 1.5 * 2^23 rounds to an integer, which then stands in the lowest bits; 127 more makes it 2^k's exponent.
    let magic = Lanes(repeating: 12_583_039)
    let shifted = multiplyAdd(x, Lanes(repeating: 1.442695), magic)
    let k = shifted - magic
    // ln 2 in two parts, the first of so few bits that its product with k is exact.
    var r = multiplyAdd(k, Lanes(repeating: -0.693359375), x)
    r = multiplyAdd(k, Lanes(repeating: 2.1219444e-4), r)
    var sum = multiplyAdd(Lanes(repeating: 1 / 5040), r, Lanes(repeating: 1 / 720))
    sum = multiplyAdd(sum, r, Lanes(repeating: 1 / 120))
    sum = multiplyAdd(sum, r, Lanes(repeating: 1 / 24))
    sum = multiplyAdd(sum, r, Lanes(repeating: 1 / 6))
    sum = multiplyAdd(sum, r, Lanes(repeating: 0.5))
    sum = multiplyAdd(sum, r, Lanes(repeating: 1))
    sum = multiplyAdd(sum, r, Lanes(repeating: 1))
    let power = unsafeBitCast(unsafeBitCast(shifted, to: Words.self) &<< Words(repeating: 23), to: Lanes.self)
    return sum * power
}

/// 1 / (1 + e to the -x).
@inline(__always)
func sigmoid(_ x: Lanes) -> Lanes {
    let zero = Lanes(repeating: 0)
    let one = Lanes(repeating: 1)
    // The exponential of -|x| neither overflows nor, added to 1, loses the small side.
    let e = exponential((zero - x).replacing(with: x, where: x .< zero))
    let share = one / (one + e)
    return share.replacing(with: e * share, where: x .< zero)
}

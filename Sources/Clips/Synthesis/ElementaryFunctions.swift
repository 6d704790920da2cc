/// Functions of f64 made of + − × ÷ only, which IEEE 754 fixes to the bit; libm's differ from processor to processor.
package enum Elementary {
    /// The cosine and sine of `turns` whole turns, to about 1e-12.
    package static func rotation(turns: Double) -> (cosine: Double, sine: Double) {
        let fraction = turns - turns.rounded(.down)
        let quarter = Int(fraction * 4 + 0.5)
        let angle = (fraction - Double(quarter) / 4) * 6.283185307179586
        let square = angle * angle
        var cosine = 0.0
        var sine = 0.0
        var k = 16.0
        while k > 0 {
            // Horner's scheme of both Taylor series, from the last term to the first.
            cosine = 1 - square / ((k - 1) * k) * (k == 16 ? 1 : cosine)
            sine = 1 - square / (k * (k + 1)) * (k == 16 ? 1 : sine)
            k -= 2
        }
        sine *= angle
        switch quarter & 3 {
        case 0: return (cosine, sine)
        case 1: return (-sine, cosine)
        case 2: return (-cosine, -sine)
        default: return (sine, -cosine)
        }
    }

    /// e to the power of `x`, for |x| up to about 3, to about 1e-9.
    package static func exponential(_ x: Double) -> Double {
        var sum = 1.0
        var k = 24.0
        while k > 0 {
            sum = 1 + x / k * sum
            k -= 1
        }
        return sum
    }
}

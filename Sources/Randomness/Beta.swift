/// e to the power of `x` ≤ 0, to about 1e-16 relative, of + − × ÷ only; 0 below −700.
public func naturalExponential(_ x: Double) -> Double {
    guard x > -700 else { return 0 }
    let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
    // ln 2 in two parts, so that k times the first is exact.
    let r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    var sum = 1.0
    var n = 14.0
    while n >= 1 {
        sum = sum * (r / n) + 1
        n -= 1
    }
    return sum * Double(sign: .plus, exponent: Int(k), significand: 1)
}

extension Draws {
    /// From the Beta distribution with both parameters `alpha` (0.01 or more), out of the draws from `first` on: the share of
    /// one of two Gamma variates.
    public func beta(_ alpha: Double, from first: Int) -> Double {
        // More attempts than ever happen: each succeeds with a probability above 0.95.
        let reach = 4096
        let x = logGamma(alpha, from: first)
        let y = logGamma(alpha, from: first + reach)
        // x / (x + y), by the larger: parameters far below 1 give variates far below the smallest number.
        return x >= y ? 1 / (1 + naturalExponential(y - x)) : 1 - 1 / (1 + naturalExponential(x - y))
    }

    /// The logarithm of a Gamma variate with shape `alpha`; takes four draws an attempt.
    ///
    /// Source: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26 (2000), with their step for
    /// shapes below 1.
    private func logGamma(_ alpha: Double, from first: Int) -> Double {
        func open(_ i: Int) -> Double { (Double(word(i)) + 0.5) * 0x1p-32 }
        let d = (alpha < 1 ? alpha + 1 : alpha) - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        for attempt in 0..<1024 {
            let place = first + 4 * attempt
            let x = inverseNormal(open(place))
            let t = 1 + c * x
            guard t > 0 else { continue }
            let v = t * t * t
            let bound = 0.5 * x * x + d - d * v + d * naturalLogarithm(v)
            guard naturalLogarithm(open(place + 1)) < bound else { continue }
            let log = naturalLogarithm(d) + naturalLogarithm(v)
            return alpha < 1 ? log + naturalLogarithm(open(place + 2)) / alpha : log
        }
        return naturalLogarithm(alpha)
    }
}

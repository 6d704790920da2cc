extension PlainReference {
    /// Mean and biased variance of each channel of `x[P][C]`.
    public static func batchStatistics<F: Number>(
        P: Int, C: Int, x: UnsafePointer<F>, mean: UnsafeMutablePointer<Double>, variance: UnsafeMutablePointer<Double>
    ) {
        for c in 0..<C {
            var sum = 0.0
            for p in 0..<P { sum += Double(x[p * C + c]) }
            mean[c] = sum / Double(P)
            var squares = 0.0
            for p in 0..<P {
                let d = Double(x[p * C + c]) - mean[c]
                squares += d * d
            }
            variance[c] = squares / Double(P)
        }
    }

    /// `y = relu((x - mean) / sqrt(variance + epsilon) * scale + shift + residual)`.
    public static func batchNorm<F: Number>(
        P: Int, C: Int, epsilon: Double, x: UnsafePointer<F>, scale: UnsafePointer<F>, shift: UnsafePointer<F>,
        mean: UnsafePointer<Double>, variance: UnsafePointer<Double>, residual: UnsafePointer<F>?, relu: Bool,
        y: UnsafeMutablePointer<F>
    ) {
        for i in 0..<P * C {
            let c = i % C
            let normal = (Double(x[i]) - mean[c]) / (variance[c] + epsilon).squareRoot()
            let value = normal * Double(scale[c]) + Double(shift[c]) + Double(residual?[i] ?? 0)
            y[i] = F(relu ? max(value, 0) : value)
        }
    }

    /// The gradients of `batchNorm`, whose statistics come from `x` unless `frozen`; `y` where there was a ReLU.
    public static func batchNormBackward<F: Number>(
        P: Int, C: Int, epsilon: Double, x: UnsafePointer<F>, y: UnsafePointer<F>?, dy: UnsafePointer<F>,
        scale: UnsafePointer<F>, mean: UnsafePointer<Double>, variance: UnsafePointer<Double>, frozen: Bool,
        dx: UnsafeMutablePointer<F>, dscale: UnsafeMutablePointer<F>, dshift: UnsafeMutablePointer<F>,
        dresidual: UnsafeMutablePointer<F>?
    ) {
        for c in 0..<C {
            let inverse = 1 / (variance[c] + epsilon).squareRoot()
            let places = (0..<P).map { $0 * C + c }
            let g = places.map { (y?[$0] ?? 1) > 0 ? Double(dy[$0]) : 0 }
            let normal = places.map { (Double(x[$0]) - mean[c]) * inverse }
            let (sum, product) = (g.reduce(0, +), zip(g, normal).reduce(0) { $0 + $1.0 * $1.1 })
            (dscale[c], dshift[c]) = (F(product), F(sum))
            for p in 0..<P {
                let through = frozen ? 0 : (sum + normal[p] * product) / Double(P)
                dx[places[p]] = F((g[p] - through) * inverse * Double(scale[c]))
                dresidual?[places[p]] = F(g[p])
            }
        }
    }
}

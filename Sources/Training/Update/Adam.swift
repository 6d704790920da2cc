/// Adam, as PyTorch computes it without AMSGrad.
///
/// Sources: Kingma and Ba, "Adam" (ICLR 2015); Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019).
public struct AdamSettings: Sendable, Hashable {
    /// What the moving averages of the gradient and of its squares keep of the old value, each in [0, 1).
    public var betas: SIMD2<Double>
    /// Added to the root of the second moment.
    public var epsilon: Float
    /// AdamW: weights shrink by the factor 1 − η · decay. Otherwise decay · w is added to the gradient.
    public var isDecoupled: Bool

    public init(betas: SIMD2<Double>, epsilon: Float, isDecoupled: Bool) {
        self.betas = betas
        self.epsilon = epsilon
        self.isDecoupled = isDecoupled
    }

    /// What depends on the step alone: one step of one chunk.
    struct Step {
        let settings: AdamSettings
        private let decay: Float
        private let shrinking: Float
        private let (first, second, kept): (Float, Float, Float)
        private let size: Float
        private let root: Float

        /// - Parameter number: Of this step, from 1: skipped ones count.
        init(_ settings: AdamSettings, rate: Float, decay: Float, number: Int) {
            self.settings = settings
            self.decay = settings.isDecoupled ? 0 : decay
            shrinking = settings.isDecoupled ? Float(1 - Double(rate) * Double(decay)) : 1
            first = Float(1 - settings.betas.x)
            second = Float(1 - settings.betas.y)
            kept = Float(settings.betas.y)
            size = Float(Double(rate) / (1 - power(settings.betas.x, number)))
            root = Float((1 - power(settings.betas.y, number)).squareRoot())
        }

        /// - Parameter g: The mean gradient, weight decay not yet added.
        /// - Returns: New weights and moments.
        @inline(__always)
        func callAsFunction(_ w: Lanes, _ m: Lanes, _ v: Lanes, _ g: Lanes) -> (Lanes, Lanes, Lanes) {
            let g = g + w * decay
            let m1 = m + (g - m) * first
            let v1 = v * kept + g * g * second
            let denominator = v1.squareRoot() / root + settings.epsilon
            return (w * shrinking - m1 / denominator * size, m1, v1)
        }
    }
}

/// `base` to the power of `exponent` ≥ 0, by squaring: products of f64 only, so the same bits everywhere.
package func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}

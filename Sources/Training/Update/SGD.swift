/// SGD with momentum, in the two conventions that published recipes use.
public struct SGDSettings: Sendable, Hashable {
    /// Where the learning rate enters.
    public enum Convention: Sendable, Hashable {
        /// Caffe2: the rate is folded into the buffer. m' = μm + ηg; w −= m', with Nesterov (1 + μ)m' − μm.
        case rateInMomentum
        /// PyTorch: m' = μm + g; w −= ηm', with Nesterov η(g + μm').
        case rateOutside
    }

    public var momentum: Float
    public var nesterov: Bool
    public var convention: Convention

    public init(momentum: Float, nesterov: Bool, convention: Convention) {
        self.momentum = momentum
        self.nesterov = nesterov
        self.convention = convention
    }

    /// - Parameter g: The mean gradient, weight decay not yet added.
    /// - Returns: The new weights and the new momentum.
    @inline(__always)
    func step(_ w: Lanes, _ m: Lanes, _ g: Lanes, rate: Float, decay: Float) -> (Lanes, Lanes) {
        let g = g + w * decay
        switch convention {
        case .rateInMomentum:
            let m1 = m * momentum + g * rate
            return (nesterov ? w - (m1 * (1 + momentum) - m * momentum) : w - m1, m1)
        case .rateOutside:
            let m1 = m * momentum + g
            return (w - (nesterov ? g + m1 * momentum : m1) * rate, m1)
        }
    }
}

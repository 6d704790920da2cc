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
    /// Added to the mean gradient as `weightDecay` · w, on the chunks that decay.
    public var weightDecay: Float

    public init(momentum: Float, nesterov: Bool, convention: Convention, weightDecay: Float) {
        self.momentum = momentum
        self.nesterov = nesterov
        self.convention = convention
        self.weightDecay = weightDecay
    }
}

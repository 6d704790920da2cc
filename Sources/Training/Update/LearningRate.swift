/// The learning rate as a function of the step alone: the same whatever the cluster, and after any restart.
public struct LearningRate: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case constant
        /// Multiplied by `gamma` every `every` epochs.
        case steps(every: Double, gamma: Double)
        /// Half a cosine from the highest at step 0 to 0 at the end.
        case cosine
    }

    public var highest: Double
    public var kind: Kind
    public var steps: Int
    public var stepsPerEpoch: Double
    /// Epochs over which the rate rises linearly from `warmupFrom` · its own value.
    public var warmupEpochs: Double
    public var warmupFrom: Double

    public init(
        highest: Double, kind: Kind, steps: Int, stepsPerEpoch: Double, warmupEpochs: Double = 0,
        warmupFrom: Double = 1
    ) {
        self.highest = highest
        self.kind = kind
        self.steps = steps
        self.stepsPerEpoch = stepsPerEpoch
        self.warmupEpochs = warmupEpochs
        self.warmupFrom = warmupFrom
    }

    /// The rate of `step`.
    public func callAsFunction(_ step: Int) -> Float {
        let epoch = Double(step) / stepsPerEpoch
        var rate = highest
        switch kind {
        case .constant: break
        case .steps(let every, let gamma):
            // Products, not pow(): no libm, so the same bits everywhere.
            for _ in 0..<min(10_000, Int((epoch / every).rounded(.down))) { rate *= gamma }
        case .cosine: rate *= 0.5 * (1 + cosineOfHalfTurns(Double(step) / Double(max(1, steps))))
        }
        if epoch < warmupEpochs { rate *= warmupFrom + (1 - warmupFrom) * epoch / warmupEpochs }
        return Float(rate)
    }
}

/// cos(π x) for x in [0, 1], to about 1e-16, by a Taylor series of + and × only: no libm.
func cosineOfHalfTurns(_ x: Double) -> Double {
    // Fold to |angle| ≤ π/2 round the quarter turn: cos(πx) = −sin(π(x − ½)).
    let angle = Double.pi * (x - 0.5)
    let square = angle * angle
    var sum = 0.0
    var k = 27.0
    while k >= 3 {
        sum = (1 + sum) * (-square / (k * (k - 1)))
        k -= 2
    }
    return -(angle * (1 + sum))
}

/// A tensor that training changes: its name in checkpoints, its shape there, and how it starts.
public struct Parameter: Sendable, Equatable {
    /// What a parameter is to the optimizer: recipes decay some roles and spare others.
    public enum Role: String, Sendable, CaseIterable {
        /// Of a convolution `[K, C / groups, kt, kh, kw]` or a linear layer `[out, in]`.
        case weight
        /// Of a linear layer, or of a convolution that has one.
        case bias
        /// Of a batch norm: γ.
        case scale
        /// Of a batch norm: β.
        case shift
    }

    public let name: String
    /// Canonical, as in checkpoints of the family; row-major.
    public let shape: [Int]
    public let role: Role
    public let initialiser: Initialiser

    /// Elements.
    public var count: Int { shape.reduce(1, *) }
}

/// The moving averages of one batch-norm layer, which evaluation uses in place of a batch's own statistics.
public struct RunningStatistics: Sendable, Equatable {
    /// The layer's name.
    public let layer: String
    /// Channels.
    public let C: Int
    /// Names in checkpoints of the family.
    public let meanName: String
    public let varianceName: String
    /// Added to the variance before its root is taken.
    public let epsilon: Double
    /// The share of the newest value in the moving average: 0.1 is what PyTorch calls momentum 0.1 and Caffe2 0.9.
    public let momentum: Double
    /// Whether the running variance takes n/(n−1) of the batch's mean square deviation.
    public let unbiased: Bool
    /// Values of a channel in one clip: a unit of N clips has N times as many.
    public let positions: Int

    /// What the biased variance of N clips is multiplied by to be the family's: n/(n−1) of the values per channel, or 1.
    func varianceScale(N: Int) -> Double {
        let values = Double(N * positions)
        return unbiased && values > 1 ? values / (values - 1) : 1
    }
}

public import Wire

/// What is kept of each parameter, or of a layer's running statistics: f32 values, one for each element.
public enum Slot: String, Sendable, CaseIterable {
    /// The weights that are trained with; of a batch norm the running means, then variances. Always the first.
    case weights
    /// Of SGD.
    case momentum
    /// Of Adam: the moving averages of the gradient and of its squares.
    case firstMoment = "first_moment"
    case secondMoment = "second_moment"
    /// The moving average of the first slot over the steps.
    case average
}

extension Chunk {
    /// The state before the first step: these weights; an average begins with them, everything else with zeros.
    public func initialState(weights: Payload, pool: PayloadPool) -> [Payload] {
        kinds.map { kind in
            switch kind {
            case .weights, .average: return weights
            case .momentum, .firstMoment, .secondMoment:
                let zeros = pool.payload(count: slotBytes)
                zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
                return zeros
            }
        }
    }
}

extension NetworkDescription {
    /// Which batch norms are frozen when these parameters are, by number: those of which both are. They normalise with their
    /// running statistics, in training too, and leave them as they are.
    public func frozenStatistics(parameters isFrozen: [Bool]) -> [Bool] {
        var frozen = [Bool](repeating: false, count: statistics.count)
        for layer in layers {
            guard case .batchNorm(let index, let scale, let shift) = layer.operation else { continue }
            frozen[index] = isFrozen[scale] && isFrozen[shift]
        }
        return frozen
    }
}

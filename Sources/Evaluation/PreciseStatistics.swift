public import Models

/// Statistics of batch norms as means over many units with the weights as they are, in place of moving averages over
/// weights that have changed since: precise batch norm. Source: Wu and Johnson, "Rethinking \"Batch\" in BatchNorm" (2021).
///
/// Means of the units' means and of their variances, summed in f64 in the order of the units: the same for any number of
/// threads. PySlowFast's (fvcore's) `update_bn_stats` is the same mean.
/// - Parameters:
///   - pass: with the parameters set; it normalises with each unit's own statistics.
///   - units: how many; 1 or more.
///   - fill: writes the clips of a unit into the pass's input.
/// - Returns: for each batch norm of the network C means and C variances.
public func preciseStatistics<Failure: Error>(
    _ pass: TrainingPass, units: Int,
    fill: (_ unit: Int, _ input: UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
) throws(Failure) -> [(mean: [Float], variance: [Float])] {
    precondition(units >= 1, "\(units) units")
    var sums = pass.network.statistics.map { [Double](repeating: 0, count: 2 * $0.C) }
    for unit in 0..<units {
        try fill(unit, pass.input)
        pass.runForward()
        for (index, layer) in pass.network.statistics.enumerated() {
            for (c, value) in pass.mean(index).enumerated() { sums[index][c] += value }
            for (c, value) in pass.variance(index).enumerated() { sums[index][layer.C + c] += value }
        }
    }
    return zip(sums, pass.network.statistics).map { sum, layer in
        let values = sum.map { Float($0 / Double(units)) }
        return (Array(values[..<layer.C]), Array(values[layer.C...]))
    }
}

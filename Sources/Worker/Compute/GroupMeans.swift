/// The mean of the gradients and statistics of a unit's batch-norm groups, summed in their order: the same bits whoever
/// computes the unit.
package struct GroupMeans {
    /// Groups of the unit.
    let groups: Int
    /// The sums over the groups so far, by parameter and by layer (means, then variances).
    private var gradients: [Int: [Float]] = [:]
    private var statistics: [Int: [Double]] = [:]

    package init(groups: Int) { self.groups = groups }

    /// Adds a group's gradient of a parameter.
    /// - Parameter last: Of the unit: `tell` gets the mean then.
    package mutating func add(
        gradient: UnsafeBufferPointer<Float>, of parameter: Int, last: Bool,
        tell: (UnsafeBufferPointer<Float>) -> Void
    ) {
        guard groups > 1 else { return tell(gradient) }
        // Taken out, so that it is changed in place.
        guard var sum = gradients.removeValue(forKey: parameter) else {
            gradients[parameter] = Array(gradient)
            return
        }
        let share = last ? 1 / Float(groups) : 1
        sum.withUnsafeMutableBufferPointer { sum in
            for i in gradient.indices { sum[i] = (sum[i] + gradient[i]) * share }
        }
        if last { sum.withUnsafeBufferPointer(tell) } else { gradients[parameter] = sum }
    }

    /// Adds a group's means and variances of a layer.
    package mutating func add(
        means: ArraySlice<Double>, variances: ArraySlice<Double>, of layer: Int, last: Bool,
        tell: (_ means: ArraySlice<Double>, _ variances: ArraySlice<Double>) -> Void
    ) {
        guard groups > 1 else { return tell(means, variances) }
        let values = Array(means) + Array(variances)
        guard let sum = statistics.removeValue(forKey: layer) else {
            statistics[layer] = values
            return
        }
        let new = zip(sum, values).map(+)
        guard last else {
            statistics[layer] = new
            return
        }
        let mean = new.map { $0 / Double(groups) }
        tell(mean[..<means.count], mean[means.count...])
    }
}

public import Wire

extension TensorBoardHistogram {
    /// Of values, in `buckets` of equal width. What is not finite is left out.
    /// - Returns: nil when no value is finite.
    public init?(of values: some Collection<Float>, buckets: Int = 30) {
        var least = Double.infinity
        var greatest = -Double.infinity
        var (count, sum, squares) = (0, 0.0, 0.0)
        for value in values where value.isFinite {
            let value = Double(value)
            least = Swift.min(least, value)
            greatest = Swift.max(greatest, value)
            count += 1
            sum += value
            squares += value * value
        }
        guard count > 0 else { return nil }
        // All the same: one bucket round it.
        let width = greatest > least ? (greatest - least) / Double(buckets) : Swift.max(1e-12, abs(least) * 1e-3)
        var counts = [Double](repeating: 0, count: buckets)
        for value in values where value.isFinite {
            counts[Swift.min(buckets - 1, Int((Double(value) - least) / width))] += 1
        }
        // The first bucket is empty: it has the left edge.
        self.init(
            least: least, greatest: greatest, count: count, sum: sum, sumOfSquares: squares,
            edges: [least] + (1...buckets).map { least + Double($0) * width }, counts: [0] + counts)
    }
}

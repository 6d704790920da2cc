/// Scores of fully convolutional heads, from logits `[N][P][K]` at P positions; f64 inside.
public enum SoftmaxMean {
    /// Writes `scores[N][K]`: the mean over positions of the softmax over classes at each (PySlowFast), or with `joint` of
    /// one softmax over classes and positions together, whose scores add up to 1/P (VMZ).
    public static func run(
        N: Int, P: Int, K: Int, joint: Bool, logits: UnsafePointer<Float>, scores: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        pool.run(N) { n in
            let (rows, scores) = (logits + n * P * K, scores + n * K)
            let (group, groups) = joint ? (P * K, 1) : (K, P)
            withUnsafeTemporaryAllocation(of: Double.self, capacity: K) { sums in
                sums.initialize(repeating: 0)
                for g in 0..<groups {
                    let row = rows + g * group
                    var largest = row[0]
                    for i in 1..<max(group, 1) where row[i] > largest { largest = row[i] }
                    var sum = 0.0
                    for i in 0..<group { sum += exponential(Double(row[i]) - Double(largest)) }
                    for i in 0..<group { sums[i % K] += exponential(Double(row[i]) - Double(largest)) / sum }
                }
                for k in 0..<K { scores[k] = Float(sums[k] / Double(P)) }
            }
        }
    }
}

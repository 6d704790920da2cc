/// The rate of something that grows, over the last seconds.
public struct RateMeter: Sendable {
    private let window: Double
    private var samples: [(time: Double, amount: Int)] = []

    /// - Parameter window: seconds.
    public init(window: Double) { self.window = window }

    /// Takes the amount so far. Of samples close together the first counts, so that they stay few.
    public mutating func record(_ amount: Int, at time: Double) {
        if let last = samples.last, samples.count > 1, last.time - samples[samples.count - 2].time < window / 100 {
            samples.removeLast()
        }
        samples.append((time, amount))
        // One sample from before the window stays, as its beginning.
        while samples.count > 2, samples[1].time < time - window { samples.removeFirst() }
    }

    /// 0 until there is something to compare.
    public var perSecond: Double {
        guard let first = samples.first, let last = samples.last, last.time > first.time else { return 0 }
        return max(0, Double(last.amount - first.amount) / (last.time - first.time))
    }
}

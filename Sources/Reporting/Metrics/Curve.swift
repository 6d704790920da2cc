/// A series over the whole of a run in bounded memory: neighbouring steps share a bucket, and all buckets become twice as
/// wide when there are too many. Whatever the order in which a step's value comes, the buckets are the same.
public struct Curve: Sendable, Equatable {
    /// Steps [index · width, (index + 1) · width).
    public struct Bucket: Sendable, Equatable {
        public var index: Int
        public var count: Int
        public var sum: Double
        public var least: Double
        public var greatest: Double

        public var mean: Double { sum / Double(count) }

        mutating func take(_ other: Bucket) {
            count += other.count
            sum += other.sum
            least = min(least, other.least)
            greatest = max(greatest, other.greatest)
        }
    }

    /// Steps of a bucket, a power of two.
    public private(set) var width = 1
    /// In order of steps; steps without a value have none.
    public private(set) var buckets: [Bucket] = []
    private let most: Int

    /// - Parameter most: Buckets that there are at most; 2 at least.
    public init(most: Int = 512) {
        precondition(most >= 2, "a curve of \(most) buckets")
        self.most = most
    }

    /// The value at a step, 0 or later. What is not finite is no value.
    public mutating func add(step: Int, _ value: Double) {
        guard step >= 0, value.isFinite else { return }
        let new = Bucket(index: step / width, count: 1, sum: value, least: value, greatest: value)
        // Nearly always the last one.
        let place = buckets.lastIndex { $0.index <= new.index }
        if let place, buckets[place].index == new.index {
            buckets[place].take(new)
        } else {
            buckets.insert(new, at: place.map { $0 + 1 } ?? 0)
        }
        while buckets.count > most { widen() }
    }

    private mutating func widen() {
        width *= 2
        var merged: [Bucket] = []
        for var bucket in buckets {
            bucket.index /= 2
            if merged.last?.index == bucket.index {
                merged[merged.count - 1].take(bucket)
            } else {
                merged.append(bucket)
            }
        }
        buckets = merged
    }
}

/// Seconds since it was made, by a clock that nobody sets: what the machines are told as the time.
public struct MonotonicClock: Sendable {
    private let start = ContinuousClock.now

    public init() {}

    public var now: Double { (ContinuousClock.now - start) / .seconds(1) }
}

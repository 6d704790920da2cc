public import Wire

/// Notices by its ticks that a process was stopped (Control-Z), or its machine asleep.
///
/// Nobody could be heard meanwhile, and what they have said is still to be read: the pause is nobody's silence. Pure, told
/// the time like the machines that have one.
public struct PauseDetector: Sendable {
    private let interval: Double
    private let shortest: Double
    private var lastTick: Double?

    /// - Parameters:
    ///   - interval: Seconds between two ticks of a process that goes on.
    ///   - shortest: What lasts longer between two ticks is a pause; less is a busy process. No longer than the silence that
    ///     is judged: nobody's that began between two ticks is longer when the second comes.
    public init(interval: Double, shortest: Double) { (self.interval, self.shortest) = (interval, shortest) }

    /// For the silence of somebody whose connection broke.
    public init(ofBroken timing: ClusterTiming) { self.init(interval: timing.tick, shortest: timing.broken) }

    /// For the silence of somebody who ought to be heard with every heartbeat, which lasts for several: however busy the
    /// process is, whose ticks come no further apart than heartbeats has listened often enough before it judges.
    public init(ofHeartbeats timing: ClusterTiming) {
        self.init(interval: timing.tick, shortest: max(timing.broken, timing.heartbeat))
    }

    /// A tick has come.
    /// - Parameter now: Monotonic seconds.
    /// - Returns: What lay before it, if that was a pause.
    public mutating func tick(now: Double) -> Pause? {
        defer { lastTick = now }
        guard let lastTick, now - lastTick > shortest else { return nil }
        return Pause(seconds: max(0, now - lastTick - interval), end: now)
    }
}

/// Time that counts as nobody's silence.
public struct Pause: Sendable, Equatable {
    public let seconds: Double
    /// When it was noticed.
    public let end: Double

    package init(seconds: Double, end: Double) {
        self.seconds = seconds
        self.end = end
    }

    /// When a silence that had begun at `time` is taken to have begun, so that the pause is no part of it; never later
    /// than now.
    public func forgiven(_ time: Double) -> Double { min(end, time + seconds) }
}

/// Notices by its ticks that a process was stopped (Control-Z), or its machine asleep.
///
/// Nobody could be heard meanwhile, and what they have said is still to be read: the pause is nobody's silence. Pure, told
/// the time like the machines that have one.
public struct PauseDetector: Sendable {
    /// Of the time between two ticks so much is no pause: the process was busy.
    public static let busySeconds = 1.0

    private var lastTick: Double?

    public init() {}

    /// A tick has come.
    /// - Parameter now: Monotonic seconds.
    /// - Returns: What lay before it, if that was a pause.
    public mutating func tick(now: Double) -> Pause? {
        defer { lastTick = now }
        guard let lastTick, now - lastTick > Self.busySeconds else { return nil }
        return Pause(seconds: now - lastTick - Self.busySeconds, end: now)
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

import Protocol
import Synchronization

/// Tells a supervisor that wants to know that a thread is alive: three times within the time that it allows.
///
/// The thread itself calls `ticked`, so that a process whose thread hangs is found out while others of its threads live.
public final class Watchdog: Sendable {
    private let notice: ServiceNotice?
    private let interval: Double
    private let clock = MonotonicClock()
    private let next = Mutex(0.0)

    /// Nil, or a supervisor without a watchdog: nothing is told.
    public init(_ notice: ServiceNotice?) {
        self.notice = notice
        interval = (notice?.watchdog ?? .infinity) / 3
    }

    public func ticked() {
        guard let notice, interval.isFinite else { return }
        let isDue = next.withLock { next in
            guard clock.now >= next else { return false }
            next = clock.now + interval
            return true
        }
        if isDue { notice.alive() }
    }
}

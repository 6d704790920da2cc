import Synchronization
import Wire

/// What a worker said of itself last: the socket thread tells, Prometheus asks.
final class LatestProgress: Sendable {
    private let latest = Mutex(Progress())

    var value: Progress { latest.withLock { $0 } }
    func take(_ progress: Progress) { latest.withLock { $0 = progress } }
}

public import Wire

/// Where one worker's time has gone lately, from what its heartbeats say of the whole.
public struct WorkerCost: Sendable, Equatable {
    /// Seconds, of which older ones count less and less.
    public private(set) var recent = TimeSplit()
    /// Bytes a second, lately.
    public private(set) var sending = 0.0
    public private(set) var receiving = 0.0
    /// Units since it was taken in, as last told.
    public private(set) var last: Progress
    private var lastTime: Double

    /// Seconds after which what was counts a third.
    static let memory = 30.0

    public init(_ progress: Progress, now: Double) {
        last = progress
        lastTime = now
        recent = progress.time
        shrink()
    }

    /// - Parameter now: Seconds of the clock of the earlier calls.
    public mutating func take(_ progress: Progress, now: Double) {
        defer { last = progress }
        // A message has come, or the same one is looked at again.
        guard progress.time != last.time else { return }
        let elapsed = max(1e-3, now - lastTime)
        lastTime = now
        let fade = 1 / (1 + elapsed / Self.memory)
        let spent = TimeSplit(
            decode: rise(last.time.decode, progress.time.decode),
            compute: rise(last.time.compute, progress.time.compute),
            push: rise(last.time.push, progress.time.push), pull: rise(last.time.pull, progress.time.pull),
            wait: rise(last.time.wait, progress.time.wait))
        recent = TimeSplit(
            decode: fade * recent.decode + spent.decode, compute: fade * recent.compute + spent.compute,
            push: fade * recent.push + spent.push, pull: fade * recent.pull + spent.pull,
            wait: fade * recent.wait + spent.wait)
        let weight = min(1, elapsed / Self.memory * 3)
        sending += weight * (bytes(last.bytesSent, progress.bytesSent) / elapsed - sending)
        receiving += weight * (bytes(last.bytesReceived, progress.bytesReceived) / elapsed - receiving)
    }

    /// Shares that add up to 1; nil before there is anything to share.
    public var shares: TimeSplit? {
        let total = recent.total
        guard total > 0 else { return nil }
        return TimeSplit(
            decode: recent.decode / total, compute: recent.compute / total, push: recent.push / total,
            pull: recent.pull / total, wait: recent.wait / total)
    }

    /// What it did before we began to look is worth no more than a memory.
    private mutating func shrink() {
        let factor = min(1, Self.memory / max(1e-9, recent.total))
        recent = TimeSplit(
            decode: factor * recent.decode, compute: factor * recent.compute, push: factor * recent.push,
            pull: factor * recent.pull, wait: factor * recent.wait)
    }

    /// Sums fall only when a worker counts anew.
    private func rise(_ before: Double, _ after: Double) -> Double { max(0, after - before) }
    private func bytes(_ before: UInt64, _ after: UInt64) -> Double { after >= before ? Double(after - before) : 0 }
}

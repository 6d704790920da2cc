internal import Wire

/// Where a worker's time goes: between two events it does one thing.
struct Spending: Sendable {
    var since = 0.0
    /// A unit was on the compute thread, waiting for its clips or computing.
    var computing = 0.0
    /// Of that, the wait.
    var awaited = 0.0
}

extension Worker {
    /// Books the time since the last event.
    mutating func spend(until now: Double) {
        let elapsed = max(0, now - spending.since)
        spending.since = now
        switch progress.activity {
        case .computing: spending.computing += elapsed
        case .pushing: progress.time.push += elapsed
        case .pulling: progress.time.pull += elapsed
        case .waiting: progress.time.wait += elapsed
        case .unknown: break
        }
        // The wait is measured by the compute thread, and told a little later than the whole.
        progress.time.decode = min(spending.awaited, spending.computing)
        progress.time.compute = spending.computing - progress.time.decode
    }

    mutating func take(_ use: ResourceUse) {
        progress.decodedAhead = use.decodedAhead
        progress.residentBytes = use.residentBytes
        progress.decoding = max(progress.decoding, use.decoding.busy)
        progress.bytesSent = use.bytesSent
        progress.bytesReceived = use.bytesReceived
        spending.awaited = max(spending.awaited, use.decoding.awaited)
    }

    /// Until the next event.
    var activity: Progress.Activity {
        guard map != nil else { return .unknown }
        if computing != nil { return .computing }
        if leases.contains(where: { !$0.isComputed }) { return .pulling }
        return leases.contains { !$0.isDelivered } ? .pushing : .waiting
    }
}

internal import Wire

/// The coordinator's decisions, a pure machine: an event and the time go in, directives come out.
///
/// It knows members, leases, the map of owners, and which steps are in the ledger. The shell around it owns the socket,
/// the clock and the run directory.
public struct Coordinator: Sendable {
    let settings: CoordinatorSettings

    public init(settings: CoordinatorSettings, history: RunHistory) {
        self.settings = settings
    }

    /// - Parameter now: Monotonic seconds.
    public mutating func handle(_ event: CoordinatorEvent, now: Double) -> [CoordinatorDirective] {
        []
    }
}

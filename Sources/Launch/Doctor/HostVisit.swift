/// What a doctor learnt of one machine.
public struct HostVisit: Sendable, Equatable {
    /// As `cluster.conf` calls it.
    public var name: String
    public var version: String?
    public var clock: ClockDifference?
    public var facts: HostFacts?
    public var reach: HostReach?
    /// What went wrong on the way; what is missing above is missing for that.
    public var problems: [HostProblem]

    public init(
        name: String, version: String? = nil, clock: ClockDifference? = nil, facts: HostFacts? = nil,
        reach: HostReach? = nil, problems: [HostProblem] = []
    ) {
        self.name = name
        self.version = version
        self.clock = clock
        self.facts = facts
        self.reach = reach
        self.problems = problems
    }
}

/// How far another machine's clock is ahead of this one's.
public struct ClockDifference: Sendable, Equatable {
    /// Seconds; below 0 where it is behind.
    public var seconds: Double
    /// The truth is at most so many seconds away.
    public var within: Double

    public init(seconds: Double, within: Double) {
        self.seconds = seconds
        self.within = within
    }

    /// How far this clock is ahead of another, of which the same machine knows.
    func ahead(of other: ClockDifference) -> ClockDifference {
        ClockDifference(seconds: seconds - other.seconds, within: within + other.within)
    }

    /// Of what the other clock said between two moments of this one's: the shortest round trip tells most. Half of it is
    /// what nobody can know (Cristian, "Probabilistic clock synchronization", 1989).
    /// - Returns: nil without samples.
    public init?(_ samples: [(sent: Double, there: Double, received: Double)]) {
        guard let best = samples.min(by: { $0.received - $0.sent < $1.received - $1.sent }) else { return nil }
        within = (best.received - best.sent) / 2
        seconds = best.there - (best.sent + best.received) / 2
    }
}

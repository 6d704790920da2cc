public import Wire

/// What is known of a run while it goes on: a pure machine, fed by the coordinator's shell. A copy of it is a snapshot.
///
/// Its memory is bounded, whatever the length of the run: curves are thinned, events are the newest, workers are those that
/// are here.
public struct RunMetrics: Sendable {
    public let facts: RunFacts
    /// When this coordinator began, in seconds since 1970.
    public let began: Double
    /// Rises with everything that is taken.
    public private(set) var revision = 0

    public private(set) var loss = Curve()
    public private(set) var accuracy = Curve()
    public private(set) var learningRate = Curve()
    public private(set) var gradientNorm = Curve()
    public private(set) var clipsPerSecond = Curve()
    /// Share of videos told right, by step.
    public private(set) var validation: [Validation] = []
    public private(set) var ring = EventRing()

    /// The newest step that counts.
    public private(set) var newest: StepPoint?
    public private(set) var status: ClusterStatus?
    public private(set) var costs: [Incarnation: WorkerCost] = [:]
    public private(set) var pace = Pace()
    /// Since this coordinator began.
    public private(set) var counters = Counters()
    /// Seconds of its steps, replayed ones too.
    public private(set) var durations = Histogram(
        bounds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000])
    /// When a step was committed last, on the clock of `now`.
    public private(set) var lastCommit: Double?
    /// The code and the reason, when the run has ended.
    public private(set) var ending: RunEnding?

    /// Steps up to here are in the curves: a step counts once.
    private var plotted = -1

    public struct Validation: Sendable, Equatable {
        public var step: Int
        public var videoTop1: Double
        public var isBest: Bool

        public init(step: Int, videoTop1: Double, isBest: Bool) {
            (self.step, self.videoTop1, self.isBest) = (step, videoTop1, isBest)
        }
    }

    public struct RunEnding: Sendable, Equatable {
        public var code: Int
        public var reason: String
    }

    public struct Counters: Sendable, Equatable {
        public var steps = 0
        public var replayedSteps = 0
        public var skippedSteps = 0
        public var clips = 0
        public var checkpoints = 0
        public var newestCheckpointTime: Double?
    }

    /// - Parameter now: Seconds since 1970.
    public init(_ facts: RunFacts, now: Double) {
        self.facts = facts
        began = now
    }

    /// Steps of earlier coordinators, from `metrics.jsonl`, where lines that were added late stand behind those of later
    /// steps.
    public mutating func restore(_ points: [StepPoint]) {
        for point in points.sorted(by: { $0.step < $1.step }) { plot(point) }
        revision += 1
    }

    public mutating func restore(_ earlier: Validation) { validated(earlier) }

    /// A step is in the ledger, or was computed again after a rollback.
    /// - Parameter now: Seconds since 1970, as everywhere.
    public mutating func committed(_ point: StepPoint, isReplayed: Bool, now: Double) {
        revision += 1
        pace.committed(clips: point.clips, now: now)
        lastCommit = now
        durations.add(point.seconds)
        if isReplayed {
            counters.replayedSteps += 1
        } else {
            counters.steps += 1
            counters.clips += point.clips
            if point.isSkipped { counters.skippedSteps += 1 }
        }
        plot(point)
    }

    private mutating func plot(_ point: StepPoint) {
        guard point.step > plotted else { return }
        plotted = point.step
        newest = point
        loss.add(step: point.step, point.loss)
        accuracy.add(step: point.step, point.accuracy)
        learningRate.add(step: point.step, point.learningRate)
        gradientNorm.add(step: point.step, point.gradientNorm)
        if point.seconds > 0 { clipsPerSecond.add(step: point.step, point.clipsPerSecond) }
    }

    public mutating func observed(_ status: ClusterStatus, now: Double) {
        revision += 1
        self.status = status
        var costs: [Incarnation: WorkerCost] = [:]
        for member in status.members {
            var cost = self.costs[member.incarnation] ?? WorkerCost(member.progress, now: now)
            cost.take(member.progress, now: now)
            costs[member.incarnation] = cost
        }
        self.costs = costs
    }

    public mutating func happened(_ kind: RunEvent.Kind, _ text: String, now: Double) {
        revision += 1
        ring.add(kind, text, time: now)
        if kind == .checkpoint {
            counters.checkpoints += 1
            counters.newestCheckpointTime = now
        }
    }

    public mutating func validated(_ result: Validation) {
        revision += 1
        // Far more than any recipe asks for; of more the newest stay.
        if validation.count == 4096 { validation.removeFirst() }
        validation.append(result)
    }

    public mutating func ended(code: Int, reason: String) {
        revision += 1
        ending = RunEnding(code: code, reason: reason)
    }

    /// Seconds until the last step, at the pace of the last ones; nil before there is one.
    public func remaining(now: Double) -> Double? {
        guard let pace = pace.secondsPerStep(now: now) else { return nil }
        return Double(max(0, facts.steps - step)) * pace
    }

    /// Steps that the state has seen.
    public var step: Int { status?.step ?? (newest.map { $0.step + 1 } ?? 0) }

    /// How the workers' time is spent now, all together: shares that add up to 1.
    public var shares: TimeSplit? {
        let members = (status?.members ?? []).filter { $0.state == "active" || $0.state == "suspect" }
        let all = members.compactMap { costs[$0.incarnation]?.shares }
        guard !all.isEmpty else { return nil }
        let count = Double(all.count)
        func mean(_ part: (TimeSplit) -> Double) -> Double { all.reduce(0) { $0 + part($1) } / count }
        return TimeSplit(
            decode: mean(\.decode), compute: mean(\.compute), push: mean(\.push), pull: mean(\.pull), wait: mean(\.wait)
        )
    }
}

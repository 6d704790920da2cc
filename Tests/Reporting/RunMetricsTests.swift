import Reporting
import Testing
import Wire

@Suite struct RunMetricsTests {
    static let facts = RunFacts(
        name: "run", model: "r2plus1d-18", facts: [], recipe: "", steps: 100, clipsPerStep: 16, units: 4,
        epochs: [.init(step: 100, epoch: 10)], version: "1", folder: "/run")

    static func point(_ step: Int, loss: Double = 1, seconds: Double = 2) -> StepPoint {
        StepPoint(
            step: step, loss: loss, accuracy: 0.5, learningRate: 0.1, gradientNorm: 1, clips: 16, seconds: seconds)
    }

    static func status(step: Int, _ members: [MemberStatus] = []) -> ClusterStatus {
        ClusterStatus(
            generation: 1, phase: "stepping", step: step, steps: 100, map: 1, newestCheckpoint: 0, members: members,
            waitingFor: [])
    }

    static func member(_ incarnation: UInt64, _ time: TimeSplit, sent: UInt64 = 0, late: String = "") -> MemberStatus {
        MemberStatus(
            incarnation: incarnation, name: "w", host: "h", process: 1, threads: 1, state: "active", chunks: 1,
            leases: [], unitsPerSecond: 1, silentSeconds: 0, progress: Progress(time: time, bytesSent: sent), late: late
        )
    }

    @Test func paceIsThatOfTheClockAndSoIsTheRest() throws {
        var metrics = RunMetrics(Self.facts, now: 1000)
        #expect(metrics.remaining(now: 1000) == nil)
        for step in 0..<10 { metrics.committed(Self.point(step), isReplayed: false, now: 1000 + 4 * Double(step)) }
        metrics.observed(Self.status(step: 10), now: 1036)
        // 4 s from step to step, though each took 2 s: the time between steps counts, too.
        #expect(metrics.pace.secondsPerStep(now: 1036) == 4)
        #expect(metrics.pace.clipsPerSecond(now: 1036) == 4)
        #expect(metrics.remaining(now: 1036) == 360)
        // Nothing comes any more: what is left does not stay small.
        #expect(try #require(metrics.remaining(now: 1136)) > 1000)
    }

    @Test func aStepCountsOnceInTheCurves() {
        var metrics = RunMetrics(Self.facts, now: 0)
        metrics.restore([Self.point(0, loss: 3), Self.point(1, loss: 2)])
        // After a rollback it is computed again.
        metrics.committed(Self.point(1, loss: 2), isReplayed: true, now: 1)
        metrics.committed(Self.point(2, loss: 1), isReplayed: false, now: 2)
        #expect(metrics.loss.buckets.map(\.mean) == [3, 2, 1])
        #expect(metrics.loss.buckets.allSatisfy { $0.count == 1 })
        #expect(metrics.counters.steps == 1 && metrics.counters.replayedSteps == 1)
        #expect(metrics.durations.count == 2 && metrics.durations.sum == 4)
    }

    /// A coordinator that was killed owed their lines; the next one added them behind those that were there.
    @Test func linesThatWereAddedLateAreInTheCurves() {
        var metrics = RunMetrics(Self.facts, now: 0)
        let losses = [5.0, 4, 3, 2]
        metrics.restore([0, 3, 1, 2, 3].map { Self.point($0, loss: losses[$0]) })
        #expect(metrics.loss.buckets.map(\.mean) == losses)
        #expect(metrics.loss.buckets.allSatisfy { $0.count == 1 })
        #expect(metrics.newest?.step == 3)
    }

    @Test func costsAreSharesOfTheRecentPast() throws {
        var metrics = RunMetrics(Self.facts, now: 0)
        metrics.observed(Self.status(step: 0, [Self.member(1, TimeSplit(wait: 1000))]), now: 0)
        // What was long ago must not hide what is: an hour of nothing but computing.
        for second in 1...3600 {
            let time = TimeSplit(compute: 0.75 * Double(second), push: 0.25 * Double(second), wait: 1000)
            metrics.observed(
                Self.status(step: 0, [Self.member(1, time, sent: UInt64(second) * 1000)]), now: Double(second))
        }
        let shares = try #require(metrics.shares)
        // The memory of 30 s has forgotten the wait: e^-120 is nothing. Rounding only.
        #expect(abs(shares.compute - 0.75) < 1e-9 && abs(shares.push - 0.25) < 1e-9 && shares.wait < 1e-9)
        #expect(abs(try #require(metrics.costs[1]).sending - 1000) < 1)
    }

    @Test func aWorkerThatCountsAnewTakesNothingAway() throws {
        var metrics = RunMetrics(Self.facts, now: 0)
        metrics.observed(Self.status(step: 0, [Self.member(1, TimeSplit(compute: 50), sent: 500)]), now: 0)
        metrics.observed(Self.status(step: 0, [Self.member(1, TimeSplit(compute: 1), sent: 10)]), now: 1)
        let cost = try #require(metrics.costs[1])
        #expect(cost.recent.compute >= 0 && cost.sending >= 0)
        // Gone: so is what is known of it.
        metrics.observed(Self.status(step: 0), now: 2)
        #expect(metrics.costs.isEmpty && metrics.shares == nil)
    }

    @Test func eventsAreBoundedAndCounted() {
        var ring = EventRing(most: 3)
        for i in 0..<5 { ring.add(i == 4 ? .died : .joined, "\(i)", time: Double(i)) }
        #expect(ring.events.map(\.text) == ["2", "3", "4"])
        #expect(ring.events.map(\.number) == [3, 4, 5])
        #expect(ring.counts[.joined] == 4 && ring.counts[.died] == 1 && ring.total == 5)
    }

    @Test func linesOfMetricsComeBack() throws {
        let line =
            #"{"step":7,"loss":1.25,"accuracy":0.5,"learning_rate":0.03,"gradient_norm":null,"clips":16,"seconds":2.5,"note":"a \"step\":9, {b","skipped":true,"generation":2}"#
        let point = try #require(StepPoint(line: line.utf8))
        #expect(point.step == 7 && point.loss == 1.25 && point.clips == 16 && point.seconds == 2.5)
        #expect(point.gradientNorm.isNaN && point.isSkipped && point.learningRate == 0.03)
        // Torn off by a crash, empty, or somebody's own.
        for torn in [
            "", "{", #"{"step":7,"lo"#, #"{"loss":1}"#, #"{"step":-1,"loss":1}"#, "[1,2]", #"{"step":1e400,"loss":0}"#,
        ] {
            #expect(StepPoint(line: torn.utf8) == nil, "\(torn)")
        }
    }

    @Test func anyBytesAreALine() {
        for seed in 0..<2000 {
            var word = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
            let letters = Array(#"{}:",\step10e-9 loss"#.utf8)
            let line = (0..<40).map { _ in
                word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return letters[Int(word >> 33) % letters.count]
            }
            if let point = StepPoint(line: line) { #expect(point.step >= 0, "seed \(seed)") }
        }
    }
}

import Evaluation
import Testing

/// The plan against steps worked out by hand.
@Suite struct ClusterPlanTests {
    /// A unit of 1 s whose backward pass gives 100 MB at 0.5 s and 20 MB at its end.
    private let costs = ClusterPlan.Costs(
        unitSeconds: 1,
        gradients: [.init(seconds: 0.5, bytes: 100_000_000), .init(seconds: 1, bytes: 20_000_000)],
        slots: 2, wireSecondsPerByte: 1e-9, copySecondsPerByte: 0.25e-9, sumSecondsPerByte: 0.5e-9,
        digestSecondsPerByte: 0.1e-9, updateSecondsPerByte: 2e-9, decodeSecondsPerClip: 0, commitSeconds: 0.004)

    private func cluster(_ workers: Int, units: Int, rate: Double = 1e9, processors: Double = 3) -> ClusterPlan.Cluster
    {
        .init(
            workers: workers, units: units, clipsPerUnit: 4, replicas: 2, bytesPerSecond: rate, computeThreads: 2,
            decodeThreads: 1, processors: processors)
    }

    private func expect(_ value: Double?, _ wanted: Double, _ at: SourceLocation = #_sourceLocation) {
        #expect(abs((value ?? .nan) - wanted) < 1e-9, "\(value ?? .nan), not \(wanted)", sourceLocation: at)
    }

    @Test func oneWorkerComputesAndUpdates() {
        let plan = ClusterPlan(costs, cluster(1, units: 8))
        #expect(plan.unitsOfBusiest == 8 && plan.idleWorkers == 0 && plan.bottleneck == .computing)
        // 120 MB of weights are loaded.
        expect(plan.seconds[.computing], 8 + 0.03)
        // 120 MB, once.
        expect(plan.seconds[.updating], 0.24)
        expect(plan.bytesOfWorker, 0)
        expect(plan.seconds[.commit], 0.004)
        expect(plan.stepSeconds, 8 + 0.03 + 0.24 + 0.004)
        expect(plan.efficiency, 1)
    }

    @Test func aFastLinkHidesAllButTheLastGradient() {
        let plan = ClusterPlan(costs, cluster(4, units: 8))
        expect(plan.seconds[.computing], 2 + 0.03)
        // Three quarters to owners and one to buddies: 120 MB; the first 100 MB are gone at 0.6 s, the rest at 1.02 s.
        expect(plan.seconds[.pushing], 0.02)
        // Two of four workers have the weights already.
        expect(plan.seconds[.fetching], 0.06)
        // Owner and buddy: half of 120 MB.
        expect(plan.seconds[.updating], 0.12)
        expect(plan.bytesOfWorker, 2 * 120_000_000 * 3 / 4)
    }

    @Test func aSlowLinkIsTheBottleneck() {
        let plan = ClusterPlan(costs, cluster(4, units: 4, rate: 1e8))
        // 120 MB from 0.5 s on.
        expect(plan.seconds[.pushing], 0.5 + 1.2 - 1)
        expect(plan.seconds[.fetching], 0.6)
        let slower = ClusterPlan(costs, cluster(4, units: 4, rate: 1e7))
        #expect(slower.bottleneck == .pushing)
    }

    @Test func rootsThatAreNotGoneYetDelayTheLast() {
        let plan = ClusterPlan(costs, cluster(2, units: 12, rate: 1e7))
        // One and a half roots, 60 MB of each for the other one, take 9 s; five units are computed meanwhile. Then 120 MB.
        expect(plan.seconds[.pushing], 9 - 5 + 12 - 1)
        #expect(plan.bottleneck == .pushing)
    }

    @Test func socketsThatTakeLongerThanComputingAreNotHidden() {
        var costs = costs
        costs.wireSecondsPerByte = 50e-9
        let plan = ClusterPlan(costs, cluster(2, units: 4))
        // 120 MB each way take 6 s of a processor of their own; sums and digests as below.
        expect(plan.seconds[.updating], 0.24 + 6 + 0.09 + 0.1 * (0.24 + 0.06 * 7) - (2 + 0.03))
    }

    @Test func withoutAProcessorToSpareSocketsAndSumsAddUp() {
        let spare = ClusterPlan(costs, cluster(2, units: 4))
        let none = ClusterPlan(costs, cluster(2, units: 4, processors: 2))
        // 120 MB sent and as many received. Two units added to one root of 120 MB, two roots to one sum of 60: 180 MB.
        // Digested: the root, 60 MB of each worker's, the sum twice, the buddy's sum once, two slots as owner and as buddy.
        expect(
            (none.seconds[.updating] ?? 0) - (spare.seconds[.updating] ?? 0), 0.12 + 0.09 + 0.1 * (0.24 + 0.06 * 7))
        expect(spare.seconds[.fetching], 0)
    }

    @Test func oneWorkerSumsAndDigestsAsWell() {
        let spare = ClusterPlan(costs, cluster(1, units: 8))
        let none = ClusterPlan(costs, cluster(1, units: 8, processors: 2))
        // Eight units in seven sums. The root is digested, verified, digested as the sum, and its norm is taken; without a
        // buddy nobody asks for a digest of the slots.
        expect((none.seconds[.updating] ?? 0) - (spare.seconds[.updating] ?? 0), 0.42 + 0.1 * 0.48)
        expect(spare.secondsOfOne, spare.stepSeconds)
        expect(none.secondsOfOne, none.stepSeconds)
    }

    @Test func withoutBuddiesNobodyComparesStates() {
        func exchange(replicas: Int) -> Double {
            var (spare, none) = (cluster(4, units: 4), cluster(4, units: 4, processors: 2))
            (spare.replicas, none.replicas) = (replicas, replicas)
            let seconds = [none, spare].map { ClusterPlan(costs, $0).seconds[.updating] ?? 0 }
            return seconds[0] - seconds[1]
        }
        // Owner and each buddy digest two slots of 30 MB, and each buddy verifies the sum.
        expect(exchange(replicas: 2) - exchange(replicas: 1), 0.1 * 0.03 * 5)
        expect(exchange(replicas: 3) - exchange(replicas: 2), 0.1 * 0.03 * 3)
    }

    @Test func blocksAreOfPowersOfTwo() {
        for (units, workers, roots) in [
            (1, 1, 1), (8, 1, 1), (8, 2, 2), (8, 4, 4),
            // 8 + 4; 4 + 2 + 1.
            (12, 1, 2), (7, 1, 3),
            // 4, 4, 2, 1, 1; three of 4; four of 2 and four of 1; three of 2 and two of 1.
            (12, 2, 5), (12, 3, 3), (12, 4, 8), (8, 3, 5),
            // Four workers have none.
            (8, 12, 8),
        ] { #expect(ClusterPlan.roots(units: units, workers: workers) == roots, "\(units) units, \(workers) workers") }
    }

    @Test func moreRootsAreMoreBytes() {
        let spare = ClusterPlan(costs, cluster(2, units: 12))
        let none = ClusterPlan(costs, cluster(2, units: 12, processors: 2))
        // Five roots on two workers, half of each for the other one; one sum to the buddy.
        expect(none.bytesOfWorker, 60_000_000 * (2.5 + 1))
        // Six units of 120 MB are summed but for half of one, however many roots there are; each root is digested, and
        // verified half by half.
        expect(
            (none.seconds[.updating] ?? 0) - (spare.seconds[.updating] ?? 0),
            0.21 + 0.33 + 0.1 * (2 * 0.3 + 0.06 * 7))
    }

    /// Half a processor's time: what is no computing takes twice as long by the clock.
    @Test func withAPartOfAProcessorAllElseTakesLonger() {
        var costs = costs
        costs.decodeSecondsPerClip = 0.1
        let none = ClusterPlan(costs, cluster(2, units: 4, processors: 1))
        let half = ClusterPlan(costs, cluster(2, units: 4, processors: 0.5))
        expect(half.seconds[.updating], 2 * (none.seconds[.updating] ?? 0))
        // Two units of 1 s by the clock, 8 clips, and weights to load.
        expect(none.seconds[.computing], 2 + 0.8 + 0.03)
        expect(half.seconds[.computing], 2 + 1.6 + 0.06)
    }

    @Test func decodingIsHiddenUntilItIsNot() {
        var costs = costs
        costs.decodeSecondsPerClip = 0.2
        // 4 clips of a unit in 0.8 s, beside 1 s of computing.
        expect(ClusterPlan(costs, cluster(2, units: 4)).seconds[.decoding], 0)
        costs.decodeSecondsPerClip = 0.5
        expect(ClusterPlan(costs, cluster(2, units: 4)).seconds[.decoding], 2 * 2 - 2 - 0.03)
    }

    @Test func whoGetsNoUnitIsCounted() {
        let plan = ClusterPlan(costs, cluster(12, units: 8))
        #expect(plan.idleWorkers == 4 && plan.unitsOfBusiest == 1)
        #expect(plan.efficiency < 0.7)
        #expect(ClusterPlan(costs, cluster(3, units: 8)).unitsOfBusiest == 3)
    }
}

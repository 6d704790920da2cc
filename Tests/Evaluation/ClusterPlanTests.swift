import Evaluation
import Testing

/// The plan against steps worked out by hand.
@Suite struct ClusterPlanTests {
    /// A unit of 1 s whose backward pass gives 100 MB at 0.5 s and 20 MB at its end.
    private let costs = ClusterPlan.Costs(
        unitSeconds: 1,
        gradients: [.init(seconds: 0.5, bytes: 100_000_000), .init(seconds: 1, bytes: 20_000_000)],
        wireSecondsPerByte: 1e-9, sumSecondsPerByte: 0.5e-9, updateSecondsPerByte: 2e-9, decodeSecondsPerClip: 0,
        commitSeconds: 0.004)

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
        expect(plan.seconds[.computing], 8)
        // 120 MB, once.
        expect(plan.seconds[.updating], 0.24)
        expect(plan.bytesOfWorker, 0)
        expect(plan.seconds[.commit], 0.004)
        expect(plan.stepSeconds, 8 + 0.24 + 0.004)
        expect(plan.efficiency, 1)
    }

    @Test func aFastLinkHidesAllButTheLastGradient() {
        let plan = ClusterPlan(costs, cluster(4, units: 8))
        expect(plan.seconds[.computing], 2)
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

    @Test func withoutAProcessorToSpareSocketsAndSumsAddUp() {
        let spare = ClusterPlan(costs, cluster(2, units: 4))
        let none = ClusterPlan(costs, cluster(2, units: 4, processors: 2))
        // 120 MB sent and as many received, 60 MB summed.
        expect((none.seconds[.updating] ?? 0) - (spare.seconds[.updating] ?? 0), 0.12 + 0.03)
        expect(spare.seconds[.fetching], 0)
    }

    /// Half a processor's time: what is no computing takes twice as long by the clock.
    @Test func withAPartOfAProcessorAllElseTakesLonger() {
        var costs = costs
        costs.decodeSecondsPerClip = 0.1
        let none = ClusterPlan(costs, cluster(2, units: 4, processors: 1))
        let half = ClusterPlan(costs, cluster(2, units: 4, processors: 0.5))
        expect(half.seconds[.updating], 2 * (none.seconds[.updating] ?? 0))
        // Two units of 1 s by the clock, and 8 clips.
        expect(none.seconds[.computing], 2 + 0.8)
        expect(half.seconds[.computing], 2 + 1.6)
    }

    @Test func decodingIsHiddenUntilItIsNot() {
        var costs = costs
        costs.decodeSecondsPerClip = 0.2
        // 4 clips of a unit in 0.8 s, beside 1 s of computing.
        expect(ClusterPlan(costs, cluster(2, units: 4)).seconds[.decoding], 0)
        costs.decodeSecondsPerClip = 0.5
        expect(ClusterPlan(costs, cluster(2, units: 4)).seconds[.decoding], 2 * 2 - 2)
    }

    @Test func whoGetsNoUnitIsCounted() {
        let plan = ClusterPlan(costs, cluster(12, units: 8))
        #expect(plan.idleWorkers == 4 && plan.unitsOfBusiest == 1)
        #expect(plan.efficiency < 0.7)
        #expect(ClusterPlan(costs, cluster(3, units: 8)).unitsOfBusiest == 3)
    }
}

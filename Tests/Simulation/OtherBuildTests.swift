import Coordinator
import Testing
import Wire

/// A run that is continued with other kernels or libraries would end with other weights: who lets it, and what is written
/// down of it.
@Suite struct OtherBuildTests {
    private let old = [Fingerprint(name: "numerics", value: "a"), Fingerprint(name: "versions", value: "1")]
    private let new = [Fingerprint(name: "numerics", value: "b"), Fingerprint(name: "versions", value: "1")]

    /// The ledger of so many steps, by one worker.
    private func train(_ cluster: inout CoordinatorByHand, steps: Int) throws -> [LedgerRecord] {
        for _ in 0..<steps {
            let lease = try #require(cluster.members[1]?.leases.last)
            cluster.finish(lease, 1)
            cluster.reduce(step: lease.step, 1)
        }
        return cluster.ledger
    }

    private func history(_ ledger: [LedgerRecord]) -> RunHistory {
        RunHistory(
            checkpoint: ledger.count, ledgerCount: ledger.count, computedWith: ledger.computedWith)
    }

    @Test func theFirstRecordSaysWhatTheStepsWereComputedWith() throws {
        var cluster = try CoordinatorByHand(units: 1, workers: 1, fingerprints: old)
        let ledger = try train(&cluster, steps: 3)
        #expect(ledger.map(\.computedWith) == [old, [], []])
        #expect(ledger.computedWith == old)
        // Where the disk is lost, a worker's copy says it, too.
        #expect(cluster.members[1]?.records == ledger)
    }

    @Test func anotherBuildIsTurnedAwayAndToldWhy() throws {
        var before = try CoordinatorByHand(units: 1, workers: 1, fingerprints: old)
        let ledger = try train(&before, steps: 2)
        var cluster = try CoordinatorByHand(units: 1, workers: 1, fingerprints: new, history: history(ledger))
        let reason = try #require(cluster.members[1]?.refusal?.reason)
        #expect(reason.contains("numerics differs: the run's ledger has a, w1 has b"))
        #expect(reason.contains("--accept-other-build"))
        #expect(cluster.members[1]?.leases == [])
        // The one that began the run goes on, and there is nothing new to say.
        cluster.join(2, old)
        #expect(cluster.members[2]?.refusal == nil)
        let lease = try #require(cluster.members[2]?.leases.last)
        cluster.finish(lease, 2)
        cluster.reduce(step: lease.step, 2)
        #expect(cluster.ledger.map(\.computedWith) == [[]])
    }

    @Test func whereItIsAcceptedTheLedgerSaysFromWhichStepOn() throws {
        var before = try CoordinatorByHand(units: 1, workers: 1, fingerprints: old)
        var ledger = try train(&before, steps: 2)
        var cluster = try CoordinatorByHand(
            units: 1, workers: 1, fingerprints: new, history: history(ledger), acceptsOtherBuild: true)
        ledger += try train(&cluster, steps: 2)
        #expect(ledger.map(\.computedWith) == [old, [], new, []])
        // Those of this generation agree among themselves all the same.
        cluster.join(2, old)
        #expect(cluster.members[2]?.refusal?.reason.contains("w1 has b") == true)
        #expect(ledger.computedWith == new)
    }

    /// A run of a release that did not write it down.
    @Test func whereNothingIsKnownTheNextStepSaysIt() throws {
        let unknown = RunHistory(checkpoint: 3, ledgerCount: 3)
        var cluster = try CoordinatorByHand(units: 1, workers: 1, fingerprints: new, history: unknown)
        #expect(try train(&cluster, steps: 2).map(\.computedWith) == [new, []])
    }
}

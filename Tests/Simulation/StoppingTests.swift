import Coordinator
import Testing
import Wire

/// Whoever dies while the checkpoint is made that ends a run, or that everybody leaves behind.
@Suite struct StoppingTests {
    @Test func theBuddySavesWhatADeadOwnerHasNotSent() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.compute(step: 0)
        cluster.tell(.stopRequested("enough"))
        cluster.compute(step: 1)
        try #require(cluster.owner == 1 && cluster.members[1]?.snapshots == [2])
        cluster.tell(.processEnded(1))
        #expect(cluster.abandoned == [2])
        #expect(cluster.owner == 2 && cluster.members[2]?.snapshots == [2])
        #expect(cluster.members[2]?.stop == nil)
        cluster.save(version: 2, 2)
        #expect(cluster.checkpoints == [2])
        cluster.pass(1, heard: [2])
        #expect(cluster.members[2]?.stop == 75)
        #expect(cluster.endings.first?.code == 75)
    }

    @Test func whatNobodyHoldsAnyMoreIsLeftToTheOlderCheckpoint() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.compute(step: 0)
        cluster.tell(.stopRequested("enough"))
        cluster.compute(step: 1)
        cluster.tell(.processEnded(2))
        #expect(cluster.endings.isEmpty && cluster.abandoned == [], "the owner lives, and sends")
        cluster.tell(.processEnded(1))
        #expect(cluster.endings.first?.code == 75)
        #expect(cluster.checkpoints == [])
    }

    /// A whole job gets SIGTERM: all are leaving, and the first of them is killed before the others.
    @Test func thoseWhoLeaveTakeADeadOwnersPlaceAsWell() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.say(.leaving, 1)
        cluster.say(.leaving, 2)
        cluster.compute(step: 0)
        try #require(cluster.members[1]?.snapshots == [1])
        cluster.tell(.processEnded(1))
        cluster.save(version: 1, 2)
        #expect(cluster.checkpoints == [1])
        #expect(cluster.members[2]?.stop == 0, "it may go now")
    }

    /// The step under way is given up, the steps before it are not.
    @Test func aStopSavesWhatTheLivingHoldWhenTheStepMustBeginAnew() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.compute(step: 0)
        cluster.tell(.stopRequested("enough"))
        let alarm = Alarm(
            map: cluster.members[1]?.map ?? 0, step: 1, block: UnitBlock(first: 0, log2: 0), chunk: 0, first: 1,
            second: 2)
        cluster.say(.alarm(alarm), 1)
        try #require(cluster.members[1]?.snapshots == [1])
        cluster.save(version: 1, 1)
        cluster.compare(version: 1, 2)
        #expect(cluster.checkpoints == [1])
        #expect(cluster.members[1]?.stop == 75)
    }
}

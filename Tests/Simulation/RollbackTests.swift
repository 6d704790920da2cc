import Coordinator
import Faults
import Testing
import Wire

/// What is on its way while everybody goes back to a checkpoint.
@Suite struct RollbackTests {
    /// A step is in the ledger, a checkpoint of it is asked for, and the next step is being computed.
    private func clusterThatSaves() throws -> CoordinatorByHand {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.tell(.checkpointRequested)
        cluster.compute(step: 0)
        try #require(cluster.owner == 1 && cluster.members[1]?.snapshots == [1])
        return cluster
    }

    /// An alarm about the step that the checkpoint is behind.
    private func alarm(_ cluster: CoordinatorByHand) -> WorkerMessage {
        .alarm(
            Alarm(
                map: cluster.members[1]?.map ?? 0, step: 0, block: UnitBlock(first: 0, log2: 0), chunk: 0, first: 1,
                second: 2))
    }

    /// The same flip in the owner's part of the checkpoint would be the second, and end the run.
    @Test func aFlippedBitThatIsInACheckpointTooCountsOnce() throws {
        var cluster = try clusterThatSaves()
        cluster.say(
            .replicasDiffer(
                Divergence(map: cluster.members[2]?.map ?? 0, version: 1, chunk: 0, owner: 1, buddy: 2)), 2)
        #expect(cluster.abandoned == [1])
        // What they were asked for before they went back.
        cluster.save(version: 1, value: 1, 1)
        cluster.compare(version: 1, value: 2, 2)
        #expect(cluster.members[1]?.stop == nil && cluster.members[2]?.stop == nil)
        cluster.compute(step: 0)
        #expect(cluster.committed.map(\.step) == [0, 0] && cluster.committed.last?.replayed == true)
        #expect(cluster.checkpoints == [])
    }

    /// Nor does what a buddy had of it, where that comes late: the step was played again, and is being saved again.
    @Test func whatABuddySaysLateOfACheckpointCountsForNoOtherOfThatStep() throws {
        var cluster = try clusterThatSaves()
        let map = try #require(cluster.members[2]?.map)
        cluster.say(.replicasDiffer(Divergence(map: map, version: 1, chunk: 0, owner: 1, buddy: 2)), 2)
        cluster.tell(.checkpointRequested)
        cluster.compute(step: 0)
        try #require(cluster.owner == 1 && cluster.members[1]?.snapshots == [1, 1])
        cluster.compare(version: 1, value: 2, map: map, 2)
        cluster.save(version: 1, 1)
        #expect(cluster.members[1]?.stop == nil && cluster.members[2]?.stop == nil)
        #expect(cluster.checkpoints == [])
        cluster.compare(version: 1, 2)
        #expect(cluster.checkpoints == [1])
    }

    /// Else the checkpoint holds what the replay may find to be wrong, and is the newest one.
    @Test func aCheckpointOfAStepThatIsDoubtedIsGivenUp() throws {
        var cluster = try clusterThatSaves()
        cluster.say(alarm(cluster), 1)
        #expect(cluster.abandoned == [1])
        cluster.save(version: 1, 1)
        cluster.compare(version: 1, 2)
        #expect(cluster.checkpoints == [])
        cluster.compute(step: 0)
        #expect(cluster.committed.last?.replayed == true)
    }

    @Test func aDoubtThatComesWhenTheCheckpointGetsItsNameEndsTheRun() throws {
        var cluster = try clusterThatSaves()
        cluster.isDiskSlow = true
        cluster.save(version: 1, 1)
        cluster.compare(version: 1, 2)
        // The chunk is written; the checkpoint is about to be.
        cluster.finishWriting()
        cluster.say(alarm(cluster), 1)
        #expect(cluster.abandoned == [])
        cluster.finishWriting()
        #expect(cluster.checkpoints == [1])
        cluster.pass(1, heard: [1, 2])
        #expect(cluster.endings.first?.code == 70)
        #expect(cluster.endings.first?.reason.contains("the checkpoint of step 1 was made of one") == true)
    }

    /// Where only the newest checkpoint stays, the one that they go back to is removed when the next gets its name.
    @Test func aCheckpointThatGivesWayToTheNextWhileItIsRestoredEndsNothing() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 3)
        cluster.tell(.checkpointRequested)
        cluster.compute(step: 0)
        cluster.save(version: 1, 1)
        cluster.compare(version: 1, 2)
        try #require(cluster.owner == 1 && cluster.checkpoints == [1])
        cluster.tell(.checkpointRequested)
        cluster.compute(step: 1)
        cluster.isDiskSlow = true
        cluster.save(version: 2, 1)
        cluster.compare(version: 2, 2)
        cluster.finishWriting()
        // It is being completed when both who hold the state die.
        cluster.isStateLate = true
        cluster.tell(.processEnded(2))
        cluster.tell(.processEnded(1))
        try #require(cluster.owner == 3 && cluster.members[3]?.version == 1)
        cluster.finishWriting()
        try #require(cluster.checkpoints == [1, 2])
        let fault = Fault(.data, "checkpoints/step-1", "is not there")
        cluster.tell(.chunkUnreadable(version: 1, fault))
        cluster.tell(.chunkUnreadable(version: 1, fault))
        #expect(cluster.members[3]?.version == 2 && cluster.members[3]?.stop == nil)
        // The newest one is all that is left.
        cluster.tell(.chunkUnreadable(version: 2, fault))
        #expect(cluster.members[3]?.stop == 65)
    }

    /// Its record is on its way to the disk when all who know the step die: its replay is nothing new.
    @Test func aStepThatGetsToTheDiskWhenNobodyIsLeftIsToldOnce() throws {
        var cluster = try CoordinatorByHand(units: 1, workers: 1)
        cluster.isDiskSlow = true
        cluster.compute(step: 0)
        cluster.tell(.processEnded(1))
        #expect(cluster.committed.isEmpty)
        cluster.finishWriting()
        #expect(cluster.committed.map(\.step) == [0] && cluster.committed.first?.replayed == false)
        cluster.isDiskSlow = false
        cluster.join(2)
        cluster.compute(step: 0)
        #expect(cluster.committed.map(\.step) == [0, 0] && cluster.committed.last?.replayed == true)
        cluster.compute(step: 1)
        #expect(cluster.ledger.map(\.outcome.step) == [0, 1])
    }
}

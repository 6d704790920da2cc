import Coordinator
import Testing
import Wire

/// What the coordinator gives to whom while members are silent.
@Suite struct SilentMembersTests {
    /// The block of a silent worker comes from one who is leaving, another's block has become free, and nobody is left to
    /// compare speeds with: the silent one becomes idle by it, and gets nothing before it is heard again.
    @Test func whoeverIsSilentGetsNoBlockWhenAnotherDeliversItsOwn() throws {
        var cluster = try CoordinatorByHand(units: 3, workers: 3)
        for worker: Incarnation in 1...3 { try #require(cluster.members[worker]?.leases.count == 1) }
        let silent = try #require(cluster.members[2]?.leases.first)
        cluster.pass(0.5, heard: [1, 3])
        cluster.finish(try #require(cluster.members[1]?.leases.first), 1)
        cluster.pass(3, heard: [1, 3])
        let again = try #require(cluster.members[1]?.leases.last)
        try #require(again.block == silent.block && again.id != silent.id, "the silent worker's block is given again")
        cluster.say(.leaving, 1)
        cluster.tell(.processEnded(3))
        cluster.finish(again, 1)
        #expect(cluster.members[2]?.revoked == [silent.id])
        #expect(cluster.members[2]?.leases == [silent], "no new block for a silent worker")
        cluster.pass(0.5, heard: [1, 2])
        let lost = try #require(cluster.members[3]?.leases.first)
        #expect(cluster.members[2]?.leases.map(\.block) == [silent.block, lost.block])
    }

    /// What follows a frame that cannot be read is never delivered: who sends nothing else would keep everybody waiting.
    @Test func whoeverCannotBeUnderstoodIsTakenForDeadAndDamageIsNot() throws {
        var cluster = try CoordinatorByHand(units: 3, workers: 3)
        for _ in 0..<4 { cluster.tell(.unreadable(2, reason: "-4 s are out of range")) }
        // Heard again: the connection had been damaged.
        cluster.pass(0.5, heard: [1, 2, 3])
        for _ in 0..<4 { cluster.tell(.unreadable(2, reason: "-4 s are out of range")) }
        #expect(cluster.members[1]?.departed == [])
        cluster.tell(.unreadable(2, reason: "-4 s are out of range"))
        #expect(cluster.members[1]?.departed == [2] && cluster.members[3]?.departed == [2])
        let lost = try #require(cluster.members[2]?.leases.first)
        cluster.finish(try #require(cluster.members[1]?.leases.first), 1)
        #expect(cluster.members[1]?.leases.last?.block == lost.block, "its block is another's")
        // Nobody that is a member.
        cluster.tell(.unreadable(77, reason: "noise"))
    }
}

import Coordinator
import Testing
import Wire

/// Whoever comes while something else begins or ends.
@Suite struct LateJoinersTests {
    /// Nobody would tell it later: it would wait for a coordinator that is gone.
    @Test func whoeverComesWhileTheRunIsBeingClosedIsToldSo() throws {
        var cluster = try CoordinatorByHand(units: 1, workers: 1, expectedWorkers: 2)
        cluster.tell(.stopRequested("enough"))
        #expect(cluster.members[1]?.stop == 75 && cluster.endings.isEmpty)
        cluster.join(2)
        #expect(cluster.members[2]?.stop == 75)
        #expect(cluster.members[2]?.leases == [])
    }

    /// Its process and its name are not known: an operator, or a script of theirs, would take 0 and "?" for them.
    @Test func whoeverHasNotSaidItsNameIsNoMemberForOperators() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.connect(3)
        cluster.say(.heartbeat(Progress()), 3)
        #expect(cluster.listed.sorted() == ["w1", "w2"])
        cluster.join(4)
        #expect(cluster.listed.sorted() == ["w1", "w2", "w4"])
    }
}

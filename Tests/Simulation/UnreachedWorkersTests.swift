import Coordinator
import Protocol
import Testing
import Wire
import Worker

/// Two workers that live, one of which cannot connect to the other's shard.
@Suite struct UnreachedWorkersTests {
    /// Ticks of half a second.
    private func pass(_ worker: inout WorkerByHand, from: Double, to: Double) {
        for now in stride(from: from, through: to, by: 0.5) { _ = worker.handle(.tick, now: now) }
    }

    @Test func aWorkerSaysWhomItHasNotReachedForLong() {
        var worker = WorkerByHand()
        _ = worker.hear(.map(WorkerByHand.map(1, owners: [2], members: [2, 5])))
        pass(&worker, from: 0.5, to: 8.5)
        #expect(worker.progress.unreached == 0)
        pass(&worker, from: 9, to: 9)
        #expect(worker.progress.unreached == 2)
        _ = worker.handle(.peerConnected(2), now: 9.5)
        pass(&worker, from: 9.5, to: 30)
        #expect(worker.progress.unreached == 0)
        _ = worker.handle(.peerDisconnected(2), now: 30)
        pass(&worker, from: 30.5, to: 38.5)
        #expect(worker.progress.unreached == 0)
        pass(&worker, from: 39, to: 39)
        #expect(worker.progress.unreached == 2)
        _ = worker.hear(.departed(2), now: 39)
        pass(&worker, from: 39.5, to: 39.5)
        #expect(worker.progress.unreached == 0)
    }

    @Test func whileAWorkerIsStoppedNobodyFailsToBeReached() {
        var worker = WorkerByHand()
        _ = worker.hear(.map(WorkerByHand.map(1, owners: [2], members: [2, 5])))
        pass(&worker, from: 0.5, to: 5)
        pass(&worker, from: 105, to: 105)
        #expect(worker.progress.unreached == 0)
    }

    @Test func theLogNamesBothOnceAndTheStatusAsLongAsItLasts() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 3)
        func told() -> [ClusterNote] {
            cluster.notes.filter { if case .unreached = $0 { true } else { false } }
        }
        for _ in 0..<3 { cluster.say(.heartbeat(Progress(unreached: 2)), 1) }
        #expect(told() == [.unreached(by: "w1", name: "w2", endpoint: "tcp://10.0.0.2:41234", seconds: 9)])
        #expect(cluster.lateness(of: 1) == "cannot reach w2 at tcp://10.0.0.2:41234")
        cluster.say(.heartbeat(Progress()), 1)
        #expect(cluster.lateness(of: 1) == "")
        // Nobody hears of it: it will be dead soon.
        cluster.pass(4, heard: [1, 3])
        cluster.say(.heartbeat(Progress(unreached: 2)), 1)
        #expect(cluster.lateness(of: 1) == "")
        #expect(told().count == 1)
        // Nor of whom nobody knows.
        cluster.say(.heartbeat(Progress(unreached: 77)), 1)
        #expect(told().count == 1)
    }
}

import Coordinator
import Testing
import Wire
import Worker

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

    /// The disk has lost three records; the first worker that comes has kept two, and the first of these is being written.
    @Test func whoeverKeptMoreOfTheLedgerIsHeardWhileWhatAnotherKeptIsWritten() throws {
        let kept = (0..<3).map { step in
            LedgerRecord(
                outcome: StepOutcome(
                    step: step, firstPosition: UInt64(2 * step), clips: 2, loss: 1, correct: 1, gradientNorm: 1,
                    gradientDigest: UInt64(step), rate: 0.1, coefficient: 1, skipped: false, substitutes: []),
                generation: 1, map: 1, workers: 2, seconds: 1)
        }
        var cluster = try CoordinatorByHand(units: 2, workers: 1, expectedWorkers: 3)
        cluster.isDiskSlow = true
        cluster.join(2, tail: Array(kept[..<2]))
        #expect(cluster.ledger == Array(kept[..<1]))
        cluster.join(3, tail: kept)
        for _ in kept { cluster.finishWriting() }
        #expect(cluster.ledger == kept)
    }

    /// Control-Z, a machine asleep: what the others have said meanwhile is still to be read.
    @Test func aCoordinatorThatWasStoppedTakesNobodyForDead() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.pass(1, heard: [1, 2])
        cluster.stop(for: 3600)
        cluster.pass(5, heard: [1])
        #expect(cluster.members[1]?.departed == [], "two of nine seconds' silence before and after")
        cluster.pass(6, heard: [1])
        #expect(cluster.members[1]?.departed == [2], "who is silent after that is dead")
    }

    /// It was asked as it was suspected, and its answer is still to be read, however short the pause.
    @Test(arguments: [0.7, 1, 2, 3600]) func whoeverIsSuspectedAsTheCoordinatorIsStoppedMayAnswer(_ seconds: Double)
        throws
    {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.pass(1, heard: [1, 2])
        cluster.tell(.disconnected(2))
        cluster.stop(for: seconds)
        cluster.tell(.tick)
        #expect(cluster.members[1]?.departed == [])
        cluster.pass(1, heard: [1])
        #expect(cluster.members[1]?.departed == [2], "who says nothing then either is dead")
    }

    /// Whose ticks are late listens all the same: ten times before it judges.
    @Test func aBusyCoordinatorTakesWhoIsSilentForDeadAsSoonAsAnIdleOne() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.pass(1, heard: [1, 2])
        cluster.pass(7.2, heard: [1], tick: 0.9)
        #expect(cluster.members[1]?.departed == [])
        cluster.pass(2.7, heard: [1], tick: 0.9)
        #expect(cluster.members[1]?.departed == [2])
    }

    private static let timing = ClusterTiming()

    private func makeWorker() -> Worker {
        let hello = Hello(
            name: "w", host: "node", process: 1, threads: 1, endpoint: "tcp://10.0.0.1:41234", product: "test")
        return Worker(incarnation: 1, hello: hello, timing: Self.timing, pool: PayloadPool())
    }

    /// Whether it ends because no coordinator was heard.
    private func ends(_ worker: inout Worker, _ now: Double) -> Bool {
        worker.handle(.tick, now: now).contains { if case .stop(75, _) = $0 { true } else { false } }
    }

    @Test func aBusyWorkerLooksForItsCoordinatorNoLongerThanAnIdleOne() {
        var worker = makeWorker()
        var (now, hasEnded) = (0.0, false)
        while !hasEnded, now < 2 * Self.timing.coordinatorPatience {
            now += 0.9
            hasEnded = ends(&worker, now)
        }
        #expect(hasEnded && now < Self.timing.coordinatorPatience + 3, "\(now)")
    }

    /// The same of a worker: what its coordinator has said is still to be read.
    @Test func aWorkerThatWasStoppedLooksForItsCoordinatorAsLongAsBefore() {
        var worker = makeWorker()
        let stopped = 10 * Self.timing.coordinatorPatience
        let atOnce = [ends(&worker, 0), ends(&worker, stopped)]
        #expect(atOnce == [false, false])
        // A tick of it was its own.
        let later = stride(from: 0.5, through: Self.timing.coordinatorPatience, by: 0.5).first {
            ends(&worker, stopped + $0)
        }
        #expect(later == Self.timing.coordinatorPatience)
    }

    /// One of two has failed and is asked no more; the other one, who might have done it, dies.
    @Test func aBlockThatFailedOnAllWhoAreLeftEndsTheRun() throws {
        var cluster = try CoordinatorByHand(units: 1, workers: 2)
        let holder: Incarnation = cluster.members[1]?.leases.isEmpty == false ? 1 : 2
        let other: Incarnation = 3 - holder
        let lease = try #require(cluster.members[holder]?.leases.first)
        cluster.say(.blockFailed(lease: lease.id, reason: "clip 7 cannot be read"), holder)
        #expect(cluster.endings.isEmpty && cluster.members[other]?.leases.count == 1)
        cluster.tell(.processEnded(other))
        cluster.pass(10, heard: [holder])
        #expect(cluster.members[holder]?.stop == 65)
        #expect(cluster.endings.first?.code == 65)
        #expect(cluster.endings.first?.reason.contains("clip 7 cannot be read") == true)
    }

    /// It was told to go meanwhile: it would wait for the end of a step that nobody can finish.
    @Test func aBlockThatFailedOnTheLastOnesThatLeaveEndsTheRun() throws {
        var cluster = try CoordinatorByHand(units: 1, workers: 2)
        let holder: Incarnation = cluster.members[1]?.leases.isEmpty == false ? 1 : 2
        let lease = try #require(cluster.members[holder]?.leases.first)
        cluster.say(.blockFailed(lease: lease.id, reason: "clip 7 cannot be read"), holder)
        cluster.say(.leaving, holder)
        cluster.tell(.processEnded(3 - holder))
        #expect(cluster.endings.isEmpty)
        cluster.pass(10, heard: [holder])
        #expect(cluster.members[holder]?.stop == 65)
        #expect(cluster.endings.first?.reason.contains("clip 7 cannot be read") == true)
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

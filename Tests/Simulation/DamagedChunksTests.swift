import Coordinator
import Protocol
import Testing
import Training
import Wire
import Worker

/// State that comes damaged: once by an accident of the way, or each time from a broken machine.
@Suite struct DamagedChunksTests {
    @Test func aCheckpointThatOneSendsDamagedEachTimeIsSentByAnother() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.tell(.stopRequested("enough"))
        cluster.compute(step: 0)
        try #require(cluster.owner == 1 && cluster.members[1]?.snapshots == [1])
        for _ in 0..<3 { cluster.save(version: 1, isDamaged: true, 1) }
        #expect(cluster.abandoned == [1, 1, 1])
        let deaths: [String] = cluster.notes.compactMap {
            if case .died(1, "w1", let reason) = $0 { reason } else { nil }
        }
        #expect(deaths.count == 1 && deaths.first?.contains("came damaged from it") == true)
        #expect(cluster.owner == 2 && cluster.members[2]?.snapshots == [1])
        cluster.save(version: 1, 2)
        #expect(cluster.checkpoints == [1])
        #expect(cluster.members[2]?.stop == 75)
    }

    /// A worker sends four chunks before it waits: behind the first damaged one the others are of an attempt that is over.
    @Test func whatComesDamagedTogetherCountsOnce() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        cluster.tell(.stopRequested("enough"))
        cluster.compute(step: 0)
        try #require(cluster.owner == 1 && cluster.members[1]?.snapshots == [1])
        cluster.saveDamaged(version: 1, times: 4, 1)
        #expect(cluster.abandoned == [1])
        #expect(cluster.members[1]?.snapshots == [1, 1] && cluster.members[2]?.departed == [])
        cluster.save(version: 1, 1)
        cluster.compare(version: 1, 2)
        #expect(cluster.checkpoints == [1])
        #expect(cluster.members[1]?.stop == 75 && cluster.members[2]?.stop == 75)
    }

    @Test func accidentsBetweenWholeCheckpointsCostNobodyItsPlace() throws {
        var cluster = try CoordinatorByHand(units: 2, workers: 2)
        for step in 0..<5 {
            cluster.tell(.checkpointRequested)
            cluster.compute(step: step)
            let isWhole = step == 2
            cluster.save(version: step + 1, isDamaged: !isWhole, 1)
            if isWhole { cluster.compare(version: step + 1, 2) }
        }
        #expect(cluster.checkpoints == [3])
        #expect(cluster.abandoned == [1, 2, 4, 5])
        #expect(cluster.members[2]?.departed == [])
    }

    /// The chunk has another owner by the time that the difference is found, who would be named twice and end the run.
    @Test func aDifferenceInACheckpointIsBetweenWhoSentItAndTheBuddy() throws {
        var cluster = try CoordinatorByHand(units: 3, workers: 3)
        cluster.tell(.checkpointRequested)
        cluster.compute(step: 0)
        try #require(cluster.owner == 1 && cluster.members[1]?.snapshots == [1])
        let buddy: Incarnation = cluster.members[2]?.compared == 0 ? 3 : 2
        cluster.save(version: 1, value: 1, 1)
        cluster.say(.leaving, 1)
        cluster.compute(step: 1)
        try #require(cluster.owner != 1)
        cluster.compare(version: 1, value: 2, buddy)
        let found: [Divergence] = cluster.notes.compactMap {
            if case .replicasDiffer(let pair) = $0 { pair } else { nil }
        }
        #expect(found.map(\.owner) == [1] && found.map(\.buddy) == [buddy])
        #expect(cluster.members[2]?.stop == nil && cluster.members[3]?.stop == nil)
    }

    /// Each time with another, so that it alone is party to both; the second time it has left.
    @Test(arguments: [(1, "w1 on node1 (10.0.0.1)"), (0xABC, "worker abc")] as [(Incarnation, String)])
    func whoIsPartyToTwoDifferencesIsNamedThoughItHasLeft(culprit: Incarnation, name: String) throws {
        var cluster = try CoordinatorByHand(units: 3, workers: 3)
        func differs(from buddy: Incarnation) -> WorkerMessage {
            let map = cluster.members[buddy]?.map ?? 0
            return .replicasDiffer(Divergence(map: map, version: 0, chunk: 0, owner: culprit, buddy: buddy))
        }
        cluster.say(differs(from: 2), 2)
        #expect(cluster.members[2]?.stop == nil)
        cluster.tell(.processEnded(1))
        cluster.say(differs(from: 3), 3)
        #expect(cluster.members[2]?.stop == 70 && cluster.members[3]?.stop == 70)
        cluster.pass(4, heard: [2, 3])
        #expect(cluster.endings.map(\.code) == [70])
        let reason = cluster.endings.first?.reason ?? ""
        #expect(reason.contains("between \(name) and another worker, or state came damaged"), "\(reason)")
    }

    private func damaged(version: Int) -> ChunkState {
        let chunk = WorkerByHand.plan.chunks[0]
        let slots = (0..<chunk.slots).map { _ in
            WorkerByHand.pool.payload(copying: [UInt8](repeating: 0, count: chunk.slotBytes))
        }
        return ChunkState(
            chunk: 0, version: version, slots: slots, digest: combinedDigest(slots.map { $0.checksum() }) ^ 1)
    }

    private func said(_ directives: [WorkerDirective]) -> [WorkerMessage] {
        directives.compactMap { if case .sendToCoordinator(let frame) = $0 { frame.message } else { nil } }
    }

    @Test func aWorkerThatSendsDamagedStateEachTimeIsNamed() {
        var worker = WorkerByHand()
        var holder = Link<ShardReply, ShardRequest>(local: 2, remote: 5, session: 1, resend: 1)
        let map = WorkerByHand.map(1, version: 3, owners: [5], source: .peer(2), members: [2, 5])
        var directives = worker.hear(.map(map))
        func isAsked() -> Bool {
            directives.contains {
                if case .request(2, let frame) = $0, case .fetchState? = frame.message { true } else { false }
            }
        }
        for _ in 0..<3 {
            #expect(isAsked())
            let answer = holder.send(.state(map: map.number, state: damaged(version: 3)), now: 0)
            directives = worker.handle(.reply(answer), now: 0)
        }
        #expect(!isAsked())
        let pairs: [Divergence] = said(directives).compactMap {
            if case .replicasDiffer(let pair) = $0 { pair } else { nil }
        }
        #expect(pairs == [Divergence(map: map.number, version: 3, chunk: 0, owner: 2, buddy: 5)])
        let notes: [String] = directives.compactMap { if case .note(let text) = $0 { text } else { nil } }
        #expect(notes.count == 1 && notes.first?.contains("3 times from worker 2 at tcp://10.0.0.2:41234") == true)
    }

    @Test func aWorkerThatGetsDamagedStateEachTimeOutOfACheckpointEnds() {
        var worker = WorkerByHand()
        let map = WorkerByHand.map(1, version: 3, owners: [5], source: .checkpoint, members: [5])
        var directives = worker.hear(.map(map))
        func isAsked() -> Bool {
            said(directives).contains { if case .fetchCheckpoint = $0 { true } else { false } }
        }
        for _ in 0..<3 {
            #expect(isAsked())
            directives = worker.hear(.stateChunk(map: map.number, state: damaged(version: 3)))
        }
        #expect(!isAsked())
        let reasons: [String] = directives.compactMap { if case .stop(70, let reason) = $0 { reason } else { nil } }
        #expect(reasons.count == 1 && reasons.first?.contains("from the coordinator 3 times") == true)
    }
}

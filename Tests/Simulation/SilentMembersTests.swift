import Coordinator
import Protocol
import Testing
import Training
import Wire

/// What the coordinator gives to whom while members are silent, said to it by hand, message by message.
@Suite struct SilentMembersTests {
    private struct Member {
        var link: Link<WorkerMessage, CoordinatorMessage>
        var leases: [Lease] = []
        var revoked: [UInt64] = []
        var departed: Set<Incarnation> = []
        var revision = 0
    }

    /// Three workers, three units, one chunk with a buddy.
    private struct ByHand {
        private(set) var members: [Incarnation: Member] = [:]
        private var coordinator: Coordinator
        private(set) var now = 0.0
        /// Said by workers and not heard yet, so that nothing overtakes anything.
        private var events: [CoordinatorEvent] = []
        private var isTelling = false

        init() throws {
            let timing = ClusterTiming()
            coordinator = Coordinator(
                settings: .scripted(
                    units: 3, steps: 8, workers: 3,
                    plan: ChunkPlan(parameters: [.init(count: 1000)], statistics: []), timing: timing),
                history: RunHistory())
            for worker: Incarnation in 1...3 {
                members[worker] = Member(link: Link(local: worker, remote: 1, resend: timing.resend))
                let hello = Hello(
                    name: "w\(worker)", host: "node\(worker)", process: 1, threads: 1,
                    endpoint: "tcp://10.0.0.\(worker):41234", product: "test")
                say(.hello(hello), worker)
            }
        }

        /// Time goes on, and these say that they live.
        mutating func pass(_ seconds: Double, heard: [Incarnation]) {
            for _ in 0..<Int((seconds / 0.5).rounded()) {
                now += 0.5
                for worker in heard { say(.heartbeat(Progress(step: 0, units: 1)), worker) }
                tell(.tick)
            }
        }

        mutating func finish(_ lease: Lease, _ worker: Incarnation) {
            let records = (lease.block.first..<lease.block.end).map { UnitRecord(unit: $0, loss: 1, correct: 1) }
            say(.blockComputed(lease: lease.id, records: records), worker)
            let revision = members[worker]?.revision ?? 0
            say(.blockDelivered(lease: lease.id, revision: revision), worker)
        }

        mutating func say(_ message: WorkerMessage, _ worker: Incarnation) {
            guard let frame = members[worker]?.link.send(message, now: now) else { return }
            tell(.received(frame))
        }

        mutating func tell(_ event: CoordinatorEvent) {
            events.append(event)
            guard !isTelling else { return }
            isTelling = true
            defer { isTelling = false }
            while !events.isEmpty {
                for case .send(let worker, let frame) in coordinator.handle(events.removeFirst(), now: now) {
                    if let message = members[worker]?.link.receive(frame, now: now).message { hear(message, worker) }
                }
            }
        }

        private mutating func hear(_ message: CoordinatorMessage, _ worker: Incarnation) {
            switch message {
            case .welcome: say(.ready(Ready(fingerprints: [])), worker)
            case .map(let map):
                members[worker]?.revision = map.revision
                let kept = map.owners.indices.filter { map.owners[$0] == worker || map.buddies[$0].contains(worker) }
                guard !kept.isEmpty else { return }
                let chunks = kept.map { ChunkDigest(chunk: $0, digest: 7) }
                say(.mapInstalled(map: map.number, chunks: chunks), worker)
            case .lease(let lease): members[worker]?.leases.append(lease)
            case .revoke(let lease): members[worker]?.revoked.append(lease)
            case .departed(let other): members[worker]?.departed.insert(other)
            default: break
            }
        }
    }

    /// The block of a silent worker comes from one who is leaving, another's block has become free, and nobody is left to
    /// compare speeds with: the silent one becomes idle by it, and gets nothing before it is heard again.
    @Test func whoeverIsSilentGetsNoBlockWhenAnotherDeliversItsOwn() throws {
        var cluster = try ByHand()
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
        var cluster = try ByHand()
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

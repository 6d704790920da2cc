import Clips
import Evaluation
import Faults
import Foundation
import Protocol
import Randomness
import Storage
import Synchronization
import Testing
import Threads

@Suite("Leases of a test", .timeLimit(.minutes(2))) struct TestLeasesTests {
    private func outcome(_ video: Int) -> VideoOutcome {
        video % 5 == 4
            ? VideoOutcome(problem: "video \(video)")
            : VideoOutcome(scores: [Double(video), 1], views: 1, rightViews: 0)
    }

    @Test func whatADeadWorkerHeldIsLeasedAgain() {
        var leases = TestLeases<String>(videos: 4)
        #expect(leases.lease(to: "a") == 0 && leases.lease(to: "b") == 1 && leases.lease(to: "a") == 2)
        #expect(leases.take(outcome(0), of: 0) == .first)
        #expect(leases.lose("a") == [2])
        #expect(leases.lease(to: "b") == 2 && leases.lease(to: "b") == 3)
        #expect(leases.count(of: "b") == 3 && leases.count(of: "a") == 0)
        for video in [3, 1, 2] { #expect(leases.take(outcome(video), of: video) == .first) }
        #expect(leases.isDone && leases.outcomes == (0..<4).map(outcome))
    }

    @Test func whatIsKnownIsNotLeased() {
        var leases = TestLeases<String>(videos: 4, known: [0: outcome(0), 2: outcome(2)])
        #expect(leases.done == 2 && !leases.isDone)
        #expect(leases.lease(to: "a") == 1 && leases.lease(to: "a") == 3 && leases.lease(to: "a") == nil)
        #expect(leases.take(outcome(2), of: 2) == .duplicate)
        for video in [1, 3] { #expect(leases.take(outcome(video), of: video) == .first) }
        #expect(leases.isDone && leases.outcomes == (0..<4).map(outcome))
        #expect(TestLeases<String>(videos: 1, known: [0: outcome(0)]).isDone)
    }

    @Test func theIdleTakeWhatAHangingWorkerHolds() {
        var leases = TestLeases<String>(videos: 2)
        #expect(leases.lease(to: "hangs") == 0 && leases.lease(to: "b") == 1)
        #expect(leases.take(outcome(1), of: 1) == .first)
        #expect(leases.lease(to: "b") == 0)
        #expect(leases.lease(to: "b") == nil)
        #expect(leases.take(outcome(0), of: 0) == .first && leases.isDone)
        // It wakes up.
        #expect(leases.take(outcome(0), of: 0) == .duplicate)
        #expect(leases.take(outcome(1), of: 0) == .different)
        #expect(leases.take(outcome(1), of: 2) == nil && leases.take(outcome(1), of: -1) == nil)
        #expect(leases.outcomes == [outcome(0), outcome(1)])
    }

    /// Workers come, go, hang and answer late, in any order: each video ends with its own outcome, counted once.
    @Test(arguments: 0..<200) func everyVideoIsCoveredOnce(_ seed: Int) {
        let draws = Draws(seed: UInt64(seed), place: 0, purpose: .synthesis)
        let videos = 1 + draws.integer(0, below: 20)
        var leases = TestLeases<Int>(videos: videos)
        var held: [Int: [Int]] = [:]
        var (counted, newest, turn) = ([Int](repeating: 0, count: videos), 0, 1)
        while !leases.isDone {
            turn += 1
            let dice = draws.integer(turn, below: 100)
            let worker =
                held.keys.sorted().isEmpty
                ? nil : held.keys.sorted()[draws.integer(1_000_000 + turn, below: held.count)]
            if dice < 8 || worker == nil {
                newest += 1
                held[newest] = []
            } else if let worker, dice < 14 {
                _ = leases.lose(worker)
                held[worker] = nil
            } else if let worker, dice < 55 {
                if let video = leases.lease(to: worker) { held[worker, default: []].append(video) }
            } else if let worker, let video = held[worker]?.first {
                held[worker]?.removeFirst()
                if leases.take(outcome(video), of: video) == .first { counted[video] += 1 }
            }
            guard turn < 20_000 else {
                Issue.record("seed \(seed) does not end")
                return
            }
        }
        #expect(counted == [Int](repeating: 1, count: videos), "seed \(seed)")
        #expect(leases.outcomes == (0..<videos).map(outcome), "seed \(seed)")
    }

    /// Real sockets: three workers, one of which dies with videos on its hands, one of which cannot even begin.
    @Test func workersOverLoopback() throws {
        let videos = 60
        let assignment = TestAssignment(
            recipe: "seed = 1",
            data: OfferedSplit(directory: "d", split: "val", description: "", manifestBytes: 7), dataDigest: "0",
            checkpoint: CachedFile(digest: Digest(of: [1]), byteCount: 1, name: "c"), viewsAtOnce: 3,
            allowsUnexpected: false)
        let coordinator = try TestCoordinator(
            videos: videos, classes: 2, assignment: assignment, listen: "tcp://127.0.0.1:0", security: .loopback)
        let endpoint = coordinator.endpoint
        let ended = Mutex<[String: String]>([:])
        // Else the first two might be through before the third is there.
        let oneHasFailed = DispatchSemaphore(value: 0)
        var workers: [DedicatedThread] = []
        for name in ["steady", "dies", "cannot"] {
            let worker = DedicatedThread(name: name) {
                if name == "steady" { oneHasFailed.wait() }
                do {
                    var done = 0
                    let worker = try TestWorker(join: endpoint, name: name, security: .loopback)
                    try worker.run { found in
                        if found != assignment { throw Fault(.internal, name, "was told something else") }
                        if name == "cannot" { throw Fault(.data, "c", "is not here") }
                    } test: { video, _ in
                        done += 1
                        if name == "dies", done > 5 { throw Fault(.internal, name, "the disk is gone") }
                        return VideoOutcome(scores: [Double(video), 0.5], views: 2, rightViews: 1)
                    }
                    ended.withLock { $0[name] = "done" }
                } catch { ended.withLock { $0[name] = "\(error)" } }
            }
            workers.append(worker)
        }
        var counted = [Int](repeating: 0, count: videos)
        var failed: Set<String> = []
        func note(_ note: TestCoordinator.Note) {
            switch note {
            case .outcome(let video, _, _): counted[video] += 1
            case .failed(let name, _):
                failed.insert(name)
                if name == "cannot" { oneHasFailed.signal() }
            case .different: Issue.record("\(note)")
            // A connection that was slow to introduce itself comes again.
            case .joined, .left, .refused: break
            }
        }
        let outcomes = try coordinator.run(mayComeBack: { true }, note: note)
        for worker in workers { worker.join() }
        #expect(outcomes.map(\.scores) == (0..<videos).map { [Double($0), 0.5] })
        #expect(counted == [Int](repeating: 1, count: videos))
        #expect(failed.contains("cannot"))
    }

    @Test func aTestWhoseWorkersAreAllGoneSaysWhy() throws {
        let coordinator = try TestCoordinator(
            videos: 1, classes: 2,
            assignment: TestAssignment(
                recipe: "", data: OfferedSplit(directory: "", split: "", description: "", manifestBytes: 0),
                dataDigest: "", checkpoint: CachedFile(digest: Digest(of: []), byteCount: 1, name: ""),
                viewsAtOnce: 1, allowsUnexpected: true), listen: "tcp://127.0.0.1:0", security: .loopback)
        let fault = #expect(throws: Fault.self) {
            _ = try coordinator.run(mayComeBack: { false }, note: { _ in })
        }
        #expect(fault?.code == .stoppedEarly)
    }
}

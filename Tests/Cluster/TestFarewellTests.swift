import Clips
import Dispatch
import Evaluation
import Faults
import Foundation
import Protocol
import Storage
import Synchronization
import Testing
import Threads
import Wire

/// How a test that is over parts from its workers.
@Suite(.timeLimit(.minutes(3))) struct TestFarewellTests {
    private static func coordinator() throws -> TestCoordinator {
        try TestCoordinator(
            videos: 1, classes: 1,
            assignment: TestAssignment(
                recipe: "", data: .init(directory: "", split: "", description: "", manifestBytes: 0), dataDigest: "",
                checkpoint: CachedFile(digest: Digest(of: []), byteCount: 1, name: ""), viewsAtOnce: 1,
                allowsUnexpected: false),
            listen: "tcp://127.0.0.1:0", security: .loopback)
    }

    /// Another was faster with its video: nobody waits for it, and it ends as it should.
    @Test func aWorkerInTheMidstOfAVideoHearsThatTheTestIsOver() throws {
        let coordinator = try Self.coordinator()
        let endpoint = coordinator.endpoint
        let isTesting = DispatchSemaphore(value: 0)
        let told = Mutex<[String]>([])
        let running = Atomic(2)
        func worker(
            _ name: String, _ test: @escaping @Sendable (Int, () throws -> Void) throws -> VideoOutcome
        ) -> DedicatedThread {
            DedicatedThread(name: name) {
                do {
                    let worker = try TestWorker(join: endpoint, name: name, security: .loopback)
                    try worker.run(prepare: { _ in }, test: test)
                    told.withLock { $0.append("\(name) is done") }
                } catch { told.withLock { $0.append("\(name): \(error)") } }
                running.subtract(1, ordering: .acquiringAndReleasing)
            }
        }
        let slow = worker("slow") { _, between in
            isTesting.signal()
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline { try between() }
            throw Fault(.internal, "slow", "was not told")
        }
        let quick = worker("quick") { _, _ in
            isTesting.wait()
            return VideoOutcome(problem: "none, for the test")
        }
        let outcomes = try coordinator.run(
            mayComeBack: { running.load(ordering: .acquiring) > 0 }, note: { _ in })
        #expect(outcomes.count == 1)
        slow.join()
        quick.join()
        #expect(told.withLock { $0.sorted() } == ["quick is done", "slow is done"])
    }

    /// What this end sends just before it closes, ZeroMQ drops at the other where nobody has read it: a worker that is busy
    /// then must hear of the end all the same.
    @Test func aBusyWorkerHearsThatTheTestIsOver() throws {
        var coordinator: TestCoordinator? = try Self.coordinator()
        let endpoint = try #require(coordinator?.endpoint)
        let (hasJoined, isOver) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let heard = Mutex<[String]>([])
        let hasEnded = Atomic(false)
        let busy = DedicatedThread(name: "busy") {
            do {
                let connection = try Connection(try Context(security: .loopback), endpoint: endpoint)
                let poller = Poller()
                poller.watch(connection)
                while true {
                    poller.wait(milliseconds: 200)
                    while let event = connection.next() {
                        switch event {
                        case .connected:
                            let name = PayloadPool().payload(copying: Array("busy".utf8))
                            _ = connection.send(header: Array("hello 2".utf8), payloads: [name])
                        case .disconnected: return heard.withLock { $0.append("it is gone") }
                        case .message(let header, _):
                            let word = try header.withBytes {
                                String(decoding: $0.prefix { $0 != 0x20 }, as: UTF8.self)
                            }
                            heard.withLock { $0.append(word) }
                            guard word == "welcome" else { return }
                            hasJoined.signal()
                            // Looks at nothing more until the command is gone, or has waited for a while.
                            _ = isOver.wait(timeout: .now() + 1)
                        }
                    }
                }
            } catch { heard.withLock { $0.append("\(error)") } }
        }
        let quick = DedicatedThread(name: "quick") {
            do {
                try TestWorker(join: endpoint, name: "quick", security: .loopback).run { _ in
                } test: { _, _ in
                    hasJoined.wait()
                    return VideoOutcome(problem: "none, for the test")
                }
            } catch { heard.withLock { $0.append("\(error)") } }
            hasEnded.store(true, ordering: .releasing)
        }
        #expect(try coordinator?.run(mayComeBack: { !hasEnded.load(ordering: .acquiring) }, note: { _ in }).count == 1)
        coordinator = nil
        isOver.signal()
        busy.join()
        quick.join()
        #expect(heard.withLock { $0 } == ["welcome", "stop"])
    }

    @Test func aWorkerOfAnotherReleaseIsRefusedWithTheMend() throws {
        let coordinator = try Self.coordinator()
        let endpoint = coordinator.endpoint
        let isOver = Atomic(false)
        let heard = Mutex<[String]>([])
        let stranger = DedicatedThread(name: "stranger") {
            do {
                let connection = try Connection(try Context(security: .loopback), endpoint: endpoint)
                let poller = Poller()
                poller.watch(connection)
                while !isOver.load(ordering: .acquiring) {
                    poller.wait(milliseconds: 200)
                    while let event = connection.next() {
                        switch event {
                        case .connected:
                            let name = PayloadPool().payload(copying: Array("stranger".utf8))
                            _ = connection.send(header: Array("hello 1".utf8), payloads: [name])
                        case .disconnected: break
                        case .message(let header, let payloads):
                            let texts = ([header] + payloads).map {
                                String(decoding: $0.array(of: UInt8.self), as: UTF8.self)
                            }
                            heard.withLock { $0 += texts }
                        }
                    }
                }
            } catch { Issue.record(error) }
        }
        let refused = Mutex<[Fault]>([])
        let deadline = ContinuousClock.now + .seconds(60)
        // Nobody tests the video.
        #expect(throws: Fault.self) {
            _ = try coordinator.run(
                mayComeBack: {
                    let isSaid = !refused.withLock { $0.isEmpty } && !heard.withLock { $0.isEmpty }
                    return !isSaid && ContinuousClock.now < deadline
                },
                note: { note in
                    guard case .refused(let fault) = note, fault.thing == "stranger" else { return }
                    refused.withLock { $0.append(fault) }
                })
        }
        isOver.store(true, ordering: .releasing)
        stranger.join()
        let fault = try #require(refused.withLock { $0.first })
        #expect(fault.reason == "speaks version 1 of the test's protocol, the command version 2")
        #expect(fault.mend == "install the same release on both")
        #expect(heard.withLock { $0 } == ["refused", "\(fault.reason); \(fault.mend)"])
    }

    /// As a refused worker of a training does: with 64, and the reason.
    @Test func aWorkerThatIsRefusedEndsWithTheReason() throws {
        let listener = try Listener(try Context(security: .loopback), endpoint: "tcp://127.0.0.1:*")
        let endpoint = listener.endpoint
        let ended = Mutex<Result<Void, any Error>?>(nil)
        let worker = DedicatedThread(name: "refused") {
            let result = Result {
                try TestWorker(join: endpoint, name: "refused", security: .loopback).run(
                    prepare: { _ in }, test: { _, _ in VideoOutcome(problem: "none, for the test") })
            }
            ended.withLock { $0 = result }
        }
        let reason = "is of another release; install the same on both"
        let poller = Poller()
        poller.watch(listener)
        let deadline = ContinuousClock.now + .seconds(60)
        while ended.withLock({ $0 == nil }), ContinuousClock.now < deadline {
            poller.wait(milliseconds: 100)
            while let event = listener.next() {
                guard case .message(let peer, _, _) = event else { continue }
                _ = listener.send((header: Array("refused".utf8), payloads: [Array(reason.utf8)]), to: peer)
            }
        }
        worker.join()
        let fault = #expect(throws: Fault.self) { try ended.withLock { $0 }?.get() }
        #expect(fault == Fault(.usage, "refused", reason))
    }
}

import Clips
import Dispatch
import Evaluation
import Faults
import Foundation
import Protocol
import Storage
import Synchronization
import Testing
import Wire

/// How a test that is over parts from its workers.
@Suite(.timeLimit(.minutes(1))) struct TestFarewellTests {
    /// What this end sends just before it closes, ZeroMQ drops at the other where nobody has read it: a worker that is busy
    /// then must hear of the end all the same.
    @Test func aBusyWorkerHearsThatTheTestIsOver() throws {
        var coordinator: TestCoordinator? = try TestCoordinator(
            videos: 1, classes: 1,
            assignment: TestAssignment(
                recipe: "", data: .init(directory: "", split: "", description: "", manifestBytes: 0), dataDigest: "",
                checkpoint: CachedFile(digest: Digest(of: []), byteCount: 1, name: ""), viewsAtOnce: 1,
                allowsUnexpected: false),
            listen: "tcp://127.0.0.1:0", security: .loopback)
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
                } test: { _ in
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
}

import Faults
import Foundation
import Protocol
import Storage
import TestSupport
import Testing
import Threads
import Worker

@Suite("A fetcher that is closed", .timeLimit(.minutes(5)))
struct FetcherClosingTests {
    @Test("Whoever asks while it closes is told, however the two meet")
    func meeting() throws {
        try withTemporaryFolder { folder in
            // Nobody is there, so nothing is ever fetched.
            let coordinator = "tcp://127.0.0.1:\(try freePort())"
            let files = try (0..<8).map { number in
                try PartialFile(
                    CachedFile(digest: Digest(of: [UInt8(number)]), byteCount: 1, name: "\(number)"),
                    creating: "\(folder)/\(number)")
            }
            for round in 0..<100 {
                let fetcher = ContentFetcher(coordinator: coordinator, security: .loopback) { _ in }
                let (asking, told) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
                let threads = files.map { file in
                    DedicatedThread(name: "asking") {
                        asking.signal()
                        do throws(Fault) { try fetcher.fetch(file) } catch {
                            if error.code == .stoppedEarly { told.signal() }
                        }
                    }
                }
                for _ in 0...round % files.count { asking.wait() }
                fetcher.close()
                for _ in files { try #require(told.wait(timeout: .now() + 60) == .success, "round \(round)") }
                for thread in threads { thread.join() }
            }
        }
    }
}

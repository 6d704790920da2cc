import Clips
import Evaluation
import Faults
import Foundation
import Protocol
import Storage
import Synchronization
import TestSupport
import Testing
import Threads
import Worker

@Suite("A fetcher that is asked for one content by several", .timeLimit(.minutes(5)))
struct FetcherJoiningTests {
    @Test("Each gets it in a file of its own; another content comes as well")
    func joining() throws {
        try withTemporaryFolder { folder in
            // Of several parts, so that some come when the first is under way.
            let contents: [[UInt8]] = [5_000_000, 1000].map { count in
                (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + $0 / 256) }
            }
            var paths: [Digest: String] = [:]
            for (number, content) in contents.enumerated() {
                paths[Digest(of: content)] = "\(folder)/content-\(number)"
                try writeWhole(content, to: "\(folder)/content-\(number)")
            }
            let wanted = [0, 0, 0, 1, 0, 1, 0, 0]
            let files = try wanted.enumerated().map { number, content in
                try PartialFile(
                    CachedFile(
                        digest: Digest(of: contents[content]), byteCount: contents[content].count, name: "\(content)"),
                    creating: "\(folder)/\(number)")
            }
            let coordinator = try TestCoordinator(
                videos: 1, classes: 1,
                assignment: TestAssignment(
                    recipe: "", data: .init(directory: "", split: "", description: "", manifestBytes: 0),
                    dataDigest: "", checkpoint: CachedFile(digest: Digest(of: []), byteCount: 1, name: ""),
                    viewsAtOnce: 1, allowsUnexpected: false),
                listen: "tcp://127.0.0.1:0", security: .loopback,
                content: { [paths] bytes in Digest(bytes: bytes).flatMap { paths[$0] } })
            let fetcher = ContentFetcher(coordinator: coordinator.endpoint, security: .loopback) { _ in }
            let faults = Mutex<[Fault]>([])
            let waiting = Atomic(files.count)
            var threads: [DedicatedThread] = []
            for file in files {
                let thread = DedicatedThread(name: "asking") {
                    do throws(Fault) { try fetcher.fetch(file) } catch { faults.withLock { $0.append(error) } }
                    waiting.subtract(1, ordering: .acquiringAndReleasing)
                }
                threads.append(thread)
            }
            // It serves until nobody waits; nobody comes to test, which is what it ends with.
            let deadline = ContinuousClock.now + .seconds(60)
            #expect(throws: Fault.self) {
                _ = try coordinator.run(
                    mayComeBack: { waiting.load(ordering: .acquiring) > 0 && ContinuousClock.now < deadline },
                    note: { _ in })
            }
            fetcher.close()
            let stillWaiting = waiting.load(ordering: .acquiring)
            try #require(stillWaiting == 0, "they wait for ever")
            for thread in threads { thread.join() }
            let told = faults.withLock { $0 }
            #expect(told == [])
            for (number, content) in wanted.enumerated() {
                #expect(try readWhole("\(folder)/\(number)") == contents[content], "\(number)")
            }
        }
    }
}

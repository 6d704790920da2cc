import Foundation
import Synchronization
import Testing
import Threads

@Suite("Threads for tasks", .timeLimit(.minutes(3)))
struct TaskThreadTests {
    @Test("No more tasks wait than may, whoever posts is told and does not wait, and those taken run in order")
    func limit() {
        let isStuck = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
        let ran = Mutex<[Int]>([])
        let thread = TaskThread(name: "stuck", limit: 3)
        thread.post {
            isStuck.signal()
            mayGoOn.wait()
        }
        isStuck.wait()
        var taken: [Bool] = []
        for number in 0..<5 { taken.append(thread.post { ran.withLock { $0.append(number) } }) }
        #expect(taken == [true, true, true, false, false])
        mayGoOn.signal()
        thread.finish()
        let all = ran.withLock { $0 }
        #expect(all == [0, 1, 2])
        let isLate = thread.post {}
        #expect(!isLate)
    }

    @Test("Closed, it takes nothing more and runs what it has, and nobody waits for that")
    func close() {
        let mayGoOn = DispatchSemaphore(value: 0)
        let hasRun = DispatchSemaphore(value: 0)
        let thread = TaskThread(name: "busy")
        thread.post { mayGoOn.wait() }
        thread.post { hasRun.signal() }
        thread.close()
        let isLate = thread.post {}
        #expect(!isLate)
        mayGoOn.signal()
        #expect(hasRun.wait(timeout: .now() + 60) == .success)
        thread.finish()
    }
}

import Foundation
import Reporting
import Synchronization
import Testing

@Suite("What waits for stderr", .timeLimit(.minutes(3)))
struct ConsoleTests {
    private func rest(of queue: inout ConsoleQueue) -> [String] {
        var texts: [String] = []
        while let text = queue.next() { texts.append(text) }
        return texts
    }

    @Test("Of progress only the newest waits; notices keep their order; a gap is told where it is")
    func progress() {
        var queue = ConsoleQueue(limit: 1000)
        queue.add("step 1\n", isProgress: true)
        queue.add("joined\n")
        queue.add("step 2\n", isProgress: true)
        queue.add("left\n")
        #expect(!queue.isEmpty)
        let said = rest(of: &queue)
        #expect(said == ["joined\n", ConsoleQueue.gap(1) + "step 2\n", "left\n"])
        #expect(queue.isEmpty)
    }

    @Test("A bar that is drawn anew leaves no gap")
    func bar() {
        var queue = ConsoleQueue(limit: 1000)
        for step in 1...9 { queue.add("\rstep \(step)", isProgress: true) }
        let said = rest(of: &queue)
        #expect(said == ["\rstep 9"])
    }

    @Test("Without room notices are counted, and progress goes before any of them")
    func limit() {
        var queue = ConsoleQueue(limit: 20)
        queue.add("step 1\n", isProgress: true)
        queue.add("notice 1\n")
        queue.add("notice 2\n")
        queue.add("notice 3\n")
        queue.add("step 2\n", isProgress: true)
        // Now there is room for another, behind what is missing.
        let first = queue.next()
        #expect(first == "notice 1\n")
        queue.add("notice 4\n")
        let said = rest(of: &queue)
        // Missing are the first progress; the third notice and the second progress.
        #expect(said == [ConsoleQueue.gap(1) + "notice 2\n", ConsoleQueue.gap(2) + "notice 4\n"])
    }

    @Test("A gap at the end is told, once")
    func end() {
        var queue = ConsoleQueue(limit: 10)
        for number in 1...3 { queue.add("notice \(number)\n") }
        let said = rest(of: &queue)
        #expect(said == ["notice 1\n", ConsoleQueue.gap(2)])
        #expect(queue.isEmpty)
    }

    @Test("Whoever speaks or ends does not wait for a stuck writer; when it goes on, all is written in order")
    func stuck() {
        let isStuck = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
        let written = Mutex<[String]>([])
        let console = Console { text in
            isStuck.signal()
            mayGoOn.wait()
            written.withLock { $0.append(text) }
        }
        console.say("first\n")
        isStuck.wait()
        for number in 1...3 { console.say("notice \(number)\n") }
        let isWritten = console.flush(within: 0)
        #expect(!isWritten)
        for _ in 0..<4 { mayGoOn.signal() }
        let isWrittenNow = console.flush(within: 60)
        #expect(isWrittenNow)
        let all = written.withLock { $0 }
        #expect(all == ["first\n", "notice 1\n", "notice 2\n", "notice 3\n"])
    }
}

import Curation
import Dispatch
import Faults
import Glibc
import Synchronization
import Testing

@Suite struct ExaminerChildTests {
    /// A number that is closed twice may be somebody else's file by then.
    @Test func aChildThatDoesNotStartClosesNobodysFile() {
        let isOver = Atomic(false)
        let started = Atomic(0)
        let lost = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { i in
            if i == 0 {
                for _ in 0..<1000 where (try? ExaminerChild(["/nowhere/zoetrope"])) != nil {
                    started.add(1, ordering: .relaxed)
                }
                isOver.store(true, ordering: .releasing)
            } else {
                while !isOver.load(ordering: .acquiring) {
                    // The lowest number that is free, which is the one that was closed last.
                    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
                    if close(file) != 0 { lost.add(1, ordering: .relaxed) }
                }
            }
        }
        #expect(started.load(ordering: .relaxed) == 0)
        #expect(lost.load(ordering: .relaxed) == 0)
    }
}

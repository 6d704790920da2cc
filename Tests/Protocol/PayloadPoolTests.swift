import Testing
import Wire

/// What the memory of payloads keeps, and what it gives back.
@Suite struct PayloadPoolTests {
    private let pool = PayloadPool()

    /// So many payloads at once, and then none of them.
    private func need(_ count: Int, of bytes: Int) { _ = (0..<count).map { _ in pool.payload(count: bytes) } }

    private func endRounds(_ count: Int, _ round: () -> Void = {}) {
        for _ in 0..<count {
            round()
            pool.endRound()
        }
    }

    @Test func roundsThatAreAlikeAllocateNothing() {
        var sizes: Set<Int> = []
        endRounds(2000) {
            need(3, of: 100)
            need(2, of: 1 << 20)
            sizes.insert(pool.allocatedBytes)
        }
        #expect(sizes == [3 * 128 + 2 << 20])
    }

    /// A fault, after which as many messages waited as never before and never again.
    @Test func whatWasNeededOnceGoesBack() {
        endRounds(10) { need(2, of: 1 << 20) }
        need(50, of: 1 << 20)
        need(1, of: 3 << 20)
        #expect(pool.allocatedBytes == 53 << 20)
        endRounds(600) { need(2, of: 1 << 20) }
        #expect(pool.allocatedBytes == 2 << 20)
        need(1, of: 3 << 20)
        #expect(pool.allocatedBytes == 5 << 20)
    }

    @Test func whatIsNeededNowAndThenStays() {
        need(4, of: 1 << 20)
        for _ in 0..<10 {
            endRounds(200)
            need(4, of: 1 << 20)
            #expect(pool.allocatedBytes == 4 << 20)
        }
    }

    /// However long they are held.
    @Test func whatIsInUseIsNobodyElses() {
        let held = pool.payload(copying: [UInt8](repeating: 7, count: 5000))
        need(1, of: 5000)
        endRounds(600)
        #expect(pool.allocatedBytes == 8192)
        #expect(held.array(of: UInt8.self) == [UInt8](repeating: 7, count: 5000))
    }
}

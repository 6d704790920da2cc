import Protocol
import Testing
import Wire

@Suite struct NetworkBenchTests {
    /// One part again and again would stay in the caches, where a worker's chunks are not.
    @Test func largePartsTakeTurnsAndSmallOnesDoNot() {
        #expect(NetworkBench.parts(of: 1).map(\.count) == [1])
        let parts = NetworkBench.parts(of: 4 << 20)
        #expect(parts.map(\.count) == Array(repeating: 4 << 20, count: 32))
        #expect(Set(parts.map { ObjectIdentifier($0) }).count == 32)
        #expect(NetworkBench.parts(of: 48 << 20).count == 3)
    }

    @Test func theReceiverKeepsTheLastOfWhatIsLarge() {
        let pool = PayloadPool()
        func part(_ count: Int) -> Payload { pool.payload(count: count) }
        var kept = NetworkBench.Kept()
        kept.keep([part(24 << 20), part(24 << 20)])
        #expect(kept.bytes == 48 << 20)
        kept.keep((0..<1000).map { _ in part(1) })
        #expect(kept.bytes == 48 << 20)
        kept.keep([part(20 << 20)])
        #expect(kept.bytes == 44 << 20)
        // Whatever a peer sends.
        kept.keep([part(65 << 20)])
        #expect(kept.bytes == 0)
    }
}

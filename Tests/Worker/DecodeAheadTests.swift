import Faults
import Synchronization
import Testing
import Worker

@Suite struct DecodeAheadTests {
    /// Decodes a position to itself, counting how often.
    private final class Counting: Sendable {
        let count = Atomic<Int>(0)

        func ahead(threads: Int, capacity: Int) -> DecodeAhead<UInt64> {
            DecodeAhead(threads: threads, capacity: capacity) {
                { [self] position in
                    count.add(1, ordering: .relaxed)
                    return position % 7 == 6
                        ? .failure(Fault(.data, "position \(position)", "is broken")) : .success(position)
                }
            }
        }
    }

    @Test(arguments: [1, 3]) func everyPositionIsDecodedOnceWhateverTheOrder(threads: Int) {
        let counting = Counting()
        let ahead = counting.ahead(threads: threads, capacity: 4)
        ahead.prefetch(0..<20, step: 0)
        for position in (0..<20).reversed() as [UInt64] {
            switch ahead.take(position) {
            case .success(let value): #expect(value == position && position % 7 != 6)
            case .failure(let fault): #expect(fault.thing == "position \(position)" && position % 7 == 6)
            }
        }
        #expect(counting.count.load(ordering: .relaxed) == 20)
        ahead.close()
    }

    @Test func whatNobodyAskedForIsDecodedByWhoTakesIt() {
        let counting = Counting()
        let ahead = counting.ahead(threads: 1, capacity: 2)
        #expect(ahead.take(40) == .success(40))
        #expect(ahead.decodedCount == 0)
        ahead.close()
    }

    @Test func aRevokedStepMakesRoomForTheNext() {
        let ahead = Counting().ahead(threads: 2, capacity: 2)
        ahead.prefetch([0, 1, 2, 3], step: 3)
        // Nobody takes them: two steps on they are dropped, and what is asked for then is decoded ahead.
        ahead.prefetch([50, 51], step: 5)
        #expect(ahead.take(50) == .success(50))
        #expect(ahead.take(51) == .success(51))
        #expect(ahead.take(0) == .success(0))
        ahead.close()
    }
}

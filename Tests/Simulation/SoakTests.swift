import Foundation
import Synchronization
import Testing

/// As many seeds as there is time for: `make soak MINUTES=60 SEED=2000`. Not part of `make test`.
@Suite struct SoakTests {
    static let minutes = number("SOAK_MINUTES").flatMap { $0 > 0 ? $0 : nil }
    private static let first = number("SOAK_SEED") ?? 2000
    private static let seeds = number("SOAK_SEEDS") ?? .max

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test(.enabled(if: SoakTests.minutes != nil, "asked for with make soak")) func seedsGiveTheSameBits() async throws {
        let deadline = ContinuousClock.now + .seconds(60 * (Self.minutes ?? 0))
        let next = Counter()
        let (done, failed) = await withTaskGroup(of: (done: Int, failed: Int).self) { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask {
                    var done = 0
                    var failed = 0
                    while ContinuousClock.now < deadline, failed < 3 {
                        let index = next.value.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < Self.seeds else { break }
                        let seed = UInt64(Self.first + index)
                        done += 1
                        // Every fourth finetunes: frozen chunks, rates of their own, a first state from a file.
                        let (trouble, _) = SimulationTests.verdict(seed: seed, finetunes: seed % 4 == 3)
                        guard let trouble else { continue }
                        failed += 1
                        Issue.record("seed \(seed)\(seed % 4 == 3 ? ", finetuning" : ""): \(trouble)")
                    }
                    return (done, failed)
                }
            }
            return await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.done, $0.1 + $1.failed) }
        }
        print("soak: \(done) seeds from \(Self.first) on, \(failed) of them failed")
        #expect(done > 0)
    }
}

/// The seeds that were taken so far.
private final class Counter: Sendable {
    let value = Atomic(0)
}

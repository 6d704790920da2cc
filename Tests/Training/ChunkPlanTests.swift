import Testing
import Training

@Suite struct ChunkPlanTests {
    /// Every element of every parameter in exactly one chunk, no chunk over the limit or across parameters.
    @Test(arguments: [16, 100, 1 << 20]) func chunksPartitionTheParameters(limit: Int) {
        let counts = [1, 15, 16, 17, 1000, 4096, 333]
        let plan = ChunkPlan(
            parameters: counts.map { .init(count: $0, weightDecay: $0 > 16 ? 0.5 : 0) },
            statistics: [.init(channels: 8, retention: 0.9, varianceScale: 1)], limit: limit)
        for (parameter, count) in counts.enumerated() {
            var next = 0
            for chunk in plan.chunks(ofParameter: parameter) {
                guard case .parameter(parameter, let range) = plan.chunks[chunk].content else {
                    Issue.record("chunk \(chunk) is not of parameter \(parameter)")
                    continue
                }
                #expect(range.lowerBound == next)
                #expect(range.count == plan.chunks[chunk].elements)
                #expect(range.count <= max(16, (limit + 15) / 16 * 16))
                #expect(plan.chunks[chunk].weightDecay == (count > 16 ? 0.5 : 0))
                next = range.upperBound
            }
            #expect(next == count)
        }
        #expect(plan.trained == 0..<(plan.chunks.count - 1))
        let statistics = plan.chunks[plan.chunk(ofStatistics: 0)]
        #expect(statistics.isStatistics && statistics.gradientBytes == 128 && statistics.slotBytes == 64)
        #expect(plan.chunks.enumerated().allSatisfy { $0.offset == $0.element.number })
    }

    @Test func whatIsFrozenNeitherChangesNorIsLeftOutOfComputing() {
        let plan = ChunkPlan(
            parameters: [
                .init(count: 40, isFrozen: true), .init(count: 20, rate: 3),
            ],
            statistics: [
                .init(channels: 8, retention: 0.9, varianceScale: 1, isFrozen: true),
                .init(channels: 8, retention: 0.9, varianceScale: 1),
            ], limit: 32)
        #expect(plan.chunks.map(\.isFrozen) == [true, true, false, true, false])
        #expect(plan.chunks.map(\.rate) == [1, 1, 3, 1, 1])
        #expect(plan.changing == [2, 4])
        #expect((-1...5).filter(plan.isComputedWith) == [0, 1, 2, 3])
    }

    @Test func anyDifferenceChangesTheDigest() {
        func plan(
            _ count: Int, _ decays: Bool, _ channels: Int, _ limit: Int, isFrozen: Bool = false, rate: Float = 1,
            still: Bool = false, slots: [Slot] = [.weights, .momentum]
        ) -> UInt64 {
            ChunkPlan(
                parameters: [.init(count: count, weightDecay: decays ? 0.5 : 0, isFrozen: isFrozen, rate: rate)],
                statistics: [.init(channels: channels, retention: 0.9, varianceScale: 1, isFrozen: still)],
                slots: slots, limit: limit
            ).digest
        }
        let digests = [
            plan(100, true, 4, 64), plan(101, true, 4, 64), plan(100, false, 4, 64), plan(100, true, 5, 64),
            plan(100, true, 4, 32), plan(100, true, 4, 64, isFrozen: true), plan(100, true, 4, 64, rate: 0.5),
            plan(100, true, 4, 64, still: true), plan(100, false, 4, 64, isFrozen: true),
            plan(100, true, 4, 64, slots: [.weights, .momentum, .average]),
            plan(100, true, 4, 64, slots: [.weights, .firstMoment, .secondMoment]),
        ]
        #expect(Set(digests).count == digests.count)
        #expect(plan(100, true, 4, 64) == digests[0])
    }
}

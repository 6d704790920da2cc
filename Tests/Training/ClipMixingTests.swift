import Testing
import Training

@Suite struct ClipMixingTests {
    private let both = ClipMixing(mixupAlpha: 0.8, cutmixAlpha: 1, probability: 0.75, switchProbability: 0.4)

    private func mixes(_ mixing: ClipMixing, _ count: Int) -> [ClipMixing.Mix] {
        (0..<count).map { mixing.mix(seed: 5, position: UInt64($0 * 8), height: 32, width: 48) }
    }

    /// 2000 units: shares of 25, 45 and 30 %, each within five deviations.
    @Test func unitsAreMixedAsOftenAsTold() {
        var counts = [0, 0, 0]
        for mix in mixes(both, 2000) {
            switch mix {
            case .none: counts[0] += 1
            case .blend(let share):
                counts[1] += 1
                #expect(share >= 0 && share <= 1)
            case .paste(let rows, let columns, let share):
                counts[2] += 1
                #expect(rows.lowerBound >= 0 && rows.upperBound <= 32)
                #expect(columns.lowerBound >= 0 && columns.upperBound <= 48)
                #expect(share == 1 - Double(rows.count * columns.count) / Double(32 * 48))
            }
        }
        for (count, share) in zip(counts, [0.25, 0.45, 0.3]) { #expect(abs(Double(count) / 2000 - share) < 0.055) }
    }

    @Test func oneKindAloneIsAlwaysThatKind() {
        let mixup = ClipMixing(mixupAlpha: 0.2, cutmixAlpha: 0, probability: 1, switchProbability: 1)
        #expect(mixes(mixup, 50).allSatisfy { if case .blend = $0 { true } else { false } })
        let cutmix = ClipMixing(mixupAlpha: 0, cutmixAlpha: 1, probability: 1, switchProbability: 0)
        #expect(mixes(cutmix, 50).allSatisfy { if case .paste = $0 { true } else { false } })
        let off = ClipMixing(mixupAlpha: 0, cutmixAlpha: 0, probability: 1, switchProbability: 0.5)
        #expect(!off.isOn && mixes(off, 20).allSatisfy { $0 == .none })
    }

    @Test func seedAndPositionDecide() {
        #expect(mixes(both, 40) == mixes(both, 40))
        #expect(Set(mixes(both, 40).map { "\($0)" }).count > 20)
        #expect(both.mix(seed: 6, position: 8, height: 32, width: 48) != mixes(both, 2)[1])
    }

    @Test func targetsAreProbabilities() throws {
        #expect(SoftTargets.rows(labels: [1, 0], classes: 3, smoothing: 0, share: 1) == nil)
        let mixed = try #require(SoftTargets.rows(labels: [1, 0, 2], classes: 4, smoothing: 0, share: 0.75))
        #expect(mixed == [0, 0.75, 0.25, 0, 1, 0, 0, 0, 0, 0.25, 0.75, 0])
        let smooth = try #require(SoftTargets.rows(labels: [1, 0], classes: 4, smoothing: 0.2, share: 0.75))
        for (value, wanted) in zip(smooth, [0.25, 0.65, 0.05, 0.05, 0.65, 0.25, 0.05, 0.05]) {
            #expect(abs(value - wanted) < 1e-15)
        }
    }
}

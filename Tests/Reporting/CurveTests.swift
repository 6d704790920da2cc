import Reporting
import Testing

@Suite struct CurveTests {
    @Test func keepsEveryStepWhileThereIsRoom() {
        var curve = Curve(most: 4)
        for (step, value) in [3.0, 1, 2].enumerated() { curve.add(step: step, value) }
        #expect(curve.width == 1)
        #expect(curve.buckets.map(\.mean) == [3, 1, 2])
    }

    @Test(arguments: [2, 3, 64, 512]) func staysBoundedAndLosesNoSum(most: Int) {
        var curve = Curve(most: most)
        let steps = 10_000
        for step in 0..<steps { curve.add(step: step, Double(step)) }
        #expect(curve.buckets.count <= most)
        // Widths double: never thinner than half full.
        #expect(2 * curve.buckets.count >= most || curve.width == 1)
        #expect(curve.buckets.reduce(0) { $0 + $1.count } == steps)
        // Sums of whole numbers below 2^53 are exact.
        #expect(curve.buckets.reduce(0) { $0 + $1.sum } == Double(steps * (steps - 1) / 2))
        #expect(curve.buckets.first?.least == 0 && curve.buckets.last?.greatest == Double(steps - 1))
        #expect(zip(curve.buckets, curve.buckets.dropFirst()).allSatisfy { $0.index < $1.index })
    }

    @Test func orderOfStepsDoesNotMatter() {
        var (forward, backward) = (Curve(most: 8), Curve(most: 8))
        for step in 0..<100 { forward.add(step: step, Double(step % 7)) }
        for step in (0..<100).reversed() { backward.add(step: step, Double(step % 7)) }
        #expect(forward == backward)
    }

    @Test func whatIsNotFiniteIsNoValue() {
        var curve = Curve()
        curve.add(step: 0, .infinity)
        curve.add(step: 1, .nan)
        curve.add(step: -1, 1)
        #expect(curve.buckets.isEmpty)
    }
}

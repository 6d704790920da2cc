import Kernels
import Testing

@Suite struct ActivationTests {
    /// Large and small, of both signs, zeros and the ends of what f32 holds.
    private static func values(_ count: Int) -> Tensor<Float> {
        let special: [Float] = [0, -0.0, 1e-30, -1e-30, 20, -20, 86, -86, 88, -88, 200, -200, 1e30]
        return Tensor(count) { $0 < special.count ? special[$0] : 8 * noise(51, $0) }
    }

    private static func sigmoid(_ x: Double) -> Double {
        let e = exponential(-abs(x))
        return x < 0 ? e / (1 + e) : 1 / (1 + e)
    }

    /// Within a few roundings of f32 of a function of x that is a sigmoid or at most 2 |x| + 1 of them: no sigmoid is below
    /// that of -87, 1.6e-38.
    private static func close(_ ours: Float, _ truth: Double, x: Double = 0) -> Bool {
        abs(Double(ours) - truth) <= 5e-7 * abs(truth) + 2e-38 * (1 + 2 * abs(x))
    }

    @Test func everyInstructionSetAgreesWithTheFormulas() {
        for count in [1, 13, 16, 77, 40_001] {
            let (x, dy) = (Self.values(count), Tensor<Float>(count) { noise(52, $0) })
            for set in supportedSets {
                let (passes, pool) = (Elementwise(instructionSet: set), ThreadPool(threads: 2))
                let (y, s) = (Tensor<Float>(count), Tensor<Float>(count))
                let (dx, ds) = (Tensor<Float>(count), Tensor<Float>(count))
                passes.swish(count: count, x: x.pointer, y: y.pointer, pool: pool)
                passes.sigmoid(count: count, x: x.pointer, y: s.pointer, pool: pool)
                passes.swishBackward(count: count, x: x.pointer, dy: dy.pointer, dx: dx.pointer, pool: pool)
                passes.sigmoidBackward(count: count, y: s.pointer, dy: dy.pointer, dx: ds.pointer, pool: pool)
                for i in 0..<count {
                    let (v, g) = (Double(x[i]), Double(dy[i]))
                    let share = Self.sigmoid(v)
                    // Both slopes subtract from 1, so their error is one of g and not of the slope.
                    let slope = share * (1 + v * (1 - share))
                    guard Self.close(y[i], v * share, x: v), Self.close(s[i], share),
                        abs(Double(dx[i]) - g * slope) <= 2e-6 * abs(g),
                        abs(Double(ds[i]) - g * share * (1 - share)) <= 2e-7 * abs(g)
                    else {
                        Issue.record("value \(i) of \(count), \(x[i]), \(set): \(y[i]), \(s[i]), \(dx[i]), \(ds[i])")
                        break
                    }
                }
                for tensor in [y, s, dx, ds] { #expect(tensor.isIntact) }
            }
        }
    }

    @Test func slopesAreThoseOfTheFunctions() {
        for i in 0..<100 {
            let (v, h) = (6 * Double(noise(53, i)), 1e-5)
            let swish = ((v + h) * Self.sigmoid(v + h) - (v - h) * Self.sigmoid(v - h)) / (2 * h)
            let sigmoid = (Self.sigmoid(v + h) - Self.sigmoid(v - h)) / (2 * h)
            let passes = Elementwise(instructionSet: .best)
            let pool = ThreadPool(threads: 1)
            let (x, one) = (Tensor<Float>(1) { _ in Float(v) }, Tensor<Float>(1) { _ in 1 })
            let (s, dx, ds) = (Tensor<Float>(1), Tensor<Float>(1), Tensor<Float>(1))
            passes.swishBackward(count: 1, x: x.pointer, dy: one.pointer, dx: dx.pointer, pool: pool)
            passes.sigmoid(count: 1, x: x.pointer, y: s.pointer, pool: pool)
            passes.sigmoidBackward(count: 1, y: s.pointer, dy: one.pointer, dx: ds.pointer, pool: pool)
            #expect(abs(Double(dx[0]) - swish) < 2e-6 && abs(Double(ds[0]) - sigmoid) < 1e-6, "at \(v)")
        }
    }

    @Test func aValueDoesNotDependOnItsPlaceAndNaNStays() {
        for set in supportedSets {
            let (passes, pool) = (Elementwise(instructionSet: set), ThreadPool(threads: 1))
            let x = Tensor<Float>(37) { _ in 1.234 }
            let y = Tensor<Float>(37)
            passes.swish(count: 37, x: x.pointer, y: y.pointer, pool: pool)
            #expect(Set(y.bits.map(\.bitPattern)).count == 1)
            passes.swishBackward(count: 37, x: x.pointer, dy: x.pointer, dx: y.pointer, pool: pool)
            #expect(Set(y.bits.map(\.bitPattern)).count == 1)
            let bad = Tensor<Float>(37) { _ in .nan }
            passes.swish(count: 37, x: bad.pointer, y: y.pointer, pool: pool)
            #expect(y.bits.allSatisfy { $0.isNaN })
            passes.sigmoid(count: 37, x: bad.pointer, y: y.pointer, pool: pool)
            #expect(y.bits.allSatisfy { $0.isNaN })
        }
    }

    @Test func scoresAreMeansOfSoftmax() {
        let (N, P, K) = (2, 3, 7)
        let logits = Tensor<Float>(N * P * K) { 10 * noise(54, $0) }
        for joint in [false, true] {
            let scores = Tensor<Float>(N * K)
            SoftmaxMean.run(
                N: N, P: P, K: K, joint: joint, logits: logits.pointer, scores: scores.pointer,
                pool: ThreadPool(threads: 2))
            for n in 0..<N {
                func e(_ p: Int, _ k: Int) -> Double { exponential(Double(logits[(n * P + p) * K + k]) - 10) }
                let sums = (0..<P).map { p in (0..<K).reduce(0) { $0 + e(p, $1) } }
                let all = sums.reduce(0, +)
                for k in 0..<K {
                    let truth = (0..<P).reduce(0) { $0 + e($1, k) / (joint ? all : sums[$1]) } / Double(P)
                    #expect(abs(Double(scores[n * K + k]) - truth) < 1e-7)
                }
            }
            let total = scores.bits.reduce(0, +)
            #expect(abs(total - Float(N) / (joint ? Float(P) : 1)) < 1e-5)
            #expect(scores.isIntact)
        }
    }
}

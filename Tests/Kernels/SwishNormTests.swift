import Kernels
import Testing

/// Batch norm with Swish over N clips of P pixels, with or without numbers for channels and a mean behind the norm.
private struct SwishNormProblem: CustomStringConvertible {
    let N: Int
    let P: Int
    let C: Int
    let gated: Bool
    let frozen: Bool

    var description: String { "\(N) x \(P) x \(C), gate \(gated), frozen \(frozen)" }

    private static let epsilon = 1e-3
    private typealias T = Tensor<Float>

    private var x: Tensor<Float> { T(N * P * C) { noise(81, $0) * Float($0 % C % 5 + 1) + 0.3 } }
    private var dy: Tensor<Float> { T(N * P * C) { noise(82, $0) } }
    private var scale: Tensor<Float> { T(C) { noise(83, $0) + 1.2 } }
    private var shift: Tensor<Float> { T(C) { noise(84, $0) } }
    private var gate: Tensor<Float> { T(N * C) { noise(85, $0) / 2 + 0.5 } }
    /// The gradient of the mean of what the norm makes.
    private var pooled: Tensor<Float> { T(N * C) { 3 * noise(86, $0) } }

    /// y, ds, dx, dscale, dshift.
    func run(_ set: InstructionSet, threads: Int) -> [(String, Tensor<Float>)] {
        let (x, dy, scale, shift, gate, pooled) = (x, dy, scale, shift, gate, pooled)
        let (batch, norm) = (
            BatchNorm(C: C, epsilon: Self.epsilon, instructionSet: set),
            SwishNorm(C: C, epsilon: Self.epsilon, instructionSet: set)
        )
        let pool = ThreadPool(threads: threads)
        let scratch = T(max(batch.scratchCount(P: N * P), norm.scratchCount(N: N, P: P))) { _ in .nan }
        let (mean, variance) = statistics
        if !frozen {
            batch.statistics(
                P: N * P, x: x.pointer, mean: mean.pointer, variance: variance.pointer, scratch: scratch.pointer,
                pool: pool)
        }
        let (factor, offset) = (T(C), T(C))
        batch.coefficients(
            scale: scale.pointer, shift: shift.pointer, mean: mean.pointer, variance: variance.pointer,
            factor: factor.pointer, offset: offset.pointer)
        let coefficients = Prologue(factor: factor.pointer, offset: offset.pointer)
        let s = gated ? UnsafePointer(gate.pointer) : nil
        let (y, ds, dx, dscale, dshift) = (T(x.count), T(N * C), T(x.count), T(C), T(C))
        norm.apply(
            N: N, P: P, x: x.pointer, coefficients: coefficients, gate: s, y: y.pointer, scratch: scratch.pointer,
            pool: pool)
        let sums = Tensor<Double>(N * 2 * C)
        norm.gradientSums(
            N: N, P: P, x: x.pointer, dy: dy.pointer, coefficients: coefficients, gate: s, mean: mean.pointer,
            sums: sums.pointer, scratch: scratch.pointer, pool: pool)
        norm.gateGradient(N: N, sums: sums.pointer, coefficients: coefficients, mean: mean.pointer, ds: ds.pointer)
        let means = T(N * C)
        let channels = ChannelSums(C: C, instructionSet: set)
        let work = T(channels.scratchCount(N: N, P: P))
        channels.run(
            N: N, P: P, x: x.pointer, factor: 1 / Double(P), sums: means.pointer, scratch: work.pointer, pool: pool)
        // The gradient takes dy's place, as in a pass.
        dx.pointer.update(from: dy.pointer, count: dx.count)
        norm.backward(
            N: N, P: P, x: x.pointer, dy: dx.pointer, coefficients: coefficients, gate: s,
            pooled: gated ? .init(gradient: pooled.pointer, means: means.pointer) : nil, sums: sums.pointer,
            scale: scale.pointer, mean: mean.pointer, variance: variance.pointer, frozen: frozen, dx: dx.pointer,
            dscale: dscale.pointer, dshift: dshift.pointer, scratch: scratch.pointer, pool: pool)
        for tensor in [y, ds, dx, dscale, dshift, scratch] { #expect(tensor.isIntact, "\(self)") }
        return [("y", y), ("ds", ds), ("dx", dx), ("dscale", dscale), ("dshift", dshift)]
    }

    /// Layer by layer in f64.
    func truth() -> [Tensor<Double>] {
        let (x, dy, scale, shift) = (x.doubled, dy.doubled, scale.doubled, shift.doubled)
        let (gate, pooled) = (gate.doubled, pooled.doubled)
        let (mean, variance) = statistics
        typealias D = Tensor<Double>
        if !frozen {
            PlainReference.batchStatistics(
                P: N * P, C: C, x: x.pointer, mean: mean.pointer, variance: variance.pointer)
        }
        let (u, y, ds, du) = (D(x.count), D(x.count), D(N * C) { _ in 0 }, D(x.count))
        PlainReference.batchNorm(
            P: N * P, C: C, epsilon: Self.epsilon, x: x.pointer, scale: scale.pointer, shift: shift.pointer,
            mean: mean.pointer, variance: variance.pointer, residual: nil, relu: false, y: u.pointer)
        for i in 0..<x.count {
            let place = i / (P * C) * C + i % C
            let s = gated ? gate[place] : 1
            let v = s * u[i]
            let e = exponential(-abs(v))
            let share = v < 0 ? e / (1 + e) : 1 / (1 + e)
            let dv = dy[i] * share * (1 + v * (1 - share))
            y.pointer[i] = v * share
            ds.pointer[place] += dv * u[i]
            du.pointer[i] = s * dv + (gated ? pooled[place] / Double(P) : 0)
        }
        let (dx, dscale, dshift) = (D(x.count), D(C), D(C))
        PlainReference.batchNormBackward(
            P: N * P, C: C, epsilon: Self.epsilon, x: x.pointer, y: nil, dy: du.pointer, scale: scale.pointer,
            mean: mean.pointer, variance: variance.pointer, frozen: frozen, dx: dx.pointer, dscale: dscale.pointer,
            dshift: dshift.pointer, dresidual: nil)
        return [y, ds, dx, dscale, dshift]
    }

    private var statistics: (mean: Tensor<Double>, variance: Tensor<Double>) {
        (Tensor(C) { Double(noise(87, $0)) }, Tensor(C) { Double(noise(88, $0)) + 1.5 })
    }
}

@Suite struct SwishNormTests {
    private static var problems: [SwishNormProblem] {
        [(1, 9, 5), (2, 33, 16), (3, 50, 45), (2, 1600, 54), (1, 3000, 24), (2, 40, 433)].flatMap { N, P, C in
            [(true, false), (true, true), (false, false), (false, true)].map {
                SwishNormProblem(N: N, P: P, C: C, gated: $0.0, frozen: $0.1)
            }
        }
    }

    @Test func everyInstructionSetAgreesWithTheReference() {
        for problem in Self.problems {
            let truth = problem.truth()
            for set in supportedSets {
                for ((name, ours), truth) in zip(problem.run(set, threads: 2), truth) {
                    #expect(relativeError(ours, truth) <= 5e-6, "\(name) of \(problem), \(set)")
                }
            }
        }
    }

    @Test func threadsChangeNoBit() {
        for problem in Self.problems {
            let one = problem.run(.best, threads: 1).map(\.1.bits)
            #expect(problem.run(.best, threads: 3).map(\.1.bits) == one, "\(problem)")
        }
    }
}

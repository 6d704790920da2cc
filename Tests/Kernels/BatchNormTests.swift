import Kernels
import Testing

/// Batch norm over P pixels of C channels, with all that goes in and comes out.
private struct BatchNormProblem: CustomStringConvertible {
    let P: Int
    let C: Int
    let relu: Bool
    let adds: Bool
    let frozen: Bool
    /// Whether backward computes the ReLU's mask again.
    var fromInput = false
    /// Added to all inputs: far from zero, sums of squares cancel.
    var centre: Float = 0.3

    var description: String {
        "\(P) x \(C), relu \(relu), residual \(adds), frozen \(frozen), centre \(centre)"
    }

    private static let epsilon = 1e-3

    func run(_ set: InstructionSet, threads: Int) -> [(String, Tensor<Float>)] {
        let (x, scale, shift, residual, dy) = inputs()
        let norm = BatchNorm(C: C, epsilon: Self.epsilon, instructionSet: set)
        let pool = ThreadPool(threads: threads)
        let scratch = Tensor<Float>(norm.scratchCount(P: P)) { _ in .nan }
        let (mean, variance) = statistics()
        let y = Tensor<Float>(P * C)
        let dx = Tensor<Float>(P * C)
        let dresidual = Tensor<Float>(P * C)
        let dscale = Tensor<Float>(C)
        let dshift = Tensor<Float>(C)
        if !frozen {
            norm.statistics(
                P: P, x: x.pointer, mean: mean.pointer, variance: variance.pointer, scratch: scratch.pointer,
                pool: pool)
        }
        let factor = Tensor<Float>(C)
        let offset = Tensor<Float>(C)
        norm.coefficients(
            scale: scale.pointer, shift: shift.pointer, mean: mean.pointer, variance: variance.pointer,
            factor: factor.pointer, offset: offset.pointer)
        norm.apply(
            P: P, x: x.pointer, factor: factor.pointer, offset: offset.pointer,
            residual: adds ? residual.pointer : nil, relu: relu, y: y.pointer, scratch: scratch.pointer, pool: pool)
        let mask: BatchNorm.Mask =
            !relu
            ? .none
            : fromInput
                ? .input(Prologue(factor: factor.pointer, offset: offset.pointer)) : .output(UnsafePointer(y.pointer))
        norm.backward(
            P: P, x: x.pointer, mask: mask, dy: dy.pointer, scale: scale.pointer, mean: mean.pointer,
            variance: variance.pointer, frozen: frozen, dx: dx.pointer, dscale: dscale.pointer,
            dshift: dshift.pointer, dresidual: adds ? dresidual.pointer : nil, scratch: scratch.pointer, pool: pool)
        for tensor in [y, dx, dscale, dshift, dresidual, scratch] { #expect(tensor.isIntact, "\(self)") }
        var results = [("y", y), ("dx", dx), ("dscale", dscale), ("dshift", dshift)]
        if adds { results.append(("dresidual", dresidual)) }
        results.append(("mean", Tensor<Float>(C) { Float(mean[$0]) }))
        results.append(("variance", Tensor<Float>(C) { Float(variance[$0]) }))
        return results
    }

    func truth() -> [Tensor<Double>] {
        let (x, scale, shift, residual, dy) = inputs()
        let (a, s, o, r, g) = (x.doubled, scale.doubled, shift.doubled, residual.doubled, dy.doubled)
        let (mean, variance) = statistics()
        if !frozen {
            PlainReference.batchStatistics(
                P: P, C: C, x: a.pointer, mean: mean.pointer, variance: variance.pointer)
        }
        let y = Tensor<Double>(P * C)
        let dx = Tensor<Double>(P * C)
        let dresidual = Tensor<Double>(P * C)
        let dscale = Tensor<Double>(C)
        let dshift = Tensor<Double>(C)
        PlainReference.batchNorm(
            P: P, C: C, epsilon: Self.epsilon, x: a.pointer, scale: s.pointer, shift: o.pointer, mean: mean.pointer,
            variance: variance.pointer, residual: adds ? r.pointer : nil, relu: relu, y: y.pointer)
        PlainReference.batchNormBackward(
            P: P, C: C, epsilon: Self.epsilon, x: a.pointer, y: relu ? y.pointer : nil, dy: g.pointer,
            scale: s.pointer, mean: mean.pointer, variance: variance.pointer, frozen: frozen, dx: dx.pointer,
            dscale: dscale.pointer, dshift: dshift.pointer, dresidual: dresidual.pointer)
        return [y, dx, dscale, dshift] + (adds ? [dresidual] : []) + [mean, variance]
    }

    private typealias T = Tensor<Float>
    private func inputs() -> (x: T, scale: T, shift: T, residual: T, dy: T) {
        (
            T(P * C) { noise(21, $0) * Float($0 % C % 5 + 1) + centre }, T(C) { noise(22, $0) + 1.2 },
            T(C) { noise(23, $0) }, T(P * C) { noise(24, $0) }, T(P * C) { noise(25, $0) }
        )
    }

    /// What a frozen layer is given.
    private func statistics() -> (mean: Tensor<Double>, variance: Tensor<Double>) {
        (Tensor<Double>(C) { Double(noise(26, $0)) }, Tensor<Double>(C) { Double(noise(27, $0)) + 1.5 })
    }
}

@Suite struct BatchNormTests {
    private static let sizes = [(1, 5), (7, 3), (33, 16), (200, 45), (130, 64), (67, 230), (40, 921), (9000, 24)]

    private static var problems: [BatchNormProblem] {
        sizes.flatMap { P, C in
            [
                (false, false, false), (true, false, false), (true, true, false), (false, true, true),
                (true, true, true), (true, false, true),
            ]
            .map { BatchNormProblem(P: P, C: C, relu: $0.0, adds: $0.1, frozen: $0.2) }
        }
    }

    @Test func everyInstructionSetAgreesWithTheReference() {
        for problem in Self.problems where problem.P > 1 || problem.frozen {
            let truth = problem.truth()
            for set in supportedSets {
                for ((name, ours), truth) in zip(problem.run(set, threads: 2), truth) {
                    #expect(relativeError(ours, truth) <= 1e-5, "\(name) of \(problem), \(set)")
                }
            }
        }
    }

    @Test func statisticsFarFromZeroKeepTheirPrecision() {
        var problem = BatchNormProblem(P: 5000, C: 24, relu: false, adds: false, frozen: false)
        problem.centre = 1000
        let truth = problem.truth()
        for set in supportedSets {
            let results = problem.run(set, threads: 2)
            for place in [4, 5] { #expect(relativeError(results[place].1, truth[place]) <= 5e-6, "\(set)") }
        }
    }

    @Test func theMaskIsTheSameComputedAgain() {
        for var problem in Self.problems where problem.relu && !problem.adds {
            for set in supportedSets {
                problem.fromInput = false
                let stored = problem.run(set, threads: 2).map(\.1.bits)
                problem.fromInput = true
                #expect(problem.run(set, threads: 2).map(\.1.bits) == stored, "\(problem), \(set)")
            }
        }
    }

    @Test func threadsChangeNoBit() {
        for problem in Self.problems {
            let one = problem.run(.best, threads: 1).map(\.1.bits)
            for threads in [2, 3] {
                #expect(problem.run(.best, threads: threads).map(\.1.bits) == one, "\(problem), \(threads)")
            }
        }
    }
}

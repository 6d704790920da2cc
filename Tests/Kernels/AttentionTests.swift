import Kernels
import Testing

/// One non-local block's core in f64.
private struct Truth {
    let N: Int
    let P: Int
    let Q: Int
    let C: Int
    let K: Int
    let normalisation: Attention.Normalisation

    func weights(_ theta: [Double], _ phi: [Double]) -> [Double] {
        var a = [Double](repeating: 0, count: N * P * Q)
        for n in 0..<N {
            for p in 0..<P {
                let row = (n * P + p) * Q
                for q in 0..<Q {
                    for c in 0..<C { a[row + q] += theta[(n * P + p) * C + c] * phi[(n * Q + q) * C + c] }
                    a[row + q] /= normalisation == .softmax ? Double(C).squareRoot() : Double(Q)
                }
                guard normalisation == .softmax else { continue }
                let peak = a[row..<row + Q].max() ?? 0
                for q in 0..<Q { a[row + q] = exponential(a[row + q] - peak) }
                let sum = a[row..<row + Q].reduce(0, +)
                for q in 0..<Q { a[row + q] /= sum }
            }
        }
        return a
    }

    func forward(_ theta: [Double], _ phi: [Double], _ g: [Double]) -> [Double] {
        let a = weights(theta, phi)
        var y = [Double](repeating: 0, count: N * P * K)
        for n in 0..<N {
            for p in 0..<P {
                for q in 0..<Q {
                    for k in 0..<K { y[(n * P + p) * K + k] += a[(n * P + p) * Q + q] * g[(n * Q + q) * K + k] }
                }
            }
        }
        return y
    }

    /// Gradients of theta, phi and g.
    func backward(_ theta: [Double], _ phi: [Double], _ g: [Double], _ dy: [Double]) -> [[Double]] {
        let a = weights(theta, phi)
        var (dtheta, dphi, dg) = (theta.map { _ in 0.0 }, phi.map { _ in 0.0 }, g.map { _ in 0.0 })
        for n in 0..<N {
            for p in 0..<P {
                let row = (n * P + p) * Q
                var da = [Double](repeating: 0, count: Q)
                for q in 0..<Q {
                    for k in 0..<K {
                        da[q] += dy[(n * P + p) * K + k] * g[(n * Q + q) * K + k]
                        dg[(n * Q + q) * K + k] += a[row + q] * dy[(n * P + p) * K + k]
                    }
                }
                let mean = (0..<Q).reduce(0) { $0 + a[row + $1] * da[$1] }
                for q in 0..<Q {
                    let ds =
                        normalisation == .softmax
                        ? a[row + q] * (da[q] - mean) / Double(C).squareRoot() : da[q] / Double(Q)
                    for c in 0..<C {
                        dtheta[(n * P + p) * C + c] += ds * phi[(n * Q + q) * C + c]
                        dphi[(n * Q + q) * C + c] += ds * theta[(n * P + p) * C + c]
                    }
                }
            }
        }
        return [dtheta, dphi, dg]
    }
}

@Suite struct AttentionTests {
    private static let truths = [
        (1, 1, 1, 3, 2), (2, 9, 4, 5, 7), (2, 50, 33, 16, 16), (1, 130, 70, 37, 64), (1, 64, 128, 64, 33),
    ].flatMap { N, P, Q, C, K in
        [Attention.Normalisation.softmax, .positions].map {
            Truth(N: N, P: P, Q: Q, C: C, K: K, normalisation: $0)
        }
    }

    private static func values(_ count: Int, _ seed: Int) -> [Double] { (0..<count).map { Double(noise(seed, $0)) } }

    private static func inputs(_ t: Truth) -> (theta: [Double], phi: [Double], g: [Double], dy: [Double]) {
        (
            values(t.N * t.P * t.C, 71).map { 2 * $0 }, values(t.N * t.Q * t.C, 72), values(t.N * t.Q * t.K, 73),
            values(t.N * t.P * t.K, 74)
        )
    }

    private func run(
        _ t: Truth, _ set: InstructionSet, threads: Int, sliceValues: Int
    ) throws -> [(String, Tensor<Float>)] {
        var layer = try Attention(
            P: t.P, Q: t.Q, C: t.C, K: t.K, normalisation: t.normalisation, instructionSet: set)
        layer.sliceValues = sliceValues
        let pool = ThreadPool(threads: threads)
        let inputs = Self.inputs(t)
        func tensor(_ values: [Double]) -> Tensor<Float> { Tensor(values.count) { Float(values[$0]) } }
        let (theta, phi, g, dy) = (tensor(inputs.theta), tensor(inputs.phi), tensor(inputs.g), tensor(inputs.dy))
        let (y, dtheta, dphi, dg) = (
            Tensor<Float>(dy.count), Tensor<Float>(theta.count), Tensor<Float>(phi.count), Tensor<Float>(g.count)
        )
        let first = Tensor<Float>(layer.scratchCount(backward: false, threads: threads)) { _ in .nan }
        let second = Tensor<Float>(layer.scratchCount(backward: true, threads: threads)) { _ in .nan }
        layer.forward(
            N: t.N, theta: theta.pointer, phi: phi.pointer, g: g.pointer, y: y.pointer, scratch: first.pointer,
            pool: pool)
        layer.backward(
            N: t.N, theta: theta.pointer, phi: phi.pointer, g: g.pointer, dy: dy.pointer,
            gradients: .init(theta: dtheta.pointer, phi: dphi.pointer, g: dg.pointer), scratch: second.pointer,
            pool: pool)
        for tensor in [y, dtheta, dphi, dg, first, second] { #expect(tensor.isIntact) }
        return [("y", y), ("dtheta", dtheta), ("dphi", dphi), ("dg", dg)]
    }

    @Test func everyInstructionSetAgreesWithTheReferenceInSlicesOfAnySize() throws {
        for t in Self.truths {
            let (theta, phi, g, dy) = Self.inputs(t)
            let truth = [t.forward(theta, phi, g)] + t.backward(theta, phi, g, dy)
            for set in supportedSets {
                for sliceValues in [1 << 21, 7 * t.Q, 1] {
                    for ((name, ours), truth) in zip(
                        try run(t, set, threads: 2, sliceValues: sliceValues), truth)
                    {
                        // Gradients of the softmax are differences of values as large as dy g.
                        #expect(
                            relativeError(ours, Tensor(truth.count) { truth[$0] }) <= (t.Q == 1 ? 1e-5 : 3e-6),
                            "\(name) of \(t), \(set), slices of \(sliceValues)")
                    }
                }
            }
        }
    }

    /// That the reference's own gradients are right.
    @Test func theReferencesGradientsAreSlopes() {
        for t in Self.truths where t.P < 10 {
            let (theta, phi, g, dy) = Self.inputs(t)
            let gradients = t.backward(theta, phi, g, dy)
            func product(_ theta: [Double], _ phi: [Double], _ g: [Double]) -> Double {
                zip(t.forward(theta, phi, g), dy).reduce(0) { $0 + $1.0 * $1.1 }
            }
            let h = 1e-5
            for (place, values) in [theta, phi, g].enumerated() {
                for i in values.indices {
                    func moved(_ by: Double) -> Double {
                        var inputs = [theta, phi, g]
                        inputs[place][i] += by
                        return product(inputs[0], inputs[1], inputs[2])
                    }
                    #expect(abs((moved(h) - moved(-h)) / (2 * h) - gradients[place][i]) < 1e-8)
                }
            }
        }
    }

    @Test func threadsChangeNoBit() throws {
        for t in Self.truths {
            let one = try run(t, .best, threads: 1, sliceValues: 7 * t.Q).map(\.1.bits)
            #expect(try run(t, .best, threads: 3, sliceValues: 7 * t.Q).map(\.1.bits) == one)
        }
    }
}

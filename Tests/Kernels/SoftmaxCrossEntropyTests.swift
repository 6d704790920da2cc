import Foundation
import Kernels
import TestSupport
import Testing

@Suite struct SoftmaxCrossEntropyTests {
    @Test func exponentialAndLogarithmAgreeWithTheLibrary() {
        for i in 0..<2000 {
            let x = -Double(i) * 0.35
            let truth = exp(x)
            #expect(abs(exponential(x) - truth) <= 4e-16 * truth, "exp(\(x))")
            let y = 0.001 + Double(i * i) * 0.37
            #expect(abs(naturalLogarithm(y) - log(y)) <= 4e-16 * max(abs(log(y)), 0.5), "log(\(y))")
        }
        #expect(exponential(0) == 1)
        #expect(naturalLogarithm(1) == 0)
    }
}

extension SoftmaxCrossEntropyTests {
    @Test func lossAndGradientAgreeWithTheLibrary() {
        let (N, K) = (6, 400)
        let logits = Tensor<Float>(N * K) { noise(51, $0) * 20 }
        let labels = (0..<N).map { $0 * 37 % K }
        let gradient = Tensor<Float>(N * K)
        let result = SoftmaxCrossEntropy.run(
            N: N, K: K, logits: logits.pointer, labels: labels, dlogits: gradient.pointer)
        var loss = 0.0
        let truth = Tensor<Double>(N * K)
        for n in 0..<N {
            let sum = (0..<K).reduce(0) { $0 + exp(Double(logits[n * K + $1])) }
            loss += log(sum) - Double(logits[n * K + labels[n]])
            for k in 0..<K {
                truth.pointer[n * K + k] = (exp(Double(logits[n * K + k])) / sum - (k == labels[n] ? 1 : 0)) / Double(N)
            }
        }
        #expect(abs(result.loss - loss / Double(N)) <= 1e-13 * loss)
        #expect(relativeError(gradient, truth) <= 1e-7)
        #expect(gradient.isIntact)
    }

    @Test func theLossOfScoresGoesBackThroughTheirSoftmax() {
        let (N, K) = (3, 40)
        let logits = Tensor<Float>(N * K) { noise(55, $0) * 5 }
        let labels = [7, 0, 39]
        let (scores, gradient) = (Tensor<Float>(N * K), Tensor<Float>(N * K))
        let result = SoftmaxCrossEntropy.runOnScores(
            N: N, K: K, logits: logits.pointer, labels: labels, scores: scores.pointer, dlogits: gradient.pointer)
        func softmax(_ row: [Double]) -> [Double] {
            let sum = row.reduce(0) { $0 + exp($1) }
            return row.map { exp($0) / sum }
        }
        func loss(_ logits: [Double]) -> Double {
            labels.enumerated().reduce(0) { loss, row in
                let scores = softmax(Array(logits[row.offset * K..<(row.offset + 1) * K]))
                return loss - log(softmax(scores)[row.element]) / Double(N)
            }
        }
        var z = logits.bits.map(Double.init)
        #expect(abs(result.loss - loss(z)) < 1e-7)
        #expect(abs(Double(scores[K + 1]) - softmax(Array(z[K..<2 * K]))[1]) < 1e-7)
        for i in z.indices {
            let value = z[i]
            z[i] = value + 1e-5
            let up = loss(z)
            z[i] = value - 1e-5
            let slope = (up - loss(z)) / 2e-5
            z[i] = value
            #expect(abs(Double(gradient[i]) - slope) < 1e-8)
        }
        #expect(scores.isIntact && gradient.isIntact)
    }

    @Test func correctCountsTheFirstLargest() {
        let logits: [Float] = [1, 3, 2, 5, 5, 0]
        #expect(SoftmaxCrossEntropy.run(N: 2, K: 3, logits: logits, labels: [1, 0], dlogits: nil).correct == 2)
        #expect(SoftmaxCrossEntropy.run(N: 2, K: 3, logits: logits, labels: [0, 1], dlogits: nil).correct == 0)
    }

    @Test func hugeLogitsStayFinite() {
        let logits: [Float] = [3e38, -3e38, 0]
        let result = SoftmaxCrossEntropy.run(N: 1, K: 3, logits: logits, labels: [0], dlogits: nil)
        #expect(result.loss == 0)
    }
}

extension SoftmaxCrossEntropyTests {
    private struct Recorded: Decodable {
        var name: String
        var rows: Int
        var classes: Int
        var smoothing: Double
        var logits: [Float]
        var targets: [Double]
        var loss: Double
        var gradient: [Double]
    }

    /// What PyTorch computed in f32 (scripts/peers/optimizers.py): its roundings are the tolerance.
    @Test func lossesAreThoseOfPyTorch() throws {
        let path = sourceTree + "/Tests/Fixtures/training/losses.json"
        let cases = try JSONDecoder().decode([Recorded].self, from: Data(text(of: path).utf8))
        #expect(cases.map(\.name) == ["plain", "smoothed", "soft"])
        for wanted in cases {
            let (N, K) = (wanted.rows, wanted.classes)
            let isSoft = wanted.name == "soft"
            let labels = isSoft ? [0, 1, 2, 3] : wanted.targets.map { Int($0) }
            var targets = wanted.targets
            if !isSoft {
                targets = [Double](repeating: wanted.smoothing / Double(K), count: N * K)
                for n in 0..<N { targets[n * K + labels[n]] += 1 - wanted.smoothing }
            }
            let gradient = Tensor<Float>(N * K)
            let result = SoftmaxCrossEntropy.run(
                N: N, K: K, logits: wanted.logits, labels: labels, targets: targets, dlogits: gradient.pointer)
            #expect(abs(result.loss - wanted.loss) < 1e-6, "\(wanted.name): \(result.loss)")
            for i in 0..<N * K { #expect(abs(Double(gradient[i]) - wanted.gradient[i]) < 1e-7, "\(wanted.name) \(i)") }
            guard wanted.smoothing == 0, !isSoft else { continue }
            let plain = SoftmaxCrossEntropy.run(N: N, K: K, logits: wanted.logits, labels: labels, dlogits: nil)
            #expect(abs(plain.loss - result.loss) < 1e-14 && plain.correct == result.correct)
        }
    }
}

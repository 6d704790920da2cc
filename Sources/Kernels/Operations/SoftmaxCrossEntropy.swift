/// Softmax and cross-entropy of `logits[N][K]`, in f64 with an exponential and a logarithm of our own.
public enum SoftmaxCrossEntropy {
    /// The mean loss over n, how many rows have their label's logit above all others, and, unless nil,
    /// `dlogits[N][K]` of the mean loss.
    /// - Parameters:
    ///   - labels: each in `0..<K`.
    ///   - targets: `[N][K]`, probabilities in place of the labels for the loss: −Σ y log p; nil: the labels alone.
    public static func run(
        N: Int, K: Int, logits: UnsafePointer<Float>, labels: UnsafePointer<Int>,
        targets: UnsafePointer<Double>? = nil, dlogits: UnsafeMutablePointer<Float>?
    ) -> (loss: Double, correct: Int) {
        var (loss, correct) = (0.0, 0)
        for n in 0..<N {
            let (row, label) = (logits + n * K, labels[n])
            precondition(label >= 0 && label < K, "label \(label) of \(K) classes")
            let (largest, sum, winner) = summary(row, K)
            if winner == label { correct += 1 }
            if let target = targets.map({ $0 + n * K }) {
                loss += soft(row, K, target, largest, sum, N: N, dlogits.map { $0 + n * K })
                continue
            }
            loss += naturalLogarithm(sum) - (Double(row[label]) - largest)
            guard let dlogits else { continue }
            for k in 0..<K {
                let share = exponential(Double(row[k]) - largest) / sum
                dlogits[n * K + k] = Float((share - (k == label ? 1 : 0)) / Double(N))
            }
        }
        return (loss / Double(N), correct)
    }

    /// −Σ y log p of one row, and its gradient over N.
    private static func soft(
        _ row: UnsafePointer<Float>, _ K: Int, _ target: UnsafePointer<Double>, _ largest: Double, _ sum: Double,
        N: Int, _ gradient: UnsafeMutablePointer<Float>?
    ) -> Double {
        let logarithm = naturalLogarithm(sum)
        var (loss, whole) = (0.0, 0.0)
        for k in 0..<K {
            loss += target[k] * (logarithm - (Double(row[k]) - largest))
            whole += target[k]
        }
        guard let gradient else { return loss }
        for k in 0..<K {
            let share = exponential(Double(row[k]) - largest) / sum
            gradient[k] = Float((share * whole - target[k]) / Double(N))
        }
        return loss
    }

    /// The probabilities of one row of K logits, for scores.
    public static func softmax(K: Int, logits: UnsafePointer<Float>, scores: UnsafeMutablePointer<Double>) {
        let (largest, sum, _) = summary(logits, K)
        for k in 0..<K { scores[k] = exponential(Double(logits[k]) - largest) / sum }
    }

    /// The largest logit, the sum of the exponentials below it, and the first class that has the largest.
    private static func summary(_ row: UnsafePointer<Float>, _ K: Int) -> (largest: Double, sum: Double, winner: Int) {
        var winner = 0
        for k in 1..<max(K, 1) where row[k] > row[winner] { winner = k }
        let largest = Double(row[winner])
        var sum = 0.0
        for k in 0..<K { sum += exponential(Double(row[k]) - largest) }
        return (largest, sum, winner)
    }
}

/// e to the x, for x at most 0, to about 1e-16 relative; only + - * /, which IEEE 754 fixes to the bit. 0 below -708.
package func exponential(_ x: Double) -> Double {
    guard x > -708 else { return x.isNaN ? x : 0 }
    let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
    // ln 2 in two parts, so that k times the first is exact.
    let r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    var sum = 1.0
    for n in stride(from: 14, through: 1, by: -1) { sum = sum * (r / Double(n)) + 1 }
    return sum * Double(sign: .plus, exponent: Int(k), significand: 1)
}

/// The natural logarithm of a positive normal number, to about 1e-16 relative; only + - * /.
package func naturalLogarithm(_ x: Double) -> Double {
    guard x.isFinite else { return x }
    var (exponent, m) = (Int(x.exponent), x.significand)
    if m > 1.4142135623730951 {
        m /= 2
        exponent += 1
    }
    // ln m = 2 atanh((m - 1) / (m + 1)), |s| < 0.1716.
    let s = (m - 1) / (m + 1)
    let s2 = s * s
    var series = 0.0
    for n in stride(from: 23, through: 1, by: -2) { series = series * s2 + 1 / Double(n) }
    let e = Double(exponent)
    return e * 0.693147180369123816490 + (2 * s * series + e * 1.90821492927058770002e-10)
}

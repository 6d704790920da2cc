import Glibc

/// The softmax of one row of logits; not-a-number scores count as nothing.
func softmax(_ logits: UnsafeBufferPointer<Float>, into out: inout [Double]) {
    let peak = logits.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
    var sum = 0.0
    for (i, logit) in logits.enumerated() {
        let power = exp(Double(logit) - Double(peak))
        out[i] = power.isNaN ? 0 : power
        sum += out[i]
    }
    for i in logits.indices { out[i] = sum > 0 ? out[i] / sum : 0 }
}

extension SoftmaxCrossEntropy {
    /// The same where a network ends with a softmax of its own, so that the loss takes another one of its scores: what
    /// pytorchvideo's X3D computes in training. `dlogits` is the gradient of what stands before that softmax.
    ///
    /// - Parameter scores: gets the network's softmax of `logits[N][K]`, rounded to f32.
    public static func runOnScores(
        N: Int, K: Int, logits: UnsafePointer<Float>, labels: UnsafePointer<Int>,
        targets: UnsafePointer<Double>? = nil, scores: UnsafeMutablePointer<Float>, dlogits: UnsafeMutablePointer<Float>
    ) -> (loss: Double, correct: Int) {
        for n in 0..<N {
            let row = logits + n * K
            var largest = row[0]
            for k in 1..<max(K, 1) where row[k] > largest { largest = row[k] }
            var sum = 0.0
            for k in 0..<K { sum += exponential(Double(row[k]) - Double(largest)) }
            for k in 0..<K { scores[n * K + k] = Float(exponential(Double(row[k]) - Double(largest)) / sum) }
        }
        let result = run(N: N, K: K, logits: scores, labels: labels, targets: targets, dlogits: dlogits)
        for n in 0..<N {
            let (row, gradient) = (scores + n * K, dlogits + n * K)
            var mean = 0.0
            for k in 0..<K { mean += Double(row[k]) * Double(gradient[k]) }
            for k in 0..<K { gradient[k] = Float(Double(row[k]) * (Double(gradient[k]) - mean)) }
        }
        return result
    }
}

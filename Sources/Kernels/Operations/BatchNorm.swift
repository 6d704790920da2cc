/// Batch normalisation over P pixels (N, T, H and W together) of C channels, channels last, with an optional residual
/// and ReLU in the same pass: `y = relu((x - mean) / sqrt(variance + epsilon) * scale + shift + residual)`.
///
/// Statistics are f64 and their sums have an order that only P and C decide. No call allocates.
public struct BatchNorm: Sendable {
    public let C: Int
    /// Added to the variance.
    public let epsilon: Double
    public let instructionSet: InstructionSet

    public init(C: Int, epsilon: Double, instructionSet: InstructionSet) {
        precondition(C >= 1 && epsilon > 0, "batch norm of \(C) channels with epsilon \(epsilon)")
        self.C = C
        self.epsilon = epsilon
        self.instructionSet = instructionSet
    }

    /// Floats of scratch that any call for at most P pixels needs; 64-byte aligned.
    public func scratchCount(P: Int) -> Int { 4 * C }

    /// Training: writes the batch's mean and biased variance (f64, C each), then `y` from them.
    /// - Parameters:
    ///   - residual: P x C values that are added before the ReLU, or nil.
    ///   - y: must not be `x`, which backward needs.
    public func forward(
        P: Int, x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        residual: UnsafePointer<Float>?, relu: Bool, y: UnsafeMutablePointer<Float>,
        mean: UnsafeMutablePointer<Double>, variance: UnsafeMutablePointer<Double>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        PlainReference.batchStatistics(P: P, C: C, x: x, mean: mean, variance: variance)
        apply(
            P: P, x: x, scale: scale, shift: shift, mean: mean, variance: variance, residual: residual, relu: relu,
            y: y, scratch: scratch, pool: pool)
    }

    /// Inference, or a frozen layer: `y` from the statistics given. `y` may be `x`.
    public func apply(
        P: Int, x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
        mean: UnsafePointer<Double>, variance: UnsafePointer<Double>,
        residual: UnsafePointer<Float>?, relu: Bool, y: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (C, epsilon) = (C, epsilon)
        pool.run(C) { c in
            let factor = Double(scale[c]) / (variance[c] + epsilon).squareRoot()
            for p in 0..<P {
                var value = (Double(x[p * C + c]) - mean[c]) * factor + Double(shift[c])
                if let residual { value += Double(residual[p * C + c]) }
                y[p * C + c] = Float(relu ? max(value, 0) : value)
            }
        }
    }

    /// Backward of `forward` (`frozen` false: the statistics depend on `x`) or of `apply` (`frozen` true).
    /// - Parameters:
    ///   - y: the output of the forward pass where it had a ReLU: the gradient passes where `y > 0`. Nil: no ReLU.
    ///   - dx: may be `dy`.
    ///   - dresidual: gets the gradient behind the ReLU, which is the residual's; may be `dy` if `dx` is not. Or nil.
    public func backward(
        P: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>?, dy: UnsafePointer<Float>,
        scale: UnsafePointer<Float>, mean: UnsafePointer<Double>, variance: UnsafePointer<Double>, frozen: Bool,
        dx: UnsafeMutablePointer<Float>, dscale: UnsafeMutablePointer<Float>, dshift: UnsafeMutablePointer<Float>,
        dresidual: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (C, epsilon) = (C, epsilon)
        pool.run(C) { c in
            let inverse = 1 / (variance[c] + epsilon).squareRoot()
            var (sum, product) = (0.0, 0.0)
            for p in 0..<P where y.map({ $0[p * C + c] > 0 }) ?? true {
                sum += Double(dy[p * C + c])
                product += Double(dy[p * C + c]) * (Double(x[p * C + c]) - mean[c]) * inverse
            }
            dscale[c] = Float(product)
            dshift[c] = Float(sum)
            for p in 0..<P {
                let g = (y.map { $0[p * C + c] > 0 } ?? true) ? dy[p * C + c] : 0
                var value = Double(g)
                if !frozen {
                    let normal = (Double(x[p * C + c]) - mean[c]) * inverse
                    value -= (sum + normal * product) / Double(P)
                }
                dx[p * C + c] = Float(value * inverse * Double(scale[c]))
                dresidual?[p * C + c] = g
            }
        }
    }
}

extension PlainReference {
    /// Mean and biased variance of each channel of `x[P][C]`.
    public static func batchStatistics<F: Number>(
        P: Int, C: Int, x: UnsafePointer<F>, mean: UnsafeMutablePointer<Double>, variance: UnsafeMutablePointer<Double>
    ) {
        for c in 0..<C {
            var sum = 0.0
            for p in 0..<P { sum += Double(x[p * C + c]) }
            mean[c] = sum / Double(P)
            var squares = 0.0
            for p in 0..<P {
                let d = Double(x[p * C + c]) - mean[c]
                squares += d * d
            }
            variance[c] = squares / Double(P)
        }
    }
}

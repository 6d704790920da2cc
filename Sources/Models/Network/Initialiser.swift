import Randomness

/// How a parameter starts. Each element is a function of (seed, parameter, element) alone, so whoever owns a slice of a
/// parameter computes just that slice.
public enum Initialiser: Sendable, Equatable {
    case constant(Float)
    /// Gaussian around 0.
    case normal(deviation: Double)
    /// Uniform in [−bound, bound).
    case uniform(bound: Double)

    /// Caffe2's MSRAFill and PyTorch's `kaiming_normal_(mode: fan_out, nonlinearity: relu)`: √(2 / fan_out), with
    /// fan_out = K·kt·kh·kw whatever the groups, as both count it (He et al., "Delving Deep into Rectifiers", ICCV 2015).
    static func heFanOut(K: Int, kernel: Int) -> Initialiser {
        .normal(deviation: (2 / Double(K * kernel)).squareRoot())
    }

    /// Caffe2's XavierFill: uniform within √(3 / fan_in).
    static func xavierFanIn(_ fanIn: Int) -> Initialiser { .uniform(bound: (3 / Double(fanIn)).squareRoot()) }
}

extension NetworkDescription {
    /// Writes the first values of elements `range` of parameter `index` to `out`, which has `range.count` floats.
    ///
    /// The same bits on every machine and for every way of cutting a parameter into ranges.
    public func initialValue(
        parameter index: Int, range: Range<Int>, seed: UInt64, into out: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= parameters[index].count && range.count == out.count)
        let draws = Draws(seed: seed, place: UInt64(index), purpose: .initialWeights)
        switch parameters[index].initialiser {
        case .constant(let value):
            out.update(repeating: value)
        case .normal(let deviation):
            // Draws.normal(i) takes words 2i and 2i + 1: one block of Philox makes two neighbours.
            for block in range.lowerBound / 2..<(range.upperBound + 1) / 2 {
                let words = draws.words(block: block)
                for half in 0..<2 where range.contains(2 * block + half) {
                    let bits = UInt64(words[2 * half]) << 32 | UInt64(words[2 * half + 1])
                    let normal = inverseNormal((Double(bits >> 11) + 0.5) * 0x1p-53)
                    out[2 * block + half - range.lowerBound] = Float(deviation * normal)
                }
            }
        case .uniform(let bound):
            for i in range {
                out[i - range.lowerBound] = Float(bound * (2 * Double(draws.uniform(i)) - 1))
            }
        }
    }

    /// The first values of a whole parameter.
    public func initialValue(parameter index: Int, seed: UInt64) -> [Float] {
        let count = parameters[index].count
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
            initialValue(parameter: index, range: 0..<count, seed: seed, into: buffer.extracting(0..<count))
            initialised = count
        }
    }
}

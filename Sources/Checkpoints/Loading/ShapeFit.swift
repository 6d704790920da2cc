/// How a stored tensor takes the shape that a network wants.
public enum ShapeFit: Sendable, Equatable {
    case same
    /// The same values; only dimensions of 1 at the end are more or fewer: a linear layer `[K, C]` is a 1x1x1 convolution
    /// `[K, C, 1, 1, 1]`.
    case trailingOnes
    /// A convolution `[K, C, h, w]`, or `[K, C, 1, h, w]`, becomes one over `frames` frames.
    case inflated(frames: Int, LoadOptions.Inflation)

    /// `nil` when `stored` does not become `wanted` in any of the ways allowed.
    init?(_ stored: [Int], to wanted: [Int], inflation: LoadOptions.Inflation?) {
        if stored == wanted {
            self = .same
        } else if Self.withoutTrailingOnes(stored) == Self.withoutTrailingOnes(wanted) {
            self = .trailingOnes
        } else if let inflation, wanted.count == 5,
            Self.picture(stored) == [wanted[0], wanted[1], wanted[3], wanted[4]]
        {
            self = .inflated(frames: wanted[2], inflation)
        } else {
            return nil
        }
    }

    /// The tensor's values in their new shape.
    ///
    /// - Parameter planes: values of one frame of the kernel, h·w.
    func apply(_ values: [Float], plane: Int) -> [Float] {
        guard case .inflated(let frames, let inflation) = self, plane > 0 else { return values }
        var result = [Float](repeating: 0, count: values.count * frames)
        for (index, value) in values.enumerated() {
            let (filter, place) = index.quotientAndRemainder(dividingBy: plane)
            let start = filter * frames * plane + place
            switch inflation {
            case .repeated: for frame in 0..<frames { result[start + frame * plane] = value / Float(frames) }
            case .centred: result[start + frames / 2 * plane] = value
            }
        }
        return result
    }

    /// In words.
    public var description: String {
        switch self {
        case .same: "the same shape"
        case .trailingOnes: "dimensions of 1 at the end"
        case .inflated(let frames, .repeated): "repeated over \(frames) frames and divided by \(frames)"
        case .inflated(let frames, .centred): "at frame \(frames / 2) of \(frames)"
        }
    }

    private static func withoutTrailingOnes(_ shape: [Int]) -> [Int] {
        Array(shape[..<((shape.lastIndex { $0 != 1 } ?? -1) + 1)])
    }

    /// `[K, C, h, w]` of a convolution that sees one frame.
    private static func picture(_ shape: [Int]) -> [Int]? {
        if shape.count == 4 { return shape }
        return shape.count == 5 && shape[2] == 1 ? [shape[0], shape[1], shape[3], shape[4]] : nil
    }
}

import Randomness

/// Windows of a clip that become noise or the mean colour, the same in all frames: PySlowFast's and timm's "cube".
package struct RandomErasing {
    package struct Window: Equatable {
        package var rows: Range<Int>
        package var columns: Range<Int>
    }

    package let windows: [Window]
    private let fill: AugmentationSettings.Erasing.Fill
    private let noise: Draws

    /// - Parameter side: Of the square crop.
    package init(_ settings: AugmentationSettings.Erasing, seed: UInt64, position: UInt64, side: Int) {
        fill = settings.fill
        noise = Draws(seed: seed, place: position, purpose: .erasingNoise)
        let draws = Draws(seed: seed, place: position, purpose: .erasing)
        guard Double(draws.uniform(0)) < settings.probability else {
            windows = []
            return
        }
        // Shares of the area from 1/50 to 1/3, divided among the windows; aspects from 0.3 to its inverse, by logarithm.
        windows = (0..<settings.windows).compactMap { window in
            for attempt in 0..<100 {
                let first = 4 * (1 + 100 * window + attempt)
                let area = (0.02 + (1.0 / 3 - 0.02) * Double(draws.uniform(first))) * Double(side * side)
                let aspect = exponentialBetween(0.3, 1 / 0.3, Double(draws.uniform(first + 1)))
                let height = Int((area / Double(settings.windows) * aspect).squareRoot().rounded())
                let width = Int((area / Double(settings.windows) / aspect).squareRoot().rounded())
                guard height < side, width < side else { continue }
                let (top, left) = (
                    draws.integer(first + 2, below: side - height + 1),
                    draws.integer(first + 3, below: side - width + 1)
                )
                return Window(rows: top..<top + height, columns: left..<left + width)
            }
            return nil
        }
    }

    /// Erases in frame `t` of `side` × `side` normalised RGB values.
    package func apply(to frame: UnsafeMutableBufferPointer<Float>, t: Int, side: Int) {
        for window in windows {
            for y in window.rows {
                for i in 3 * (y * side + window.columns.lowerBound)..<3 * (y * side + window.columns.upperBound) {
                    frame[i] = fill == .mean ? 0 : Float(noise.normal(t * frame.count + i))
                }
            }
        }
    }
}

/// From `low` to `high`, both positive, uniform in the logarithm where `share` is uniform in [0, 1).
func exponentialBetween(_ low: Double, _ high: Double, _ share: Double) -> Double {
    // high · e^x with x ≤ 0.
    high * naturalExponential((naturalLogarithm(high) - naturalLogarithm(low)) * (share - 1))
}

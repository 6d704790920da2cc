import Randomness

/// Brightness, contrast, saturation and lighting of one clip, as PySlowFast changes them: on values of 0 to 255, not cut off.
struct ColourJitter {
    private enum Change { case brightness, contrast, saturation }
    private var changes: [(Change, Float)] = []
    private var shift = SIMD3<Float>.zero

    /// Weights of R, G and B in a pixel's brightness (ITU-R BT.601).
    private static let grey = SIMD3<Float>(0.299, 0.587, 0.114)
    /// PySlowFast's eigenvalues and eigenvectors (a row for each of R, G and B) of the colours of ImageNet; the method is that
    /// of Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (NIPS 2012).
    private static let eigenvalues = SIMD3<Double>(0.225, 0.224, 0.229)
    private static let eigenvectors = [
        SIMD3<Double>(-0.5675, 0.7192, 0.4009), SIMD3<Double>(-0.5808, -0.0045, -0.8140),
        SIMD3<Double>(-0.5836, -0.6948, 0.4203),
    ]

    init(_ settings: AugmentationSettings, seed: UInt64, position: UInt64) {
        let draws = Draws(seed: seed, place: position, purpose: .colour)
        let kinds: [(Change, Double)] = [
            (.brightness, settings.colourJitter[0]), (.contrast, settings.colourJitter[1]),
            (.saturation, settings.colourJitter[2]),
        ]
        for (i, (kind, width)) in kinds.enumerated() where width > 0 {
            let factor = Float(1 + width * (2 * Double(draws.uniform(i)) - 1))
            // Each goes to a place drawn among those before it: every order is equally likely.
            changes.insert((kind, factor), at: draws.integer(4 + i, below: changes.count + 1))
        }
        guard settings.lighting > 0 else { return }
        for c in 0..<3 {
            var sum = 0.0
            for k in 0..<3 {
                // Normal deviates take two draws each: from the eighth on.
                sum += Self.eigenvectors[c][k] * Self.eigenvalues[k] * settings.lighting * draws.normal(4 + k)
            }
            shift[c] = Float(255 * sum)
        }
    }

    /// Changes one frame of `pixels` RGB values.
    func apply(to frame: UnsafeMutableBufferPointer<Float>) {
        let pixels = frame.count / 3
        func brightness(_ i: Int) -> Float {
            frame[3 * i] * Self.grey[0] + frame[3 * i + 1] * Self.grey[1] + frame[3 * i + 2] * Self.grey[2]
        }
        for (change, factor) in changes {
            switch change {
            case .brightness:
                for i in frame.indices { frame[i] *= factor }
            case .contrast:
                // In f64 and in order: the sum does not depend on the machine.
                var sum = 0.0
                for i in 0..<pixels { sum += Double(brightness(i)) }
                let offset = Float(sum / Double(pixels)) * (1 - factor)
                for i in frame.indices { frame[i] = frame[i] * factor + offset }
            case .saturation:
                for i in 0..<pixels {
                    let offset = brightness(i) * (1 - factor)
                    for c in 0..<3 { frame[3 * i + c] = frame[3 * i + c] * factor + offset }
                }
            }
        }
        guard shift != .zero else { return }
        for i in 0..<pixels {
            for c in 0..<3 { frame[3 * i + c] += shift[c] }
        }
    }
}

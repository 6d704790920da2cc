package import Training

extension ClipMixing.Mix {
    /// Mixes N clips in place, each with its partner: N T H W C, f32, element by element.
    package func apply(to clips: UnsafeMutableBufferPointer<Float>, N: Int, T: Int, H: Int, W: Int) {
        let size = T * H * W * 3
        precondition(clips.count == N * size, "\(clips.count) values for \(N) clips")
        guard let base = clips.baseAddress else { return }
        switch self {
        case .none: return
        case .blend(let share):
            let (own, other) = (Float(share), Float(1 - share))
            for n in 0..<(N + 1) / 2 {
                let (a, b) = (base + n * size, base + (N - 1 - n) * size)
                for i in 0..<size {
                    let (x, y) = (a[i], b[i])
                    a[i] = x * own + y * other
                    b[i] = y * own + x * other
                }
            }
        case .paste(let rows, let columns, _):
            for n in 0..<N / 2 {
                for t in 0..<T {
                    for y in rows {
                        let first = ((t * H + y) * W + columns.lowerBound) * 3
                        let (a, b) = (base + n * size + first, base + (N - 1 - n) * size + first)
                        for i in 0..<3 * columns.count { (a[i], b[i]) = (b[i], a[i]) }
                    }
                }
            }
        }
    }
}

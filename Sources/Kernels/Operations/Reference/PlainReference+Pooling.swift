extension PlainReference {
    public static func maxPool<F: Number>(
        _ s: PoolingShape, N: Int, x: UnsafePointer<F>, y: UnsafeMutablePointer<F>
    ) {
        for pixel in 0..<N * s.output.count {
            for c in 0..<s.C {
                var largest = -F.infinity
                s.eachInput(ofOutput: pixel) { largest = max(largest, x[$0 * s.C + c]) }
                y[pixel * s.C + c] = largest
            }
        }
    }

    public static func maxPoolBackward<F: Number>(
        _ s: PoolingShape, N: Int, x: UnsafePointer<F>, y: UnsafePointer<F>, dy: UnsafePointer<F>,
        dx: UnsafeMutablePointer<F>
    ) {
        for place in 0..<N * s.input.count * s.C { dx[place] = 0 }
        for pixel in 0..<N * s.output.count {
            for c in 0..<s.C {
                var found = false
                s.eachInput(ofOutput: pixel) {
                    guard !found, x[$0 * s.C + c] == y[pixel * s.C + c] else { return }
                    found = true
                    dx[$0 * s.C + c] += dy[pixel * s.C + c]
                }
            }
        }
    }

    public static func averagePool<F: Number>(
        _ s: PoolingShape, includesPadding: Bool, N: Int, x: UnsafePointer<F>, y: UnsafeMutablePointer<F>
    ) {
        for pixel in 0..<N * s.output.count {
            for c in 0..<s.C {
                var (sum, inputs) = (F(0), 0)
                s.eachInput(ofOutput: pixel) {
                    sum += x[$0 * s.C + c]
                    inputs += 1
                }
                y[pixel * s.C + c] = sum / F(includesPadding ? s.kernel.count : inputs)
            }
        }
    }

    public static func averagePoolBackward<F: Number>(
        _ s: PoolingShape, includesPadding: Bool, N: Int, dy: UnsafePointer<F>, dx: UnsafeMutablePointer<F>
    ) {
        for place in 0..<N * s.input.count * s.C { dx[place] = 0 }
        for pixel in 0..<N * s.output.count {
            var inputs = 0
            s.eachInput(ofOutput: pixel) { _ in inputs += 1 }
            for c in 0..<s.C {
                let share = dy[pixel * s.C + c] / F(includesPadding ? s.kernel.count : inputs)
                s.eachInput(ofOutput: pixel) { dx[$0 * s.C + c] += share }
            }
        }
    }
}

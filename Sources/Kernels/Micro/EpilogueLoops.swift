// What is done to a convolution's output while it is in the cache: `rows` pixels of `columns` channels, `pitch` floats
// from one pixel to the next.

/// `y = y + bias (+ residual)`, then the ReLU if asked. `bias` has `columns` values; `residual` is laid out as `y`.
public func finishPixels(
    rows: Int, columns: Int, pitch: Int, bias: UnsafePointer<Float>?, residual: UnsafePointer<Float>?, relu: Bool,
    y: UnsafeMutablePointer<Float>
) {
    if let bias {
        if let residual {
            finish(true, true, rows, columns, pitch, bias, residual, relu, y)
        } else {
            finish(true, false, rows, columns, pitch, bias, y, relu, y)
        }
    } else {
        if let residual {
            finish(false, true, rows, columns, pitch, y, residual, relu, y)
        } else {
            finish(false, false, rows, columns, pitch, y, y, relu, y)
        }
    }
}

@inline(__always)
private func finish(
    _ hasBias: Bool, _ adds: Bool, _ rows: Int, _ columns: Int, _ pitch: Int, _ bias: UnsafePointer<Float>,
    _ residual: UnsafePointer<Float>, _ relu: Bool, _ y: UnsafeMutablePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    for row in 0..<rows {
        let start = row * pitch
        var i = 0
        while i + lanes <= columns {
            var value = y.vector(start + i)
            if hasBias { value += bias.vector(i) }
            if adds { value += residual.vector(start + i) }
            if relu { value = zero.replacing(with: value, where: value .> zero) }
            y.set(start + i, value)
            i += lanes
        }
        while i < columns {
            var value = y[start + i]
            if hasBias { value += bias[i] }
            if adds { value += residual[start + i] }
            y[start + i] = relu ? (value > 0 ? value : 0) : value
            i += 1
        }
    }
}

/// Adds each channel's sum over the pixels to `sums` and its sum of squares to `squares`.
///
/// Within the call the sums are f32, around the call's own mean, so that nothing cancels; across calls they are f64.
/// `work` holds two vectors on the way.
public func addPixelStatistics(
    rows: Int, columns: Int, pitch: Int, x: UnsafePointer<Float>, work: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
) {
    let share = 1 / Float(rows)
    let count = Double(rows)
    guard columns >= lanes else {
        for column in 0..<columns {
            var sum: Float = 0
            for row in 0..<rows { sum += x[row * pitch + column] }
            let mean = sum * share
            var spread: Float = 0
            for row in 0..<rows {
                let a = x[row * pitch + column] - mean
                spread += a * a
            }
            let centre = Double(mean)
            sums[column] += centre * count
            squares[column] += Double(spread) + centre * centre * count
        }
        return
    }
    let shares = Lanes(repeating: share)
    var next = 0
    while next < columns {
        // The last vector begins early, so that it is full; what others hold is not added again.
        let column = next + lanes <= columns ? next : columns - lanes
        // Two chains hide the latency of the additions.
        var (even, odd) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var row = 0
        while row + 1 < rows {
            even += x.vector(row * pitch + column)
            odd += x.vector((row + 1) * pitch + column)
            row += 2
        }
        if row < rows { even += x.vector(row * pitch + column) }
        let mean = (even + odd) * shares
        (even, odd) = (Lanes(repeating: 0), Lanes(repeating: 0))
        row = 0
        while row + 1 < rows {
            let (a, b) = (x.vector(row * pitch + column) - mean, x.vector((row + 1) * pitch + column) - mean)
            even = multiplyAdd(a, a, even)
            odd = multiplyAdd(b, b, odd)
            row += 2
        }
        if row < rows {
            let a = x.vector(row * pitch + column) - mean
            even = multiplyAdd(a, a, even)
        }
        work.set(0, mean)
        work.set(lanes, even + odd)
        for i in next - column..<lanes {
            let centre = Double(work[i])
            sums[column + i] += centre * count
            squares[column + i] += Double(work[lanes + i]) + centre * centre * count
        }
        next = column + lanes
    }
}

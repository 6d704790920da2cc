// Sums over pixels and windows, channels last. Rows of `period` values as in BatchNormLoops.

/// Adds each column's sum over a block of whole rows to `sums`: f32 within the block, f64 across blocks. `work` holds
/// `period` values on the way.
public func addColumns(
    rows: Int, period: Int, x: UnsafePointer<Float>, work: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Double>
) {
    var column = 0
    while column < period {
        // Two chains hide the latency of the additions.
        var (even, odd) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var row = 0
        while row + 1 < rows {
            even += x.vector(row * period + column)
            odd += x.vector((row + 1) * period + column)
            row += 2
        }
        if row < rows { even += x.vector(row * period + column) }
        work.set(column, even + odd)
        column += lanes
    }
    for i in 0..<period { sums[i] += Double(work[i]) }
}

/// The same of products `x * y`.
public func addColumnProducts(
    rows: Int, period: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>, work: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Double>
) {
    var column = 0
    while column < period {
        var (even, odd) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var row = 0
        while row + 1 < rows {
            let (a, b) = (row * period + column, (row + 1) * period + column)
            even = multiplyAdd(x.vector(a), y.vector(a), even)
            odd = multiplyAdd(x.vector(b), y.vector(b), odd)
            row += 2
        }
        if row < rows {
            even = multiplyAdd(x.vector(row * period + column), y.vector(row * period + column), even)
        }
        work.set(column, even + odd)
        column += lanes
    }
    for i in 0..<period { sums[i] += Double(work[i]) }
}

/// The largest of a window's `count` pixels, for `columns` channels: `y = max(y, x)` from minus infinity, a comparison of
/// each pair in the order of `places`, the pixels' offsets in floats.
public func maxPool(
    count: Int, places: UnsafePointer<Int>, columns: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i + lanes <= columns {
        var largest = Lanes(repeating: -.infinity)
        for place in 0..<count {
            let new = x.vector(places[place] + i)
            largest = largest.replacing(with: new, where: new .> largest)
        }
        y.set(i, largest)
        i += lanes
    }
    while i < columns {
        var largest = -Float.infinity
        for place in 0..<count {
            let new = x[places[place] + i]
            largest = new > largest ? new : largest
        }
        y[i] = largest
        i += 1
    }
}

/// Gives a window's gradient `dy` to the first of its pixels that holds the largest value `y`: adds it to `dx` there.
/// `x` and `dx` have `places`, offsets in floats of the window's `count` pixels, in order. For `columns` channels.
public func maxPoolBackward(
    count: Int, places: UnsafePointer<Int>, columns: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>,
    dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    var i = 0
    while i + lanes <= columns {
        let largest = y.vector(i)
        var g = dy.vector(i)
        for place in 0..<count {
            let at = places[place] + i
            let hit = x.vector(at) .== largest
            dx.set(at, dx.vector(at) + zero.replacing(with: g, where: hit))
            g = g.replacing(with: zero, where: hit)
        }
        i += lanes
    }
    while i < columns {
        for place in 0..<count where x[places[place] + i] == y[i] {
            dx[places[place] + i] += dy[i]
            break
        }
        i += 1
    }
}

// Loops over activations, channels last, as rows of `period` values: whole pixels, as many as make whole vectors. What
// belongs to a channel (a factor, a sum) is an array of `period` values too.

/// Adds each column's sum to `sums` and its sum of squares to `squares`, for a block of whole rows.
///
/// Within the block the sums are f32, around the block's own mean, so that nothing cancels; across blocks they are f64.
/// `means` and `spreads` hold `period` values on the way.
public func addStatistics(
    rows: Int, period: Int, x: UnsafePointer<Float>, means: UnsafeMutablePointer<Float>,
    spreads: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
) {
    let share = Lanes(repeating: 1 / Float(rows))
    var column = 0
    while column < period {
        // Two chains hide the latency of the additions; the block stays in the first cache for the second pass.
        var (even, odd) = (Lanes(repeating: 0), Lanes(repeating: 0))
        var row = 0
        while row + 1 < rows {
            even += x.vector(row * period + column)
            odd += x.vector((row + 1) * period + column)
            row += 2
        }
        if row < rows { even += x.vector(row * period + column) }
        let mean = (even + odd) * share
        (even, odd) = (Lanes(repeating: 0), Lanes(repeating: 0))
        row = 0
        while row + 1 < rows {
            let (a, b) = (x.vector(row * period + column) - mean, x.vector((row + 1) * period + column) - mean)
            even = multiplyAdd(a, a, even)
            odd = multiplyAdd(b, b, odd)
            row += 2
        }
        if row < rows {
            let a = x.vector(row * period + column) - mean
            even = multiplyAdd(a, a, even)
        }
        means.set(column, mean)
        spreads.set(column, even + odd)
        column += lanes
    }
    // The exact sum around a mean that was rounded differs from the one around the true mean by less than a rounding.
    let count = Double(rows)
    for i in 0..<period {
        let mean = Double(means[i])
        sums[i] += mean * count
        squares[i] += Double(spreads[i]) + mean * mean * count
    }
}

/// Adds to `sums` each column's sum of g and to `products` its sum of g * (x - mean), for a block of whole rows, where g
/// is `dy` where the ReLU let something pass: where `y > 0`, or without `y` where `x * factor + offset > 0` as
/// `normalise` computes it, or everywhere without either. `first` and `second` hold twice `period` values on the way, those of
/// even rows and those of odd ones: two chains hide the latency of the additions.
public func addGradientSums(
    rows: Int, period: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>?, factor: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, dy: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Double>, products: UnsafeMutablePointer<Double>
) {
    if let y {
        gradientSums(1, rows, period, x, y, x, x, dy, mean, first, second)
    } else if let factor, let offset {
        gradientSums(2, rows, period, x, x, factor, offset, dy, mean, first, second)
    } else {
        gradientSums(0, rows, period, x, x, x, x, dy, mean, first, second)
    }
    for i in 0..<period {
        sums[i] += Double(first[i])
        products[i] += Double(second[i])
    }
}

@inline(__always)
private func gradientSums(
    _ mask: Int, _ rows: Int, _ period: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    _ factor: UnsafePointer<Float>, _ offset: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ mean: UnsafePointer<Float>, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>
) {
    // Memory is read from end to end: down the columns it takes up to a seventh longer (docs/performance.md).
    let (sumA, productA, sumB, productB) = (first, second, first + period, second + period)
    let zero = Lanes(repeating: 0)
    var i = 0
    while i < 2 * period {
        first.set(i, zero)
        second.set(i, zero)
        i += lanes
    }
    var row = 0
    while row + 1 < rows {
        addRow(mask, row * period, period, x, y, factor, offset, dy, mean, sumA, productA)
        addRow(mask, (row + 1) * period, period, x, y, factor, offset, dy, mean, sumB, productB)
        row += 2
    }
    if row < rows { addRow(mask, row * period, period, x, y, factor, offset, dy, mean, sumA, productA) }
    i = 0
    while i < period {
        sumA.set(i, sumA.vector(i) + sumB.vector(i))
        productA.set(i, productA.vector(i) + productB.vector(i))
        i += lanes
    }
}

@inline(__always)
private func addRow(
    _ mask: Int, _ at: Int, _ period: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    _ factor: UnsafePointer<Float>, _ offset: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ mean: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>, _ products: UnsafeMutablePointer<Float>
) {
    var column = 0
    while column < period {
        let v = x.vector(at + column)
        let scale = mask == 2 ? factor.vector(column) : v
        let shift = mask == 2 ? offset.vector(column) : v
        let g = passed(mask, dy.vector(at + column), y, at + column, v, scale, shift)
        sums.set(column, sums.vector(column) + g)
        products.set(column, multiplyAdd(g, v - mean.vector(column), products.vector(column)))
        column += lanes
    }
}

/// The gradient behind a ReLU, or as it is: 0 no mask, 1 by the output, 2 by the output computed again.
@inline(__always)
private func passed(
    _ mask: Int, _ dy: Lanes, _ y: UnsafePointer<Float>, _ place: Int, _ x: Lanes, _ factor: Lanes, _ offset: Lanes
) -> Lanes {
    let zero = Lanes(repeating: 0)
    switch mask {
    case 0: return dy
    case 1: return zero.replacing(with: dy, where: y.vector(place) .> zero)
    default: return zero.replacing(with: dy, where: multiplyAdd(x, factor, offset) .> zero)
    }
}

/// `y = x * factor + offset (+ residual)`, then the ReLU if asked, for `count` values from the beginning of a row.
public func normalise(
    count: Int, period: Int, x: UnsafePointer<Float>, factor: UnsafePointer<Float>, offset: UnsafePointer<Float>,
    residual: UnsafePointer<Float>?, relu: Bool, y: UnsafeMutablePointer<Float>
) {
    if let residual {
        if relu {
            normalise(true, true, count, period, x, factor, offset, residual, y)
        } else {
            normalise(true, false, count, period, x, factor, offset, residual, y)
        }
    } else {
        if relu {
            normalise(false, true, count, period, x, factor, offset, x, y)
        } else {
            normalise(false, false, count, period, x, factor, offset, x, y)
        }
    }
}

@inline(__always)
private func normalise(
    _ adds: Bool, _ relu: Bool, _ count: Int, _ period: Int, _ x: UnsafePointer<Float>,
    _ factor: UnsafePointer<Float>, _ offset: UnsafePointer<Float>, _ residual: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    var start = 0
    while start < count {
        let length = period < count - start ? period : count - start
        var i = 0
        while i + lanes <= length {
            var value = multiplyAdd(x.vector(start + i), factor.vector(i), offset.vector(i))
            if adds { value += residual.vector(start + i) }
            if relu { value = zero.replacing(with: value, where: value .> zero) }
            y.set(start + i, value)
            i += lanes
        }
        while i < length {
            // One lane of the same operations, so that a value does not depend on its place.
            var value = multiplyAdd(
                Lanes(repeating: x[start + i]), Lanes(repeating: factor[i]), Lanes(repeating: offset[i]))
            if adds { value += Lanes(repeating: residual[start + i]) }
            let result = value[0]
            y[start + i] = relu ? (result > 0 ? result : 0) : result
            i += 1
        }
        start += period
    }
}

/// `dx = a * g + b * (x - mean) + c`, with g as in `addGradientSums`, for `count` values from the beginning of a row;
/// g itself goes to `dresidual` where that is.
public func batchNormGradient(
    count: Int, period: Int, x: UnsafePointer<Float>, y: UnsafePointer<Float>?, factor: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, dy: UnsafePointer<Float>, mean: UnsafePointer<Float>, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, c: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>,
    dresidual: UnsafeMutablePointer<Float>?
) {
    if let y {
        if let dresidual {
            gradient(1, true, count, period, x, y, x, x, dy, mean, a, b, c, dx, dresidual)
        } else {
            gradient(1, false, count, period, x, y, x, x, dy, mean, a, b, c, dx, dx)
        }
    } else if let factor, let offset {
        if let dresidual {
            gradient(2, true, count, period, x, x, factor, offset, dy, mean, a, b, c, dx, dresidual)
        } else {
            gradient(2, false, count, period, x, x, factor, offset, dy, mean, a, b, c, dx, dx)
        }
    } else {
        if let dresidual {
            gradient(0, true, count, period, x, x, x, x, dy, mean, a, b, c, dx, dresidual)
        } else {
            gradient(0, false, count, period, x, x, x, x, dy, mean, a, b, c, dx, dx)
        }
    }
}

@inline(__always)
private func gradient(
    _ mask: Int, _ keeps: Bool, _ count: Int, _ period: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    _ factor: UnsafePointer<Float>, _ offset: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ mean: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>, _ dresidual: UnsafeMutablePointer<Float>
) {
    var start = 0
    while start < count {
        let length = period < count - start ? period : count - start
        var i = 0
        while i + lanes <= length {
            let v = x.vector(start + i)
            let scale = mask == 2 ? factor.vector(i) : v
            let shift = mask == 2 ? offset.vector(i) : v
            let g = passed(mask, dy.vector(start + i), y, start + i, v, scale, shift)
            let value = multiplyAdd(a.vector(i), g, multiplyAdd(b.vector(i), v - mean.vector(i), c.vector(i)))
            if keeps { dresidual.set(start + i, g) }
            dx.set(start + i, value)
            i += lanes
        }
        while i < length {
            // One lane of the same operations.
            var g = dy[start + i]
            if mask == 1 && !(y[start + i] > 0) { g = 0 }
            if mask == 2 {
                let value = multiplyAdd(
                    Lanes(repeating: x[start + i]), Lanes(repeating: factor[i]), Lanes(repeating: offset[i]))
                if !(value[0] > 0) { g = 0 }
            }
            let centred = Lanes(repeating: x[start + i] - mean[i])
            let rest = multiplyAdd(Lanes(repeating: b[i]), centred, Lanes(repeating: c[i]))
            let value = multiplyAdd(Lanes(repeating: a[i]), Lanes(repeating: g), rest)
            if keeps { dresidual[start + i] = g }
            dx[start + i] = value[0]
            i += 1
        }
        start += period
    }
}

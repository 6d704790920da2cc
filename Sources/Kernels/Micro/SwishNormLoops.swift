// Batch norm, a factor for each channel (the gate) and Swish in one pass: y = swish(gate (x * factor + offset)). Without
// a gate its factor is left out. Rows of `period` values as in BatchNormLoops.

/// `y` for `count` values from the beginning of a row.
public func normaliseSwish(
    count: Int, period: Int, x: UnsafePointer<Float>, factor: UnsafePointer<Float>, offset: UnsafePointer<Float>,
    gate: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>
) {
    if let gate {
        normaliseSwish(true, count, period, x, factor, offset, gate, y)
    } else {
        normaliseSwish(false, count, period, x, factor, offset, factor, y)
    }
}

@inline(__always)
private func normaliseSwish(
    _ gated: Bool, _ count: Int, _ period: Int, _ x: UnsafePointer<Float>, _ factor: UnsafePointer<Float>,
    _ offset: UnsafePointer<Float>, _ gate: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var start = 0
    while start < count {
        let length = period < count - start ? period : count - start
        var i = 0
        while i + lanes <= length {
            var value = multiplyAdd(x.vector(start + i), factor.vector(i), offset.vector(i))
            if gated { value = value * gate.vector(i) }
            y.set(start + i, value * sigmoid(value))
            i += lanes
        }
        while i < length {
            // One lane of the same operations, so that a value does not depend on its place.
            var value = multiplyAdd(
                Lanes(repeating: x[start + i]), Lanes(repeating: factor[i]), Lanes(repeating: offset[i]))
            if gated { value = value * Lanes(repeating: gate[i]) }
            y[start + i] = (value * sigmoid(value))[0]
            i += 1
        }
        start += period
    }
}

/// Adds to `sums` each column's sum of g and to `products` its sum of g * (x - mean), for a block of whole rows, where g
/// is `dy` times the slope of Swish. `first` and `second` hold `period` values on the way.
public func addSwishSums(
    rows: Int, period: Int, x: UnsafePointer<Float>, factor: UnsafePointer<Float>, offset: UnsafePointer<Float>,
    gate: UnsafePointer<Float>?, dy: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Double>,
    products: UnsafeMutablePointer<Double>
) {
    if let gate {
        swishSums(true, rows, period, x, factor, offset, gate, dy, mean, first, second)
    } else {
        swishSums(false, rows, period, x, factor, offset, factor, dy, mean, first, second)
    }
    for i in 0..<period {
        sums[i] += Double(first[i])
        products[i] += Double(second[i])
    }
}

@inline(__always)
private func swishSums(
    _ gated: Bool, _ rows: Int, _ period: Int, _ x: UnsafePointer<Float>, _ factor: UnsafePointer<Float>,
    _ offset: UnsafePointer<Float>, _ gate: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ mean: UnsafePointer<Float>, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>
) {
    var column = 0
    while column < period {
        let (scale, shift, centre) = (factor.vector(column), offset.vector(column), mean.vector(column))
        let open = gate.vector(column)
        var (sum, product) = (Lanes(repeating: 0), Lanes(repeating: 0))
        for row in 0..<rows {
            let at = row * period + column
            let value = x.vector(at)
            var normal = multiplyAdd(value, scale, shift)
            if gated { normal = normal * open }
            let g = dy.vector(at) * swishSlope(normal)
            sum += g
            product = multiplyAdd(g, value - centre, product)
        }
        first.set(column, sum)
        second.set(column, product)
        column += lanes
    }
}

/// `dx = a * g + b * (x - mean) + c`, g as in `addSwishSums`, for `count` values from the beginning of a row.
public func swishNormGradient(
    count: Int, period: Int, x: UnsafePointer<Float>, factor: UnsafePointer<Float>, offset: UnsafePointer<Float>,
    gate: UnsafePointer<Float>?, dy: UnsafePointer<Float>, mean: UnsafePointer<Float>, a: UnsafePointer<Float>,
    b: UnsafePointer<Float>, c: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
) {
    if let gate {
        swishGradient(true, count, period, x, factor, offset, gate, dy, mean, a, b, c, dx)
    } else {
        swishGradient(false, count, period, x, factor, offset, factor, dy, mean, a, b, c, dx)
    }
}

@inline(__always)
private func swishGradient(
    _ gated: Bool, _ count: Int, _ period: Int, _ x: UnsafePointer<Float>, _ factor: UnsafePointer<Float>,
    _ offset: UnsafePointer<Float>, _ gate: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ mean: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    _ dx: UnsafeMutablePointer<Float>
) {
    var start = 0
    while start < count {
        let length = period < count - start ? period : count - start
        var i = 0
        while i + lanes <= length {
            let value = x.vector(start + i)
            var normal = multiplyAdd(value, factor.vector(i), offset.vector(i))
            if gated { normal = normal * gate.vector(i) }
            let g = dy.vector(start + i) * swishSlope(normal)
            let rest = multiplyAdd(b.vector(i), value - mean.vector(i), c.vector(i))
            dx.set(start + i, multiplyAdd(a.vector(i), g, rest))
            i += lanes
        }
        while i < length {
            // One lane of the same operations.
            let value = Lanes(repeating: x[start + i])
            var normal = multiplyAdd(value, Lanes(repeating: factor[i]), Lanes(repeating: offset[i]))
            if gated { normal = normal * Lanes(repeating: gate[i]) }
            let g = Lanes(repeating: dy[start + i]) * swishSlope(normal)
            let rest = multiplyAdd(
                Lanes(repeating: b[i]), value - Lanes(repeating: mean[i]), Lanes(repeating: c[i]))
            dx[start + i] = multiplyAdd(Lanes(repeating: a[i]), g, rest)[0]
            i += 1
        }
        start += period
    }
}

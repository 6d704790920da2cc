// Swish, sigmoid and softmax. What remains behind the last whole vector goes through one lane of the same operations, so
// that a value does not depend on its place.

/// `y = x sigmoid(x)`.
public func swish(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + lanes <= count {
        let value = x.vector(i)
        y.set(i, value * sigmoid(value))
        i += lanes
    }
    while i < count {
        let value = Lanes(repeating: x[i])
        y[i] = (value * sigmoid(value))[0]
        i += 1
    }
}

/// The slope of `x sigmoid(x)`.
@inline(__always)
func swishSlope(_ x: Lanes) -> Lanes {
    let one = Lanes(repeating: 1)
    let s = sigmoid(x)
    return s * multiplyAdd(x, one - s, one)
}

/// `dx = dy` times the slope of Swish at `x`.
public func swishBackward(
    count: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i + lanes <= count {
        dx.set(i, dy.vector(i) * swishSlope(x.vector(i)))
        i += lanes
    }
    while i < count {
        dx[i] = (Lanes(repeating: dy[i]) * swishSlope(Lanes(repeating: x[i])))[0]
        i += 1
    }
}

/// `y = sigmoid(x)`.
public func sigmoid(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + lanes <= count {
        y.set(i, sigmoid(x.vector(i)))
        i += lanes
    }
    while i < count {
        y[i] = sigmoid(Lanes(repeating: x[i]))[0]
        i += 1
    }
}

/// `dx = dy y (1 - y)` with y the sigmoid's output.
public func sigmoidBackward(
    count: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
) {
    let one = Lanes(repeating: 1)
    var i = 0
    while i + lanes <= count {
        let value = y.vector(i)
        dx.set(i, dy.vector(i) * (value * (one - value)))
        i += lanes
    }
    while i < count {
        dx[i] = dy[i] * (y[i] * (1 - y[i]))
        i += 1
    }
}

/// `y = factor * x`.
public func scale(count: Int, factor: Float, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
    let factors = Lanes(repeating: factor)
    var i = 0
    while i + lanes <= count {
        y.set(i, factors * x.vector(i))
        i += lanes
    }
    while i < count {
        y[i] = factor * x[i]
        i += 1
    }
}

/// The softmax of `factor * x` over `count` values, in place; `factor` is above 0. Sums are taken lane by lane, then over
/// the lanes in order.
public func softmax(count: Int, factor: Float, x: UnsafeMutablePointer<Float>) {
    var largest = x[0]
    var i = 0
    if count >= lanes {
        var most = x.vector(0)
        i = lanes
        while i + lanes <= count {
            let value = x.vector(i)
            most = most.replacing(with: value, where: value .> most)
            i += lanes
        }
        for lane in 0..<lanes where most[lane] > largest { largest = most[lane] }
    }
    while i < count {
        if x[i] > largest { largest = x[i] }
        i += 1
    }
    let (top, factors) = (Lanes(repeating: largest), Lanes(repeating: factor))
    var sums = Lanes(repeating: 0)
    var sum: Float = 0
    i = 0
    while i + lanes <= count {
        let value = exponential(factors * (x.vector(i) - top))
        x.set(i, value)
        sums += value
        i += lanes
    }
    while i < count {
        x[i] = exponential(factors * (Lanes(repeating: x[i]) - top))[0]
        sum += x[i]
        i += 1
    }
    for lane in 0..<lanes { sum += sums[lane] }
    scale(count: count, factor: 1 / sum, x: x, y: x)
}

/// `dx = factor * y * (dy - sum of y dy)` with y the softmax of `factor * x`; `dx` is where `dy` is.
public func softmaxBackward(count: Int, factor: Float, y: UnsafePointer<Float>, dy: UnsafeMutablePointer<Float>) {
    var sums = Lanes(repeating: 0)
    var sum: Float = 0
    var i = 0
    while i + lanes <= count {
        sums = multiplyAdd(y.vector(i), dy.vector(i), sums)
        i += lanes
    }
    while i < count {
        sum += y[i] * dy[i]
        i += 1
    }
    for lane in 0..<lanes { sum += sums[lane] }
    let (mean, factors) = (Lanes(repeating: sum), Lanes(repeating: factor))
    i = 0
    while i + lanes <= count {
        dy.set(i, factors * y.vector(i) * (dy.vector(i) - mean))
        i += lanes
    }
    while i < count {
        dy[i] = factor * y[i] * (dy[i] - sum)
        i += 1
    }
}

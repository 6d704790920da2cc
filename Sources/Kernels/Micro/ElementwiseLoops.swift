/// `y = max(x, 0)`.
public func relu(count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
    let zero = Lanes(repeating: 0)
    var i = 0
    while i + lanes <= count {
        let value = x.vector(i)
        y.set(i, zero.replacing(with: value, where: value .> zero))
        i += lanes
    }
    while i < count {
        y[i] = x[i] > 0 ? x[i] : 0
        i += 1
    }
}

/// `dx = dy` where `y > 0`, else 0.
public func reluBackward(
    count: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
) {
    let zero = Lanes(repeating: 0)
    var i = 0
    while i + lanes <= count {
        dx.set(i, zero.replacing(with: dy.vector(i), where: y.vector(i) .> zero))
        i += lanes
    }
    while i < count {
        dx[i] = y[i] > 0 ? dy[i] : 0
        i += 1
    }
}

/// `y = a + b`.
public func add(count: Int, a: UnsafePointer<Float>, b: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + lanes <= count {
        y.set(i, a.vector(i) + b.vector(i))
        i += lanes
    }
    while i < count {
        y[i] = a[i] + b[i]
        i += 1
    }
}

/// `y += factor * x`.
public func addScaled(count: Int, factor: Float, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>) {
    let factors = Lanes(repeating: factor)
    var i = 0
    while i + lanes <= count {
        y.set(i, multiplyAdd(factors, x.vector(i), y.vector(i)))
        i += lanes
    }
    while i < count {
        y[i] = multiplyAdd(factors, Lanes(repeating: x[i]), Lanes(repeating: y[i]))[0]
        i += 1
    }
}

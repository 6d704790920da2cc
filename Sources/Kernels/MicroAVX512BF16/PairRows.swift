internal import CIntrinsics

/// Joins two rows of f32 to pairs of bfloat16, rounded to nearest even: `to[i]` holds `low[i]` below and `high[i]` above.
/// A row that is nil is zeros.
///
/// - Parameters:
///   - factor: with `offset`: what is rounded is `relu(value * factor[i] + offset[i])`, as `normalise` computes it, of rows
///     that are not nil.
///   - to: `count` pairs.
public func pairRows(
    count: Int, low: UnsafePointer<Float>?, high: UnsafePointer<Float>?, factor: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, to: UnsafeMutablePointer<Float>
) {
    guard count >= lanes else {
        for i in 0..<count {
            let pairs = zoetrope_pairs(one(low, i, factor, offset), one(high, i, factor, offset))
            to[i] = pairs[0]
        }
        return
    }
    var i = 0
    while true {
        to.set(i, zoetrope_pairs(vector(low, i, factor, offset), vector(high, i, factor, offset)))
        if i + lanes == count { return }
        // The last vector may overlap the one before.
        i = i + 2 * lanes <= count ? i + lanes : count - lanes
    }
}

/// Rounds the values of pixels to bfloat16: `channels` values, at least a vector, which make `(channels + 1) / 2` pairs for
/// each pixel, a zero in the last where the number is odd.
///
/// - Parameters:
///   - step: floats of `from` from a pixel to the next.
///   - factor: as in `pairRows`.
///   - to: the pairs, without gaps.
public func roundPixels(
    pixels: Int, channels: Int, from: UnsafePointer<Float>, step: Int, factor: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, to: UnsafeMutablePointer<Float>
) {
    let slots = (channels + 1) / 2
    for pixel in 0..<pixels {
        let (from, to) = (from + pixel * step, UnsafeMutableRawPointer(to + pixel * slots))
        // Beforehand: the last vector writes over its lower half.
        if channels % 2 == 1 { to.storeBytes(of: 0, toByteOffset: 4 * (slots - 1), as: UInt32.self) }
        var i = 0
        while true {
            to.storeBytes(
                of: zoetrope_round_pairs(vector(from, i, factor, offset)), toByteOffset: 2 * i, as: SIMD16<UInt16>.self)
            if i + lanes == channels { break }
            i = i + 2 * lanes <= channels ? i + lanes : channels - lanes
        }
    }
}

/// A vector of a row from `i` on, behind what stands before the convolution.
@inline(__always)
private func vector(
    _ row: UnsafePointer<Float>?, _ i: Int, _ factor: UnsafePointer<Float>?, _ offset: UnsafePointer<Float>?
) -> Lanes {
    guard let row else { return Lanes(repeating: 0) }
    guard let factor, let offset else { return row.vector(i) }
    return rectified(offset.vector(i).addingProduct(row.vector(i), factor.vector(i)))
}

/// The same of one value, in all lanes.
@inline(__always)
private func one(
    _ row: UnsafePointer<Float>?, _ i: Int, _ factor: UnsafePointer<Float>?, _ offset: UnsafePointer<Float>?
) -> Lanes {
    guard let row else { return Lanes(repeating: 0) }
    guard let factor, let offset else { return Lanes(repeating: row[i]) }
    return rectified(
        Lanes(repeating: offset[i]).addingProduct(Lanes(repeating: row[i]), Lanes(repeating: factor[i])))
}

@inline(__always)
private func rectified(_ value: Lanes) -> Lanes {
    let zero = Lanes(repeating: 0)
    return zero.replacing(with: value, where: value .> zero)
}

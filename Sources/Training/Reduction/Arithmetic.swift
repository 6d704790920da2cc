public import Wire

/// The sums of the reduction tree and what is measured on them: one fixed order, f32 and f64, + and × only.
///
/// The loops are memory-bound, so the baseline instruction set serves; Swift never contracts a + b × c, so that every
/// machine rounds alike. Payloads may come from the network at any address: all loads are unaligned.
public enum Arithmetic {
    /// left + right, element by element, f32 or f64 by the chunk's kind. Both have the same length.
    package static func sum(_ left: Payload, _ right: Payload, wide: Bool, pool: PayloadPool) -> Payload {
        let result = pool.payload(count: left.count)
        if wide {
            add(left.bytes, right.bytes, into: result.bytes, lane: SIMD8<Double>.self)
        } else {
            add(left.bytes, right.bytes, into: result.bytes, lane: SIMD16<Float>.self)
        }
        return result
    }

    @inline(__always)
    private static func add<Lanes: SIMD>(
        _ left: UnsafeMutableRawBufferPointer, _ right: UnsafeMutableRawBufferPointer,
        into result: UnsafeMutableRawBufferPointer, lane: Lanes.Type
    ) where Lanes.Scalar: FloatingPoint {
        let width = MemoryLayout<Lanes>.size
        let stride = MemoryLayout<Lanes.Scalar>.size
        let whole = result.count / width * width
        var offset = 0
        while offset < whole {
            let a = left.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            let b = right.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            result.storeBytes(of: a + b, toByteOffset: offset, as: Lanes.self)
            offset += width
        }
        while offset + stride <= result.count {
            let a = left.loadUnaligned(fromByteOffset: offset, as: Lanes.Scalar.self)
            let b = right.loadUnaligned(fromByteOffset: offset, as: Lanes.Scalar.self)
            result.storeBytes(of: a + b, toByteOffset: offset, as: Lanes.Scalar.self)
            offset += stride
        }
    }

    /// Σ x² over the f32 elements, in f64: eight running sums, element i to sum i mod 8, added from 0 to 7.
    public static func sumOfSquares(_ gradient: Payload) -> Double {
        let bytes = gradient.bytes
        let count = bytes.count / 4
        var sums = SIMD8<Double>.zero
        var i = 0
        while i + 8 <= count {
            let x = bytes.loadUnaligned(fromByteOffset: i * 4, as: SIMD8<Float>.self)
            var wide = SIMD8<Double>.zero
            for lane in 0..<8 { wide[lane] = Double(x[lane]) }
            sums += wide * wide
            i += 8
        }
        while i < count {
            let x = Double(bytes.loadUnaligned(fromByteOffset: i * 4, as: Float.self))
            sums[i % 8] += x * x
            i += 1
        }
        var total = 0.0
        for lane in 0..<8 { total += sums[lane] }
        return total
    }

    /// Whether all f64 elements are finite.
    public static func isFinite(wide payload: Payload) -> Bool {
        let bytes = payload.bytes
        return (0..<bytes.count / 8).allSatisfy {
            bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self).isFinite
        }
    }
}

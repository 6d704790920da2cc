internal import Wire

/// Sixteen elements at a time. The loops are memory-bound, so the baseline instruction set serves; Swift never contracts
/// a + b × c, so that every machine rounds alike.
typealias Lanes = SIMD16<Float>

extension Payload {
    /// The elements from a byte on: sixteen, or one of the tail in all lanes, whose operations are the same then.
    @inline(__always)
    func lanes(at offset: Int, isWhole: Bool) -> Lanes {
        isWhole
            ? bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            : Lanes(repeating: bytes.loadUnaligned(fromByteOffset: offset, as: Float.self))
    }

    @inline(__always)
    func store(_ value: Lanes, at offset: Int, isWhole: Bool) {
        if isWhole {
            bytes.storeBytes(of: value, toByteOffset: offset, as: Lanes.self)
        } else {
            bytes.storeBytes(of: value[0], toByteOffset: offset, as: Float.self)
        }
    }
}

/// Every f32 of so many bytes once: sixteen at a time, then one by one.
@inline(__always)
func forEachLanes(bytes: Int, _ body: (_ offset: Int, _ isWhole: Bool) -> Void) {
    let width = MemoryLayout<Lanes>.size
    var offset = 0
    while offset + width <= bytes {
        body(offset, true)
        offset += width
    }
    while offset + 4 <= bytes {
        body(offset, false)
        offset += 4
    }
}

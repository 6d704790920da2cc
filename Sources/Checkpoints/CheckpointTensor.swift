public import Faults

/// One tensor of a checkpoint: row-major, contiguous, little-endian, whatever the file held.
public struct CheckpointTensor: Sendable, Equatable {
    public let name: String
    /// Row-major; empty for a single value.
    public let shape: [Int]
    public let elementType: ElementType
    public let bytes: [UInt8]

    /// - Parameter bytes: as many as `shape` and `elementType` need; `floats()` refuses any other number.
    public init(name: String, shape: [Int], elementType: ElementType, bytes: [UInt8]) {
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.bytes = bytes
    }

    /// The elements as f32, row-major: f16, bf16, booleans (0 or 1) and 8- and 16-bit integers exactly, f64 and wider
    /// integers rounded to nearest.
    ///
    /// - Throws: a data `Fault` for 8-bit floats, for finite f64 beyond f32, and when the bytes do not fit the shape.
    public func floats() throws(Fault) -> [Float] {
        guard StoredTensor(name: name, type: elementType, shape: shape).byteCount == bytes.count else {
            throw Fault(.data, name, "has \(bytes.count) bytes, which \(elementType.rawValue) \(shape) does not take")
        }
        switch elementType {
        case .f32: return values { (bits: UInt32) in Float(bitPattern: bits) }
        case .f16: return values { (bits: UInt16) in Self.float(half: bits) }
        case .bf16: return values { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
        case .f64: return try narrowed()
        case .bool: return values { (byte: UInt8) in byte == 0 ? 0 : 1 }
        case .u8: return values { (value: UInt8) in Float(value) }
        case .i8: return values { (value: Int8) in Float(value) }
        case .u16: return values { (value: UInt16) in Float(value) }
        case .i16: return values { (value: Int16) in Float(value) }
        case .u32: return values { (value: UInt32) in Float(value) }
        case .i32: return values { (value: Int32) in Float(value) }
        case .u64: return values { (value: UInt64) in Float(value) }
        case .i64: return values { (value: Int64) in Float(value) }
        case .f8e5m2, .f8e4m3:
            throw Fault(
                .data, name, "holds 8-bit floats (\(elementType.rawValue)), which mean nothing without their scales",
                mend: "convert the tensor to f32 or bf16 where it was made")
        }
    }

    /// Exact, whatever the thread does with denormals: the processor's own conversion may take a small half for 0 on a
    /// thread that computes.
    private static func float(half bits: UInt16) -> Float {
        let magnitude = bits & 0x7FFF
        let value =
            switch magnitude >> 10 {
            case 0: Float(magnitude) * 0x1p-24
            case 31: Float(bitPattern: 0x7F80_0000 | UInt32(magnitude & 0x3FF) << 13)
            default: Float(bitPattern: UInt32(magnitude) << 13 + (127 - 15) << 23)
            }
        return Float(bitPattern: value.bitPattern | UInt32(bits & 0x8000) << 16)
    }

    private func narrowed() throws(Fault) -> [Float] {
        let doubles = values { (bits: UInt64) in Double(bitPattern: bits) }
        let floats = doubles.map { Float($0) }
        for (wide, narrow) in zip(doubles, floats) where wide.isFinite && !narrow.isFinite {
            throw Fault(.data, name, "holds \(wide), which is beyond f32")
        }
        return floats
    }

    private func values<Stored: FixedWidthInteger & BitwiseCopyable, Value>(_ value: (Stored) -> Value) -> [Value] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / MemoryLayout<Stored>.size).map { index in
                value(
                    Stored(
                        littleEndian: raw.loadUnaligned(
                            fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)))
            }
        }
    }
}

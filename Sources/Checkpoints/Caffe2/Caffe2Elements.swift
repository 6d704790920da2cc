import Faults
import Wire

/// The elements of a Caffe2 tensor, or of a chunk of one, as little-endian bytes.
struct Caffe2Elements {
    let type: ElementType
    /// Of the whole tensor.
    let shape: [Int]
    let bytes: [UInt8]
    /// Which elements of the whole these are.
    let segment: Range<Int>

    /// `nil` for a tensor of texts.
    ///
    /// - Throws: a data `Fault` for types that are not read, and for elements that do not fit the segment.
    init?(_ tensor: Caffe2Tensor, _ source: CheckpointBytes, at offset: Int) throws(Fault) {
        let kind = Caffe2Tensor.DataType(rawValue: tensor.dataType)
        if kind == .string { return nil }
        guard let kind, let type = Self.type(kind), tensor.dataFormat == 0 else {
            throw source.fault(
                at: offset, "a tensor of Caffe2's type \(tensor.dataType), format \(tensor.dataFormat), is not read",
                mend: "save it as FLOAT")
        }
        let shape = tensor.dims.compactMap { Int(exactly: $0) }
        guard tensor.dims.count <= PickledValues.maximumRank,
            let whole = StoredTensor(name: "", type: type, shape: shape).byteCount
        else { throw source.damaged(offset, "a tensor of impossible shape") }
        let bytes = Self.bytes(tensor, kind)
        let segment = tensor.segment.map { (Int($0.begin), Int($0.end)) } ?? (0, whole / type.size)
        guard segment.0 >= 0, segment.0 <= segment.1, segment.1 <= whole / type.size,
            bytes.count == (segment.1 - segment.0) * type.size
        else {
            throw source.damaged(
                offset, "a tensor of shape \(shape) has \(bytes.count) bytes for elements \(segment.0) to \(segment.1)")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
        self.segment = segment.0..<segment.1
    }

    private static func type(_ kind: Caffe2Tensor.DataType) -> ElementType? {
        switch kind {
        case .float: .f32
        case .int32: .i32
        case .byte, .uint8: .u8
        case .bool: .bool
        case .int8: .i8
        case .uint16: .u16
        case .int16: .i16
        case .int64: .i64
        case .float16: .f16
        case .double: .f64
        case .string: nil
        }
    }

    /// Caffe2 keeps narrow types as integers of 32 bits, or as bytes.
    private static func bytes(_ tensor: Caffe2Tensor, _ kind: Caffe2Tensor.DataType) -> [UInt8] {
        if !tensor.rawBytes.isEmpty { return tensor.rawBytes }
        switch kind {
        case .float: return littleEndian(tensor.floats.map(\.bitPattern))
        case .double: return littleEndian(tensor.doubles.map(\.bitPattern))
        case .int64: return littleEndian(tensor.longs)
        case .int32: return littleEndian(tensor.integers)
        case _ where !tensor.bytes.isEmpty: return tensor.bytes
        case .float16, .uint16, .int16:
            return littleEndian(tensor.integers.map { UInt16(truncatingIfNeeded: $0) })
        default: return tensor.integers.map { UInt8(truncatingIfNeeded: $0) }
        }
    }

    private static func littleEndian<Word: FixedWidthInteger & BitwiseCopyable>(_ words: [Word]) -> [UInt8] {
        words.map(\.littleEndian).withUnsafeBytes { Array($0) }
    }
}

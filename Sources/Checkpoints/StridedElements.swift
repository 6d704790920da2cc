/// Elements of a tensor as they lie somewhere: in any order, any step apart, in either byte order.
struct StridedElements {
    let elementSize: Int
    /// Of the first element, counted in elements.
    let start: Int
    let shape: [Int]
    /// Counted in elements, one for each dimension.
    let strides: [Int]
    let isBigEndian: Bool

    /// How many elements; `nil` for a shape or strides that mean nothing or leave `Int`.
    var count: Int? {
        guard strides.count == shape.count, start >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 })
        else { return nil }
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            count = product
        }
        return count.multipliedReportingOverflow(by: elementSize).overflow ? nil : count
    }

    /// How many elements must lie there; `nil` where that leaves `Int`.
    var extent: Int? {
        guard let count else { return nil }
        guard count > 0 else { return 0 }
        var last = start
        for (size, stride) in zip(shape, strides) {
            let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, carry) = last.addingReportingOverflow(step)
            guard !overflow, !carry else { return nil }
            last = sum
        }
        let (extent, overflow) = last.addingReportingOverflow(1)
        return overflow || extent.multipliedReportingOverflow(by: elementSize).overflow ? nil : extent
    }

    /// The strides of row-major elements without gaps, or of column-major ones.
    static func contiguous(_ shape: [Int], columnMajor: Bool = false) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        var step = 1
        for axis in columnMajor ? Array(shape.indices) : shape.indices.reversed() {
            strides[axis] = step
            step = step.multipliedReportingOverflow(by: max(1, shape[axis])).partialValue
        }
        return strides
    }

    /// Row-major, contiguous, little-endian. `bytes` must hold `extent` elements.
    func materialised(from bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard let count, let extent, count > 0 else { return [] }
        precondition(extent * elementSize <= bytes.count, "the reader checks the extent first")
        if !isBigEndian || elementSize == 1, isContiguous {
            return Array(bytes[start * elementSize..<(start + count) * elementSize])
        }
        return [UInt8](unsafeUninitializedCapacity: count * elementSize) { out, initialised in
            let out = UnsafeMutableRawBufferPointer(out)
            switch elementSize {
            case 1: gather(UInt8.self, from: bytes, into: out)
            case 2: gather(UInt16.self, from: bytes, into: out)
            case 4: gather(UInt32.self, from: bytes, into: out)
            default: gather(UInt64.self, from: bytes, into: out)
            }
            initialised = count * elementSize
        }
    }

    private var isContiguous: Bool {
        let dense = Self.contiguous(shape)
        return zip(shape.indices, shape).allSatisfy { $1 == 1 || strides[$0] == dense[$0] }
    }

    private func gather<Word: FixedWidthInteger & BitwiseCopyable>(
        _: Word.Type, from bytes: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Word>.size
        let inner = shape.last ?? 1
        // Of an axis of one element the file may say anything.
        let strides = zip(shape, strides).map { $0 == 1 ? 0 : $1 }
        let innerStride = strides.last ?? 0
        var indices = [Int](repeating: 0, count: max(0, shape.count - 1))
        var row = start
        var place = 0
        while true {
            for i in 0..<inner {
                let word = bytes.loadUnaligned(fromByteOffset: (row + i * innerStride) * size, as: Word.self)
                out.storeBytes(of: isBigEndian ? word.byteSwapped : word, toByteOffset: place, as: Word.self)
                place += size
            }
            var axis = indices.count - 1
            while axis >= 0 {
                indices[axis] += 1
                row += strides[axis]
                if indices[axis] < shape[axis] { break }
                row -= shape[axis] * strides[axis]
                indices[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}

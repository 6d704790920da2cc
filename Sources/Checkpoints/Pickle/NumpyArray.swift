import Faults

/// NumPy's arrays as pickles describe them: `_reconstruct` and a state, or protocol 5's `_frombuffer`.
struct NumpyArray {
    /// `nil` for arrays of texts, objects and records, which are no tensors.
    let elementType: ElementType?
    let elements: StridedElements
    let content: Content

    /// Where the elements' bytes are.
    enum Content {
        case bytes(PickledSpan)
        /// A text whose characters are the bytes: how Python 3 writes bytes into the pickles of Python 2.
        case latin1(PickledSpan)
    }

    /// What NumPy calls its functions, before version 2 and since.
    private static func isFunction(_ name: String, _ module: String, _ function: String) -> Bool {
        name == "numpy.core.\(module).\(function)" || name == "numpy._core.\(module).\(function)"
    }

    /// The array that an object describes, or `nil` when it describes something else.
    ///
    /// - Throws: a data `Fault` for an array whose description is broken.
    init?(_ reference: PickledReference, _ values: PickledValues) throws(Fault) {
        guard case .object(let object) = values[reference], let name = values.globalName(object.callable) else {
            return nil
        }
        let parts: (dtype: PickledReference, shape: [Int], strides: [Int], content: PickledReference)?
        if Self.isFunction(name, "multiarray", "_reconstruct") {
            parts = Self.reconstructed(values, object.state)
        } else if Self.isFunction(name, "numeric", "_frombuffer") {
            parts = Self.fromBuffer(values, object.arguments)
        } else {
            return nil
        }
        guard let parts, let type = NumpyType(parts.dtype, values) else {
            throw values.broken(reference, "an array of NumPy's without type, shape or content")
        }
        guard type.isNumeric else {
            elementType = nil
            elements = StridedElements(elementSize: 1, start: 0, shape: [0], strides: [1], isBigEndian: false)
            content = .bytes(PickledSpan(start: 0, count: 0))
            return
        }
        guard let content = Self.content(parts.content, values) else {
            throw values.broken(reference, "an array of NumPy's whose content is no bytes")
        }
        guard let elementType = type.elementType else {
            throw values.source.fault(
                at: values.offset(of: reference), "an array of elements '\(type.code)', which are not read",
                mend: "save it as f4")
        }
        self.elementType = elementType
        self.content = content
        elements = StridedElements(
            elementSize: elementType.size, start: 0, shape: parts.shape, strides: parts.strides,
            isBigEndian: type.isBigEndian)
        guard let count = elements.count, elements.extent == count else {
            throw values.broken(reference, "an array of NumPy's of impossible shape \(parts.shape)")
        }
    }

    /// A NumPy scalar's type and bytes, or `nil` when the object is none.
    static func scalar(_ reference: PickledReference, _ values: PickledValues) -> (type: ElementType, bytes: [UInt8])? {
        guard case .object(let object) = values[reference], let name = values.globalName(object.callable),
            isFunction(name, "multiarray", "scalar"), let arguments = values.elements(object.arguments),
            arguments.count == 2, let type = NumpyType(arguments[0], values), let elementType = type.elementType,
            let content = content(arguments[1], values), content.mayHold(elementType.size),
            let bytes = content.copy(values), bytes.count == elementType.size
        else { return nil }
        return (elementType, type.isBigEndian ? bytes.reversed() : bytes)
    }

    // MARK: - The two descriptions

    /// The state: version, shape, type, whether column-major, bytes.
    private static func reconstructed(_ values: PickledValues, _ state: PickledReference)
        -> (dtype: PickledReference, shape: [Int], strides: [Int], content: PickledReference)?
    {
        guard let state = values.elements(state), state.count == 5, let shape = values.integers(state[1]),
            let isFortran = values.integer(state[3])
        else { return nil }
        return (state[2], shape, StridedElements.contiguous(shape, columnMajor: isFortran != 0), state[4])
    }

    /// The arguments: bytes, type, shape, order; and of order K which axis each one is.
    private static func fromBuffer(_ values: PickledValues, _ arguments: PickledReference)
        -> (dtype: PickledReference, shape: [Int], strides: [Int], content: PickledReference)?
    {
        guard let arguments = values.elements(arguments), arguments.count >= 4,
            let shape = values.integers(arguments[2]), let order = values.text(arguments[3])
        else { return nil }
        let dense = StridedElements.contiguous(shape, columnMajor: order == "F")
        switch order {
        case "C", "F": return (arguments[1], shape, dense, arguments[0])
        case "K" where arguments.count == 5:
            guard let axes = values.integers(arguments[4]), axes.sorted() == Array(shape.indices) else { return nil }
            return (arguments[1], axes.map { shape[$0] }, axes.map { dense[$0] }, arguments[0])
        default: return nil
        }
    }

    // MARK: - Bytes

    private static func content(_ reference: PickledReference, _ values: PickledValues) -> Content? {
        if case .bytes(let span) = values[reference] { return .bytes(span) }
        guard case .object(let object) = values[reference], let arguments = values.elements(object.arguments) else {
            return nil
        }
        switch values.globalName(object.callable) {
        case "_codecs.encode":
            guard arguments.count == 2, values.text(arguments[1]) == "latin1",
                case .text(let span) = values[arguments[0]]
            else { return nil }
            return .latin1(span)
        case "__builtin__.bytes", "builtins.bytes":
            return arguments.isEmpty ? .bytes(PickledSpan(start: 0, count: 0)) : nil
        default: return nil
        }
    }
}

extension NumpyArray.Content {
    /// Whether there may be so many bytes, before any is looked at.
    func mayHold(_ count: Int) -> Bool {
        switch self {
        case .bytes(let span): span.count == count
        case .latin1(let span): span.count >= count && span.count - count <= count
        }
    }

    /// The bytes, or `nil` for a text that has a character beyond Latin-1.
    func copy(_ values: PickledValues) -> [UInt8]? {
        switch self {
        case .bytes(let span): return Array(values.bytes(of: span))
        case .latin1(let span): return Self.latin1(values.bytes(of: span))
        }
    }

    /// The characters of a UTF-8 text as bytes: U+0080 to U+00FF have two bytes, of which the first is 0xC2 or 0xC3.
    private static func latin1(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var isLatin1 = true
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count) { out, count in
            text.withUnsafeBufferPointer { text in
                var index = 0
                while index < text.count {
                    var byte = text[index]
                    if byte >= 0x80 {
                        guard byte & 0xFE == 0xC2, index + 1 < text.count, text[index + 1] & 0xC0 == 0x80 else {
                            isLatin1 = false
                            return
                        }
                        byte = byte << 6 | text[index + 1] & 0x3F
                        index += 1
                    }
                    out[count] = byte
                    count += 1
                    index += 1
                }
            }
        }
        return isLatin1 ? bytes : nil
    }
}

/// A `dtype`: `numpy.dtype('f4', ...)` and a state that names the byte order.
private struct NumpyType {
    let code: String
    let isBigEndian: Bool

    init?(_ reference: PickledReference, _ values: PickledValues) {
        guard case .object(let object) = values[reference], values.globalName(object.callable) == "numpy.dtype",
            let first = values.elements(object.arguments)?.first, let code = values.text(first, limit: 32)
        else { return nil }
        var order = code.first ?? "|"
        self.code = "<>=|".contains(order) ? String(code.dropFirst()) : code
        if let state = values.elements(object.state), state.count > 1,
            let stated = values.text(state[1], limit: 1)?.first
        {
            order = stated
        }
        isBigEndian = order == ">"
    }

    var elementType: ElementType? {
        let known: [String: ElementType] = [
            "f2": .f16, "f4": .f32, "f8": .f64, "i1": .i8, "i2": .i16, "i4": .i32, "i8": .i64, "u1": .u8, "u2": .u16,
            "u4": .u32, "u8": .u64, "b1": .bool, "?": .bool,
        ]
        return known[code]
    }

    /// Texts, objects, records and dates are no numbers.
    var isNumeric: Bool { code.first.map { "fiub?c".contains($0) } ?? false }
}

extension PickledValues {
    func broken(_ reference: PickledReference, _ reason: String) -> Fault {
        source.fault(at: offset(of: reference), reason, mend: "is the file whole? Fetch or save it again")
    }
}

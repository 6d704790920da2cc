import Faults

/// The bytes of a storage in the file.
struct TorchStorage {
    let range: Range<Int>
    let isBigEndian: Bool
}

/// A tensor of PyTorch's as pickles describe it: a storage, and which of its elements.
struct TorchTensor {
    let elementType: ElementType
    let elements: StridedElements
    let storage: TorchStorage

    /// The tensor that an object describes, or `nil` when it describes something else.
    ///
    /// - Throws: a data `Fault` for a tensor that is broken, reaches beyond its storage or is of a kind not read here.
    init?(
        _ reference: PickledReference, _ values: PickledValues, _ storages: [String: TorchStorage]
    ) throws(Fault) {
        guard let (name, arguments) = Self.rebuilt(reference, values) else { return nil }
        func fault(_ reason: String) -> Fault {
            values.source.fault(
                at: values.offset(of: reference), reason,
                mend: "save it again as a contiguous tensor in main memory (state_dict() of the model)")
        }
        let hasType: Bool
        switch name {
        case "_rebuild_tensor", "_rebuild_tensor_v2": hasType = false
        case "_rebuild_tensor_v3": hasType = true
        default: throw fault("a tensor made by torch's \(name): sparse, quantised or of another kind that is not read")
        }
        guard arguments.count >= (hasType ? 7 : 4), let offset = values.integer(arguments[1]),
            let shape = values.integers(arguments[2]), let strides = values.integers(arguments[3]),
            shape.count == strides.count
        else { throw fault("a tensor of torch's without offset, sizes and strides") }
        let metadata = arguments.count > (hasType ? 7 : 6) ? arguments[hasType ? 7 : 6] : .none
        if case .dictionary(let flags) = values[metadata], !flags.isEmpty {
            throw fault("a negated or conjugated view of a tensor")
        }
        let place = try TorchStoragePlace(arguments[0], values, hasType ? arguments[6] : nil)
        guard let storage = storages[place.key] else { throw fault("storage '\(place.key)' is not in the file") }
        let size = place.elementType.size
        let (start, overflow) = offset.addingReportingOverflow(place.viewOffset)
        elements = StridedElements(
            elementSize: size, start: offset < 0 || overflow ? -1 : start, shape: shape, strides: strides,
            isBigEndian: storage.isBigEndian)
        guard let extent = elements.extent, extent <= storage.range.count / size else {
            throw fault(
                "a tensor of sizes \(shape), strides \(strides) and offset \(offset) does not fit its storage "
                    + "'\(place.key)' of \(storage.range.count) bytes")
        }
        elementType = place.elementType
        self.storage = storage
    }

    /// The function that makes the tensor, and its arguments; parameters and subclasses are looked through.
    private static func rebuilt(
        _ reference: PickledReference, _ values: PickledValues
    ) -> (name: String, arguments: [PickledReference])? {
        guard case .object(let object) = values[reference] else { return nil }
        var call = (callable: object.callable, arguments: object.arguments)
        // A parameter around a parameter around ... comes from no version of torch.
        for _ in 0..<4 {
            guard let name = values.globalName(call.callable), let arguments = values.elements(call.arguments) else {
                return nil
            }
            switch name {
            case "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type":
                guard arguments.count >= 3 else { return nil }
                call = (arguments[0], arguments[2])
            case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
                guard let first = arguments.first, case .object(let inner) = values[first] else { return nil }
                call = (inner.callable, inner.arguments)
            case _ where name.hasPrefix("torch._utils._rebuild_"):
                return (String(name.dropFirst("torch._utils.".count)), arguments)
            default: return nil
            }
        }
        return nil
    }
}

/// What names a storage from within a pickle: `('storage', torch.FloatStorage, key, location, count[, view])`.
struct TorchStoragePlace {
    let key: String
    let elementType: ElementType
    /// Elements of the whole storage.
    let count: Int
    /// Where a view of a storage begins, in elements.
    let viewOffset: Int

    /// - Parameter dtype: of the tensor, where the storage has no type.
    init(_ reference: PickledReference, _ values: PickledValues, _ dtype: PickledReference? = nil) throws(Fault) {
        guard case .persistent(let id) = values[reference], let parts = values.elements(id), parts.count >= 5,
            values.text(parts[0]) == "storage", let key = values.text(parts[2]), let count = values.integer(parts[4]),
            count >= 0
        else { throw values.broken(reference, "a tensor of torch's without a storage") }
        let name = values.globalName(dtype ?? parts[1]) ?? "nothing known"
        guard let elementType = Self.elementType(name) else {
            throw values.source.fault(
                at: values.offset(of: reference), "a storage of \(name), whose elements are not read",
                mend: "convert the tensors to float32 before saving them")
        }
        self.key = key
        self.count = count
        self.elementType = elementType
        if parts.count > 5, let view = values.elements(parts[5]) {
            guard view.count == 3, let offset = values.integer(view[1]), let size = values.integer(view[2]),
                offset >= 0, size >= 0, size <= count, offset <= count - size
            else { throw values.broken(reference, "a view beyond its storage '\(key)'") }
            viewOffset = offset
        } else {
            viewOffset = 0
        }
    }

    private static func elementType(_ name: String) -> ElementType? {
        guard name.hasPrefix("torch.") else { return nil }
        switch name.split(separator: ".").last {
        case "FloatStorage", "float32", "float": return .f32
        case "DoubleStorage", "float64", "double": return .f64
        case "HalfStorage", "float16", "half": return .f16
        case "BFloat16Storage", "bfloat16": return .bf16
        case "LongStorage", "int64", "long": return .i64
        case "IntStorage", "int32", "int": return .i32
        case "ShortStorage", "int16", "short": return .i16
        case "CharStorage", "int8": return .i8
        case "ByteStorage", "uint8": return .u8
        case "BoolStorage", "bool": return .bool
        case "uint16": return .u16
        case "uint32": return .u32
        case "uint64": return .u64
        case "float8_e5m2": return .f8e5m2
        case "float8_e4m3fn": return .f8e4m3
        default: return nil
        }
    }
}

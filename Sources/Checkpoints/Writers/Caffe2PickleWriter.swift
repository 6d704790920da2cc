import Faults

/// Writes what VMZ's `minidb_to_pickle` writes: `{'blobs': {name: numpy.ndarray}}`, pickled by Python 2's cPickle with its
/// highest protocol, 2. PySlowFast, VMZ's Caffe2 and PyTorch loaders, and NumPy under Python 3 (`encoding='latin1'`)
/// read it.
///
/// The opcodes are those that cPickle 2.7 with NumPy 1.16 emits for such a dictionary.
struct Caffe2PickleWriter {
    private let path: String
    private let file: SequentialFile
    private var pickle = PickleEmitter(firstNumber: 1)
    /// Memo numbers of what every array needs again.
    private var reconstruct: Int?
    private var array: Int?
    private var dtype: Int?
    private var dtypes: [ElementType: Int] = [:]

    init(_ path: String) throws(Fault) {
        self.path = path
        file = try SequentialFile(path)
    }

    /// - Parameter key: under which the arrays stand; `nil`: they are all there is.
    mutating func write(_ tensors: [CheckpointTensor], key: String? = "blobs") throws(Fault) {
        if let key {
            pickle.emptyDictionary()
            pickle.putAway()
            pickle.byteString(Array(key.utf8))
            pickle.putAway()
        }
        pickle.emptyDictionary()
        pickle.putAway()
        for (index, tensor) in tensors.enumerated() {
            pickle.beginMember(index, of: tensors.count)
            pickle.byteString(try latin1(tensor.name))
            pickle.putAway()
            try write(tensor)
            pickle.endMember(index, of: tensors.count, .dictionary)
        }
        if key != nil { pickle.setItem() }
        pickle.stop()
        try file.append(pickle.drain())
        try file.commit()
    }

    /// A `str` of Python 2 is bytes, which those who read such files take for Latin-1.
    private func latin1(_ name: String) throws(Fault) -> [UInt8] {
        let bytes = name.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
        guard bytes.count == name.unicodeScalars.count else {
            throw Fault(
                .usage, path,
                "tensor '\(name)' has letters beyond Latin-1 in its name, which the format has no place for",
                mend: "write safetensors or a torch file")
        }
        return bytes
    }

    private mutating func write(_ tensor: CheckpointTensor) throws(Fault) {
        guard let code = tensor.elementType.numpyCode else {
            throw Fault(
                .usage, path, "NumPy has no \(tensor.elementType.rawValue), which tensor '\(tensor.name)' is of",
                mend: "write safetensors or a torch file")
        }
        guard tensor.bytes.count <= Int(Int32.max) else {
            throw Fault(
                .usage, path,
                "tensor '\(tensor.name)' has \(tensor.bytes.count) bytes, more than the 2 GiB of a protocol-2 string",
                mend: "write safetensors or a torch file")
        }
        // numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), 'b'), and then its state.
        pickle.global("numpy.core.multiarray", "_reconstruct", once: &reconstruct)
        pickle.global("numpy", "ndarray", once: &array)
        pickle.integers([0])
        pickle.byteString("b")
        pickle.tuple(3)
        pickle.reduce()
        pickle.putAway()
        pickle.mark()
        pickle.integer(1)
        pickle.integers(tensor.shape)
        elementType(tensor.elementType, code)
        pickle.no()
        pickle.byteStringHead(count: tensor.bytes.count)
        try file.append(pickle.drain())
        try withBytes(tensor.bytes) { (bytes) throws(Fault) in try file.append(bytes) }
        pickle.tupleFromMark()
        pickle.build()
    }

    /// numpy.dtype(code, False, True) with its byte order, or the one that stands in the memo already.
    private mutating func elementType(_ type: ElementType, _ code: String) {
        if let number = dtypes[type] { return pickle.get(number) }
        pickle.global("numpy", "dtype", once: &dtype)
        pickle.byteString(Array(code.utf8))
        pickle.integer(0)
        pickle.integer(1)
        pickle.tuple(3)
        pickle.reduce()
        dtypes[type] = pickle.put()
        pickle.mark()
        pickle.integer(3)
        pickle.byteString(Array((type.size == 1 ? "|" : "<").utf8))
        for _ in 0..<3 { pickle.none() }
        for _ in 0..<2 { pickle.integer(-1) }
        pickle.integer(0)
        pickle.tupleFromMark()
        pickle.build()
    }
}

extension ElementType {
    /// NumPy's letter and bytes of an element, or `nil` where it has none.
    var numpyCode: String? {
        switch self {
        case .bool: "b1"
        case .u8: "u1"
        case .i8: "i1"
        case .u16: "u2"
        case .i16: "i2"
        case .f16: "f2"
        case .u32: "u4"
        case .i32: "i4"
        case .f32: "f4"
        case .u64: "u8"
        case .i64: "i8"
        case .f64: "f8"
        case .bf16, .f8e5m2, .f8e4m3: nil
        }
    }
}

import Faults

/// The pickle that `torch.save` writes for a `state_dict`: an OrderedDict of tensors, each of which names its storage by
/// a key. The bytes are those of Python 3's pickler in protocol 2.
struct TorchPickle {
    /// Which of torch's two containers the pickle is for: they name storages in tuples of different lengths.
    enum Container {
        case zip
        case legacy
    }

    private let container: Container
    private var pickle = PickleEmitter(firstNumber: 0)
    /// Memo numbers of what every tensor needs again.
    private var orderedDictionary: Int?
    private var rebuild: Int?
    private var storageWord: Int?
    private var place: Int?
    private var storages: [String: Int] = [:]

    private init(_ container: Container) { self.container = container }

    /// The pickle's bytes. Tensor i has its elements in the storage of key "i".
    ///
    /// - Parameter key: under which a dictionary holds the `state_dict`; without it there is no dictionary around it.
    /// - Throws: a usage `Fault` about `path` for an element type that torch has no storage for.
    static func bytes(
        of tensors: [CheckpointTensor], key: String?, _ container: Container, path: String
    ) throws(Fault) -> [UInt8] {
        var writer = TorchPickle(container)
        if let key {
            writer.pickle.emptyDictionary()
            writer.pickle.putAway()
            writer.pickle.text(key)
            writer.pickle.putAway()
        }
        try writer.stateDictionary(tensors, path)
        if key != nil { writer.pickle.setItem() }
        writer.pickle.stop()
        return writer.pickle.drain()
    }

    private mutating func stateDictionary(_ tensors: [CheckpointTensor], _ path: String) throws(Fault) {
        emptyOrderedDictionary()
        for (index, tensor) in tensors.enumerated() {
            guard let storage = tensor.elementType.torchStorage else {
                throw Fault(
                    .usage, path,
                    "torch has no storage of \(tensor.elementType.rawValue), which tensor '\(tensor.name)' is of",
                    mend: "write safetensors")
            }
            pickle.beginMember(index, of: tensors.count)
            pickle.text(tensor.name)
            pickle.putAway()
            write(tensor, storage, key: String(index))
            pickle.endMember(index, of: tensors.count, .dictionary)
        }
    }

    /// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks).
    private mutating func write(_ tensor: CheckpointTensor, _ storage: String, key: String) {
        pickle.global("torch._utils", "_rebuild_tensor_v2", once: &rebuild)
        pickle.mark()
        pickle.mark()
        pickle.text("storage", once: &storageWord)
        pickle.global("torch", storage, once: &storages[storage])
        pickle.text(key)
        pickle.putAway()
        pickle.text("cpu", once: &place)
        pickle.integer(tensor.shape.reduce(1, *))
        if container == .legacy { pickle.none() }
        pickle.tupleFromMark()
        pickle.putAway()
        pickle.persistent()
        pickle.integer(0)
        integers(tensor.shape)
        integers(Self.strides(tensor.shape))
        pickle.no()
        emptyOrderedDictionary()
        pickle.tupleFromMark()
        pickle.putAway()
        pickle.reduce()
        pickle.putAway()
    }

    private mutating func emptyOrderedDictionary() {
        pickle.global("collections", "OrderedDict", once: &orderedDictionary)
        pickle.emptyTuple()
        pickle.reduce()
        pickle.putAway()
    }

    private mutating func integers(_ values: [Int]) {
        pickle.integers(values)
        if !values.isEmpty { pickle.putAway() }
    }

    /// Of a contiguous tensor, in elements, as torch counts them: a dimension of 0 counts as 1.
    private static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * max(1, shape[axis + 1]) }
        return strides
    }
}

extension ElementType {
    /// Torch's class for storages of it, or `nil` where there is none.
    var torchStorage: String? {
        switch self {
        case .bool: "BoolStorage"
        case .u8: "ByteStorage"
        case .i8: "CharStorage"
        case .i16: "ShortStorage"
        case .f16: "HalfStorage"
        case .bf16: "BFloat16Storage"
        case .i32: "IntStorage"
        case .f32: "FloatStorage"
        case .i64: "LongStorage"
        case .f64: "DoubleStorage"
        case .u16, .u32, .u64, .f8e5m2, .f8e4m3: nil
        }
    }
}

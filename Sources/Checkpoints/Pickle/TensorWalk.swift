import Faults

/// Finds the tensors in what a pickle describes, and names them.
///
/// The containers that training scripts put around a state dictionary (`blobs`, `model_state`, `state_dict` ...) leave no
/// trace in the names; what optimizers and schedulers keep is left out. A container is entered once however often it is
/// named, so cycles end and sharing costs nothing.
struct TensorWalk {
    private(set) var tensors: [CheckpointTensor] = []
    private(set) var metadata: [String: String] = [:]
    private let values: PickledValues
    private let storages: [String: TorchStorage]
    private var budget: MemoryBudget
    private var names: Set<String> = []
    private var entered: Set<PickledReference> = []
    /// Globals that stand where a tensor could, for the fault when there is none.
    private var strangers: [String] = []
    /// The containers on the way to the present one.
    private var path: [Container] = []
    /// How many of these are lists or tuples.
    private var listsOnPath = 0

    private struct Container {
        /// Keys and values in turn, or elements.
        let items: [PickledReference]
        let isKeyed: Bool
        /// Of the item being looked at; counts keys and values.
        var index = 0

        var key: PickledReference? { isKeyed ? items[index] : nil }
        var value: PickledReference { items[isKeyed ? index + 1 : index] }
    }

    /// What holds the weights, in the order in which they are looked for.
    private static let wrappers = [
        "blobs", "model_state", "state_dict", "model_state_dict", "model", "network", "net", "weights",
    ]

    /// - Throws: a data `Fault`, also when there is no tensor at all.
    static func read(
        _ pickle: Unpickler.Result, storages: [String: TorchStorage] = [:]
    ) throws(Fault) -> (tensors: [CheckpointTensor], metadata: [String: String]) {
        var walk = TensorWalk(values: pickle.values, storages: storages)
        try walk.enterRoot(pickle.root)
        guard !walk.tensors.isEmpty else { throw walk.nothing(pickle.root) }
        return (walk.tensors, walk.metadata)
    }

    private init(values: PickledValues, storages: [String: TorchStorage]) {
        self.values = values
        self.storages = storages
        budget = MemoryBudget(for: values.source)
    }

    private mutating func enterRoot(_ root: PickledReference) throws(Fault) {
        guard var container = container(root), container.isKeyed else { return }
        for _ in 0..<4 {
            guard let inner = wrapped(container) else { break }
            try walk(container, metadataOnly: true)
            container = inner
        }
        try walk(container, metadataOnly: false)
    }

    /// The container of the weights, when this one is around it.
    private mutating func wrapped(_ container: Container) -> Container? {
        for wrapper in Self.wrappers {
            for index in stride(from: 0, to: container.items.count, by: 2)
            where values.text(container.items[index], limit: 32) == wrapper {
                guard let inner = self.container(container.items[index + 1]) else { continue }
                if inner.isKeyed { return inner }
                // A list is no wrapper; it is entered in its turn.
                entered.remove(container.items[index + 1])
            }
        }
        return nil
    }

    /// Goes through a container and all it holds, in order.
    private mutating func walk(_ root: Container, metadataOnly: Bool) throws(Fault) {
        path = [root]
        while let present = path.last {
            guard present.index < present.items.count else {
                path.removeLast()
                if !present.isKeyed { listsOnPath -= 1 }
                if !path.isEmpty { advance() }
                continue
            }
            if let inner = try look(present.value, metadataOnly: metadataOnly) {
                path.append(inner)
                if !inner.isKeyed { listsOnPath += 1 }
            } else {
                advance()
            }
        }
    }

    private mutating func advance() { path[path.count - 1].index += path[path.count - 1].isKeyed ? 2 : 1 }

    /// Takes a tensor or a scalar; the container to enter when it is one.
    private mutating func look(_ value: PickledReference, metadataOnly: Bool) throws(Fault) -> Container? {
        if try takeScalar(value) || metadataOnly { return nil }
        if try takeTensor(value) { return nil }
        if let key = path.last?.key.flatMap({ values.text($0, limit: 64) }), Self.isOptimizers(key) { return nil }
        return container(value)
    }

    /// Whether what hangs under a key belongs to the training and not to the model. A tensor of such a name is the model's.
    private static func isOptimizers(_ key: String) -> Bool {
        key.hasPrefix("optim") || key.hasSuffix("scheduler") || ["scaler", "scaler_state", "message_hub"].contains(key)
    }

    // MARK: - Containers

    /// A container that was not entered yet. Dictionaries of unknown classes are none.
    private mutating func container(_ reference: PickledReference) -> Container? {
        switch values[reference] {
        case .dictionary(let items):
            return entered.insert(reference).inserted ? Container(items: items, isKeyed: true) : nil
        case .list(let items), .tuple(let items):
            return entered.insert(reference).inserted ? Container(items: items, isKeyed: false) : nil
        case .object(let object):
            guard let name = values.globalName(object.callable) else { return nil }
            guard ["collections.OrderedDict", "collections.defaultdict"].contains(name) else {
                if strangers.count < 3, !strangers.contains(name) { strangers.append(name) }
                return nil
            }
            guard entered.insert(reference).inserted, object.isKeyed || object.items.isEmpty else { return nil }
            return Container(items: initialItems(object) + object.items, isKeyed: true)
        default: return nil
        }
    }

    /// Python 2 gives an `OrderedDict` its content as a list of pairs.
    private mutating func initialItems(_ object: PickledObject) -> [PickledReference] {
        guard let list = values.elements(object.arguments)?.first, let pairs = values.elements(list),
            entered.insert(list).inserted
        else { return [] }
        var items: [PickledReference] = []
        for pair in pairs {
            guard let pair = values.elements(pair), pair.count == 2 else { return [] }
            items += pair
        }
        return items
    }

    // MARK: - Tensors and scalars

    private mutating func takeTensor(_ reference: PickledReference) throws(Fault) -> Bool {
        let offset = values.offset(of: reference)
        if let tensor = try TorchTensor(reference, values, storages) {
            let name = try name(at: offset)
            try budget.spend((tensor.elements.count ?? 0) * tensor.elements.elementSize, at: offset)
            let bytes = values.source.bytes.withUnsafeBytes {
                tensor.elements.materialised(from: UnsafeRawBufferPointer(rebasing: $0[tensor.storage.range]))
            }
            try take(name, tensor.elements.shape, tensor.elementType, bytes, at: offset)
            return true
        }
        guard let array = try NumpyArray(reference, values) else { return false }
        guard let type = array.elementType else { return true }
        let name = try name(at: offset)
        let count = (array.elements.count ?? 0) * type.size
        guard array.content.mayHold(count) else { throw wrongSize(name, array, offset) }
        try budget.spend(count, at: offset)
        guard let content = array.content.copy(values), content.count == count else {
            throw wrongSize(name, array, offset)
        }
        let bytes = content.withUnsafeBytes { array.elements.materialised(from: $0) }
        try take(name, array.elements.shape, type, bytes, at: offset)
        return true
    }

    private func wrongSize(_ name: String, _ array: NumpyArray, _ offset: Int) -> Fault {
        values.source.fault(
            at: offset, "'\(name)' of shape \(array.elements.shape) has more or fewer bytes than that needs",
            mend: "is the file whole? Fetch or save it again")
    }

    private mutating func take(
        _ name: String, _ shape: [Int], _ type: ElementType, _ bytes: [UInt8], at offset: Int
    ) throws(Fault) {
        guard names.insert(name).inserted else {
            throw values.source.fault(at: offset, "a second tensor called '\(name)'", mend: "save the file again")
        }
        tensors.append(CheckpointTensor(name: name, shape: shape, elementType: type, bytes: bytes))
    }

    /// Keeps a number or text under its name, when only dictionaries lead to it.
    private mutating func takeScalar(_ reference: PickledReference) throws(Fault) -> Bool {
        let text: String
        switch values[reference] {
        case .boolean(let value): text = "\(value)"
        case .integer(let value): text = "\(value)"
        case .real(let value): text = "\(value)"
        case .text(let span), .bytes(let span):
            guard listsOnPath == 0 else { return true }
            try budget.spend(2 * span.count, at: values.offset(of: reference))
            text = values.text(reference, limit: .max) ?? ""
        case .object:
            guard let scalar = NumpyArray.scalar(reference, values) else { return false }
            text = scalar.type.text(scalar.bytes)
        default: return false
        }
        guard listsOnPath == 0 else { return true }
        metadata[try name(at: values.offset(of: reference))] = text
        return true
    }

    /// The keys on the way, with dots between; elements of lists count from 0.
    private mutating func name(at offset: Int) throws(Fault) -> String {
        var length = 64
        for container in path { length += 24 + (container.key.flatMap(values.textLength) ?? 0) }
        // Beside the name itself, what a tensor takes without its elements.
        try budget.spend(length, at: offset)
        var name = ""
        for container in path {
            if !name.isEmpty { name += "." }
            guard let key = container.key else {
                name += "\(container.index)"
                continue
            }
            name += values.text(key, limit: .max) ?? values.integer(key).map { "\($0)" } ?? "#\(container.index / 2)"
        }
        return name
    }

    private func nothing(_ root: PickledReference) -> Fault {
        let whole =
            strangers.isEmpty ? "" : "; it holds objects of \(strangers.joined(separator: ", ")), which stay closed"
        return values.source.fault(
            at: values.offset(of: root), "no dictionary of tensors\(whole)",
            mend: "save the model's state_dict(), or the blobs' arrays by name")
    }
}

extension ElementType {
    /// One element as text; `bytes` are little-endian.
    func text(_ bytes: [UInt8]) -> String {
        switch self {
        case .u64: return "\(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })"
        case .i64: return "\(Int64(bitPattern: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))"
        case .f64: return "\(Double(bitPattern: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))"
        case .bool: return bytes.first == 0 ? "false" : "true"
        default:
            let value = try? CheckpointTensor(name: "", shape: [], elementType: self, bytes: bytes).floats().first
            guard let value else { return "" }
            return self == .f32 || self == .f16 || self == .bf16 ? "\(value)" : "\(Int(value))"
        }
    }
}

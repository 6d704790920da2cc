/// Which of the values of a pickle.
struct PickledReference: Hashable {
    let index: Int32

    /// Python's `None`, also where nothing was given.
    static let none = PickledReference(index: 0)
}

/// A value that a pickle describes. What Python would make by calling something is kept as the description of the call.
enum PickledValue {
    case none
    case boolean(Bool)
    case integer(Int)
    /// An integer beyond 64 bits: its little-endian bytes, or its decimal digits.
    case wideInteger(PickledSpan)
    case real(Double)
    /// UTF-8.
    case text(PickledSpan)
    /// Bytes, or a `str` of Python 2.
    case bytes(PickledSpan)
    case list([PickledReference])
    case tuple([PickledReference])
    /// The elements of a set, of which nothing here makes use.
    case set([PickledReference])
    /// Keys and values in turn, in the order of the file.
    case dictionary([PickledReference])
    /// `module\nname` of the file.
    case global(PickledSpan)
    /// A global whose module and name are texts.
    case namedGlobal(module: PickledReference, name: PickledReference)
    case object(PickledObject)
    /// Something outside the pickle, by what names it.
    case persistent(PickledReference)
}

/// A call that is never made: what would be called with what, and what would then be put into the result.
struct PickledObject {
    var callable: PickledReference
    var arguments: PickledReference
    var state = PickledReference.none
    /// Keys and values in turn, or elements.
    var items: [PickledReference] = []
    var isKeyed = false
}

/// Bytes of the file, or beyond its end of the texts that had to be unescaped.
struct PickledSpan: Equatable {
    var start: Int
    var count: Int
}

/// All values of one pickle. References are numbers, so that cycles and depth are nothing special.
struct PickledValues {
    let source: CheckpointBytes
    private(set) var values: [PickledValue] = [.none]
    /// Of the opcode that made each value.
    private(set) var offsets: [Int] = [0]
    /// Texts of protocol 0 without their escapes.
    private(set) var unescaped: [UInt8] = []

    init(source: CheckpointBytes) { self.source = source }

    /// Far more than any checkpoint has that is not mostly numbers.
    var limit: Int { 1 << 18 + source.count / 16 }

    mutating func add(_ value: PickledValue, at offset: Int) -> PickledReference? {
        guard values.count < limit, let index = Int32(exactly: values.count) else { return nil }
        values.append(value)
        offsets.append(offset)
        return PickledReference(index: index)
    }

    mutating func addUnescaped(_ bytes: [UInt8]) -> PickledSpan {
        let span = PickledSpan(start: source.count + unescaped.count, count: bytes.count)
        unescaped += bytes
        return span
    }

    subscript(reference: PickledReference) -> PickledValue { values[Int(reference.index)] }

    /// Puts elements, or keys and values in turn, into a container or an object.
    ///
    /// - Returns: whether it takes such.
    mutating func put(_ new: ArraySlice<PickledReference>, keyed: Bool, into reference: PickledReference) -> Bool {
        let index = Int(reference.index)
        // The array leaves its place before it grows, so that it is not copied.
        switch values[index] {
        case .list(var items) where !keyed:
            values[index] = .none
            items += new
            values[index] = .list(items)
        case .set(var items) where !keyed:
            values[index] = .none
            items += new
            values[index] = .set(items)
        case .dictionary(var items) where keyed:
            values[index] = .none
            items += new
            values[index] = .dictionary(items)
        case .object(var object) where object.items.isEmpty || object.isKeyed == keyed:
            values[index] = .none
            object.items += new
            object.isKeyed = keyed
            values[index] = .object(object)
        default: return false
        }
        return true
    }

    /// Keeps what an object would be given as its state.
    mutating func build(_ reference: PickledReference, _ state: PickledReference) -> Bool {
        guard case .object(var object) = self[reference] else { return false }
        object.state = state
        values[Int(reference.index)] = .object(object)
        return true
    }

    /// What names things outside the pickle, in its order.
    var persistents: [PickledReference] {
        values.indices.compactMap { index in
            guard case .persistent = values[index] else { return nil }
            return PickledReference(index: Int32(index))
        }
    }

    func offset(of reference: PickledReference) -> Int { offsets[Int(reference.index)] }

    // MARK: - Reading

    func bytes(of span: PickledSpan) -> ArraySlice<UInt8> {
        span.start >= source.count
            ? unescaped[span.start - source.count..<span.start - source.count + span.count]
            : source.bytes[span.start..<span.start + span.count]
    }

    /// How many bytes a text takes at most as UTF-8; `nil` when it is no text.
    func textLength(_ reference: PickledReference) -> Int? {
        switch self[reference] {
        case .text(let span): span.count
        case .bytes(let span): 2 * span.count
        default: nil
        }
    }

    /// A text of up to `limit` bytes. A `str` of Python 2 counts as Latin-1, which is how everyone reads these files.
    func text(_ reference: PickledReference, limit: Int = 256) -> String? {
        switch self[reference] {
        case .text(let span) where span.count <= limit: String(decoding: bytes(of: span), as: UTF8.self)
        case .bytes(let span) where span.count <= limit: latin1(bytes(of: span))
        default: nil
        }
    }

    /// `module.name` of a global; `nil` of anything else, and of names longer than any that means something.
    func globalName(_ reference: PickledReference) -> String? {
        switch self[reference] {
        case .global(let span) where span.count <= 256:
            return String(decoding: bytes(of: span).map { $0 == 10 ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
        case .namedGlobal(let module, let name):
            guard let module = text(module), let name = text(name) else { return nil }
            return module + "." + name
        default: return nil
        }
    }

    func integer(_ reference: PickledReference) -> Int? {
        switch self[reference] {
        case .integer(let value): value
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The elements of a list or tuple.
    func elements(_ reference: PickledReference) -> [PickledReference]? {
        switch self[reference] {
        case .list(let items), .tuple(let items): items
        default: nil
        }
    }

    /// Sizes or strides: up to `maximumRank` integers, or a `torch.Size` around them.
    func integers(_ reference: PickledReference) -> [Int]? {
        if case .object(let object) = self[reference], globalName(object.callable) == "torch.Size",
            let inner = elements(object.arguments)?.first
        {
            return plainIntegers(inner)
        }
        return plainIntegers(reference)
    }

    private func plainIntegers(_ reference: PickledReference) -> [Int]? {
        guard let items = elements(reference), items.count <= Self.maximumRank else { return nil }
        var integers: [Int] = []
        for item in items {
            guard let value = integer(item) else { return nil }
            integers.append(value)
        }
        return integers
    }

    /// NumPy's and PyTorch's own limit.
    static let maximumRank = 64

    func latin1(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        return text
    }
}

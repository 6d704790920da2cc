import Faults

/// Reads a pickle as data: numbers, texts, bytes and containers become values; globals become their names, and calls
/// their descriptions. Nothing is looked up, imported or called.
///
/// The format: Python's `pickletools`, PEP 307, 3154 and 574. Every length is checked against the file before it is used,
/// values live in one array (no recursion, whatever is nested or cyclic), and their number is bounded by the file's size.
struct Unpickler {
    /// A pickle's values, the one it stands for, and where the file goes on behind it.
    struct Result {
        var values: PickledValues
        var root: PickledReference
        var end: Int
    }

    let source: CheckpointBytes
    /// Behind the last byte that belongs to the pickle.
    let end: Int
    var position: Int
    /// Of the opcode at work.
    var offset = 0
    var values: PickledValues
    private var stack: [PickledReference] = []
    /// Heights of the stack.
    private var marks: [Int32] = []
    private var memo: [UInt32: PickledReference] = [:]

    /// Reads the pickle that begins at `range`'s first byte; it may end before the last.
    ///
    /// - Throws: a data `Fault` that names the byte.
    static func read(_ source: CheckpointBytes, _ range: Range<Int>) throws(Fault) -> Result {
        var unpickler = Unpickler(source: source, range: range)
        while true {
            unpickler.offset = unpickler.position
            let opcode = try unpickler.opcode()
            if opcode == .stop { break }
            if try unpickler.literal(opcode) { continue }
            if try unpickler.container(opcode) { continue }
            try unpickler.other(opcode)
        }
        let root = try unpickler.pop()
        return Result(values: unpickler.values, root: root, end: unpickler.position)
    }

    private init(source: CheckpointBytes, range: Range<Int>) {
        self.source = source
        end = range.upperBound
        position = range.lowerBound
        values = PickledValues(source: source)
    }

    // MARK: - The stack

    mutating func push(_ value: PickledValue) throws(Fault) {
        guard let reference = values.add(value, at: offset) else {
            throw broken("more than \(values.limit) values in a file of \(source.count) bytes")
        }
        try push(reference)
    }

    private mutating func push(_ reference: PickledReference) throws(Fault) {
        guard stack.count < Int(Int32.max) else { throw broken("a stack of more than \(stack.count) values") }
        stack.append(reference)
    }

    /// The height below which an opcode may not reach.
    private var floor: Int { marks.last.map(Int.init) ?? 0 }

    private func top() throws(Fault) -> PickledReference {
        guard stack.count > floor, let top = stack.last else { throw broken("takes a value where there is none") }
        return top
    }

    private mutating func pop() throws(Fault) -> PickledReference {
        let top = try top()
        stack.removeLast()
        return top
    }

    /// Everything above the last mark, which goes too.
    private mutating func popMark() throws(Fault) -> [PickledReference] {
        guard let mark = marks.popLast() else { throw broken("looks for a mark where there is none") }
        let items = Array(stack[Int(mark)...])
        stack.removeSubrange(Int(mark)...)
        return items
    }

    // MARK: - Containers

    /// - Returns: whether it was such an opcode.
    private mutating func container(_ opcode: PickleOpcode) throws(Fault) -> Bool {
        switch opcode {
        case .emptyTuple: try push(.tuple([]))
        case .emptyList: try push(.list([]))
        case .emptyDictionary: try push(.dictionary([]))
        case .emptySet: try push(.set([]))
        case .tuple: try push(.tuple(popMark()))
        case .list: try push(.list(popMark()))
        case .frozenSet: try push(.set(popMark()))
        case .dictionary: try push(.dictionary(pairs(popMark())))
        case .tuple1: try pushTuple(1)
        case .tuple2: try pushTuple(2)
        case .tuple3: try pushTuple(3)
        case .append:
            let item = try pop()
            try put([item], keyed: false)
        case .appends, .addItems: try put(popMark()[...], keyed: false)
        case .setItem:
            let value = try pop()
            let key = try pop()
            try put([key, value], keyed: true)
        case .setItems: try put(pairs(popMark())[...], keyed: true)
        default: return false
        }
        return true
    }

    private mutating func pushTuple(_ count: Int) throws(Fault) {
        guard stack.count - floor >= count else { throw broken("makes a tuple of values that are not there") }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        try push(.tuple(items))
    }

    private func pairs(_ items: [PickledReference]) throws(Fault) -> [PickledReference] {
        guard items.count.isMultiple(of: 2) else { throw broken("a key without a value") }
        return items
    }

    private mutating func put(_ items: ArraySlice<PickledReference>, keyed: Bool) throws(Fault) {
        guard values.put(items, keyed: keyed, into: try top()) else {
            throw broken("puts \(keyed ? "keys and values" : "elements") into what takes none")
        }
    }

    // MARK: - Objects, the memo and the stack's own

    private mutating func other(_ opcode: PickleOpcode) throws(Fault) {
        switch opcode {
        case .reduce, .newObject: try call(arguments: pop())
        case .newObjectWithKeywords:
            _ = try pop()
            try call(arguments: pop())
        case .object, .instance:
            if opcode == .instance { try global() }
            let isNamed = opcode == .instance
            let name = isNamed ? try pop() : PickledReference.none
            var items = try popMark()
            guard isNamed || !items.isEmpty else { throw broken("makes an object of no class") }
            let callable = isNamed ? name : items.removeFirst()
            try push(.tuple(items))
            let arguments = try pop()
            try push(.object(PickledObject(callable: callable, arguments: arguments)))
        case .build:
            let state = try pop()
            guard values.build(try top(), state) else { throw broken("gives a state to what has none") }
        case .global: try global()
        case .stackGlobal:
            let name = try pop()
            let module = try pop()
            guard values.textLength(name) != nil, values.textLength(module) != nil else {
                throw broken("names a global by what is no text")
            }
            try push(.namedGlobal(module: module, name: name))
        case .extension1, .extension2, .extension4:
            throw broken("uses Python's registry of extensions, which is not in the file")
        case .persistentID, .binaryPersistentID:
            if opcode == .persistentID { try push(.text(line())) }
            let name = try pop()
            try push(.persistent(name))
        case .mark: marks.append(Int32(stack.count))
        case .pop: if stack.count > floor { stack.removeLast() } else { _ = try popMark() }
        case .popMark: _ = try popMark()
        case .duplicate: try push(top())
        case .put: try remember(decimal())
        case .binaryPut: try remember(unsigned(1))
        case .longBinaryPut: try remember(unsigned(4))
        case .memoize: memo[UInt32(memo.count)] = try top()
        case .get: try recall(decimal())
        case .binaryGet: try recall(unsigned(1))
        case .longBinaryGet: try recall(unsigned(4))
        case .proto:
            let version = try unsigned(1)
            guard version <= 5 else { throw broken("protocol \(version), and 5 is the highest known") }
        case .frame:
            let length = try unsigned(8)
            guard length <= end - position else { throw tooLong(length) }
        case .nextBuffer, .readOnlyBuffer:
            throw broken("refers to a buffer that was not written into the file")
        default: throw broken("opcode \(opcode) at a place where it has no meaning")
        }
    }

    private mutating func call(arguments: PickledReference) throws(Fault) {
        let callable = try pop()
        try push(.object(PickledObject(callable: callable, arguments: arguments)))
    }

    private mutating func global() throws(Fault) {
        let module = try line()
        let name = try line()
        try push(.global(PickledSpan(start: module.start, count: name.start + name.count - module.start)))
    }

    private mutating func remember(_ number: Int) throws(Fault) {
        guard let number = UInt32(exactly: number) else { throw broken("memo \(number)") }
        memo[number] = try top()
    }

    private mutating func recall(_ number: Int) throws(Fault) {
        guard let number = UInt32(exactly: number), let value = memo[number] else {
            throw broken("asks for memo \(number), which holds nothing")
        }
        try push(value)
    }

    // MARK: - Faults

    func broken(_ reason: String) -> Fault {
        source.fault(at: offset, "not a pickle: \(reason)", mend: "is the file whole? Fetch or save it again")
    }

    func tooLong(_ length: Int) -> Fault {
        broken("\(length) bytes are claimed, and \(max(0, end - position)) are left")
    }
}

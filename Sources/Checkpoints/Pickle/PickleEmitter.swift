/// Emits a pickle of protocol 2, which every Python since 2.3 reads, opcode by opcode.
///
/// A value is emitted by writing what makes it. What stands in the memo is put there and got back by number; the numbers
/// count up from `firstNumber`: 0 in Python 3, 1 in Python 2's cPickle.
struct PickleEmitter {
    private(set) var bytes: [UInt8] = [PickleOpcode.proto.rawValue, 2]
    private var nextNumber: Int

    init(firstNumber: Int) { nextNumber = firstNumber }

    /// Takes the bytes emitted so far, so that a file need not be in memory.
    mutating func drain() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    // MARK: - The memo

    /// Puts the topmost value into the memo; `get` brings it back.
    mutating func put() -> Int {
        emit(.binaryPut, orWide: .longBinaryPut, nextNumber)
        nextNumber += 1
        return nextNumber - 1
    }

    /// As `put`, where nobody will ask for it.
    mutating func putAway() { _ = put() }

    mutating func get(_ number: Int) { emit(.binaryGet, orWide: .longBinaryGet, number) }

    /// A class or function, which later calls get back from the memo.
    mutating func global(_ module: String, _ name: String, once number: inout Int?) {
        if let number { return get(number) }
        global(module, name)
        number = put()
    }

    /// A text, which later calls get back from the memo.
    mutating func text(_ text: String, once number: inout Int?) {
        if let number { return get(number) }
        self.text(text)
        number = put()
    }

    private mutating func emit(_ short: PickleOpcode, orWide wide: PickleOpcode, _ number: Int) {
        if number < 256 {
            bytes += [short.rawValue, UInt8(number)]
        } else {
            op(wide)
            bytes += littleEndianBytes(UInt32(number))
        }
    }

    // MARK: - Values

    mutating func none() { op(.none) }
    mutating func yes() { op(.newTrue) }
    mutating func no() { op(.newFalse) }

    /// In as few bytes as protocol 2 has for it.
    mutating func integer(_ value: Int) {
        switch value {
        case 0..<1 << 8:
            op(.binaryInt1)
            bytes.append(UInt8(value))
        case 1 << 8..<1 << 16:
            op(.binaryInt2)
            bytes += littleEndianBytes(UInt16(value))
        case Int(Int32.min)...Int(Int32.max):
            op(.binaryInt)
            bytes += littleEndianBytes(Int32(value))
        default: long(littleEndianBytes(value))
        }
    }

    /// A number as two's complement, lowest byte first.
    mutating func long(_ twosComplement: [UInt8]) {
        bytes += [PickleOpcode.long1.rawValue, UInt8(twosComplement.count)]
        bytes += twosComplement
    }

    /// Text, a `str` of Python 3.
    mutating func text(_ text: String) {
        op(.binaryUnicode)
        bytes += littleEndianBytes(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    /// The head of a `str` of Python 2, which is bytes; they follow.
    mutating func byteStringHead(count: Int) {
        if count < 256 {
            op(.shortBinaryString)
            bytes.append(UInt8(count))
        } else {
            op(.binaryString)
            bytes += littleEndianBytes(UInt32(count))
        }
    }

    mutating func byteString(_ string: [UInt8]) {
        byteStringHead(count: string.count)
        bytes += string
    }

    /// - Parameter word: ASCII.
    mutating func byteString(_ word: StaticString) { byteString(Array("\(word)".utf8)) }

    /// A class or function by its module and name.
    mutating func global(_ module: String, _ name: String) {
        op(.global)
        bytes += Array("\(module)\n\(name)\n".utf8)
    }

    // MARK: - Containers and calls

    mutating func mark() { op(.mark) }
    /// A tuple of everything since the mark.
    mutating func tupleFromMark() { op(.tuple) }
    mutating func emptyTuple() { op(.emptyTuple) }
    /// A tuple of the topmost 1 to 3 values.
    mutating func tuple(_ count: Int) {
        precondition((1...3).contains(count))
        op(count == 1 ? .tuple1 : count == 2 ? .tuple2 : .tuple3)
    }
    mutating func emptyDictionary() { op(.emptyDictionary) }
    mutating func emptyList() { op(.emptyList) }
    /// The topmost key and value into the dictionary below them.
    mutating func setItem() { op(.setItem) }
    /// All keys and values since the mark.
    mutating func setItems() { op(.setItems) }
    mutating func append() { op(.append) }
    mutating func appends() { op(.appends) }
    /// The topmost tuple as arguments of the callable below it.
    mutating func reduce() { op(.reduce) }
    /// The topmost value as the state of the object below it.
    mutating func build() { op(.build) }
    /// The object that the reader knows by the topmost value.
    mutating func persistent() { op(.binaryPersistentID) }
    mutating func stop() { op(.stop) }

    private mutating func op(_ opcode: PickleOpcode) { bytes.append(opcode.rawValue) }

    /// A tuple of integers: a shape, strides.
    mutating func integers(_ values: [Int]) {
        if values.isEmpty { return emptyTuple() }
        if values.count > 3 { mark() }
        for value in values { integer(value) }
        if values.count > 3 { tupleFromMark() } else { tuple(values.count) }
    }

    // MARK: - Members of a dictionary or list

    enum Container {
        case dictionary
        case list
    }

    /// Before member `index` of `count`: they stand in runs of a thousand, as Python's picklers write them.
    mutating func beginMember(_ index: Int, of count: Int) {
        if index % Self.run == 0, Self.runLength(at: index, of: count) > 1 { mark() }
    }

    /// After member `index` of `count`; a run of one has an opcode of its own.
    mutating func endMember(_ index: Int, of count: Int, _ container: Container) {
        guard index == count - 1 || index % Self.run == Self.run - 1 else { return }
        switch (container, Self.runLength(at: index, of: count) > 1) {
        case (.dictionary, true): setItems()
        case (.dictionary, false): setItem()
        case (.list, true): appends()
        case (.list, false): append()
        }
    }

    private static let run = 1000

    private static func runLength(at index: Int, of count: Int) -> Int {
        min(run, count - index / run * run)
    }
}

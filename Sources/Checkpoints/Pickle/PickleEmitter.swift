/// Emits a pickle of protocol 2, which every Python since 2.3 reads, opcode by opcode.
///
/// A value is emitted by writing what makes it. What stands in the memo is put there and got back by number; the numbers
/// count up from `firstNumber`: 0 in Python 3, 1 in Python 2's cPickle.
struct PickleEmitter {
    private(set) var bytes: [UInt8] = [0x80, 2]
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
        emit("q", orWide: "r", nextNumber)
        nextNumber += 1
        return nextNumber - 1
    }

    /// As `put`, where nobody will ask for it.
    mutating func putAway() { _ = put() }

    mutating func get(_ number: Int) { emit("h", orWide: "j", number) }

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

    private mutating func emit(_ short: Unicode.Scalar, orWide wide: Unicode.Scalar, _ number: Int) {
        if number < 256 {
            bytes += [UInt8(ascii: short), UInt8(number)]
        } else {
            bytes.append(UInt8(ascii: wide))
            bytes += littleEndianBytes(UInt32(number))
        }
    }

    // MARK: - Values

    mutating func none() { op("N") }
    mutating func yes() { bytes.append(0x88) }
    mutating func no() { bytes.append(0x89) }

    /// In as few bytes as protocol 2 has for it.
    mutating func integer(_ value: Int) {
        switch value {
        case 0..<1 << 8:
            op("K")
            bytes.append(UInt8(value))
        case 1 << 8..<1 << 16:
            op("M")
            bytes += littleEndianBytes(UInt16(value))
        case Int(Int32.min)...Int(Int32.max):
            op("J")
            bytes += littleEndianBytes(Int32(value))
        default: long(littleEndianBytes(value))
        }
    }

    /// A number as two's complement, lowest byte first.
    mutating func long(_ twosComplement: [UInt8]) {
        bytes += [0x8A, UInt8(twosComplement.count)]
        bytes += twosComplement
    }

    /// Text, a `str` of Python 3.
    mutating func text(_ text: String) {
        op("X")
        bytes += littleEndianBytes(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    /// The head of a `str` of Python 2, which is bytes; they follow.
    mutating func byteStringHead(count: Int) {
        if count < 256 {
            op("U")
            bytes.append(UInt8(count))
        } else {
            op("T")
            bytes += littleEndianBytes(UInt32(count))
        }
    }

    mutating func byteString(_ text: String) {
        byteStringHead(count: text.utf8.count)
        bytes += text.utf8
    }

    /// A class or function by its module and name.
    mutating func global(_ module: String, _ name: String) {
        op("c")
        bytes += Array("\(module)\n\(name)\n".utf8)
    }

    // MARK: - Containers and calls

    mutating func mark() { op("(") }
    /// A tuple of everything since the mark.
    mutating func tupleFromMark() { op("t") }
    mutating func emptyTuple() { op(")") }
    /// A tuple of the topmost 1 to 3 values.
    mutating func tuple(_ count: Int) {
        precondition((1...3).contains(count))
        bytes.append(0x84 + UInt8(count))
    }
    mutating func emptyDictionary() { op("}") }
    mutating func emptyList() { op("]") }
    /// The topmost key and value into the dictionary below them.
    mutating func setItem() { op("s") }
    /// All keys and values since the mark.
    mutating func setItems() { op("u") }
    mutating func append() { op("a") }
    mutating func appends() { op("e") }
    /// The topmost tuple as arguments of the callable below it.
    mutating func reduce() { op("R") }
    /// The topmost value as the state of the object below it.
    mutating func build() { op("b") }
    /// The object that the reader knows by the topmost value.
    mutating func persistent() { op("Q") }
    mutating func stop() { op(".") }

    private mutating func op(_ letter: Unicode.Scalar) { bytes.append(UInt8(ascii: letter)) }

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

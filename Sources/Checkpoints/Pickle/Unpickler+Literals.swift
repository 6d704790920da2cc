import Faults

extension Unpickler {
    /// Numbers, texts and bytes.
    ///
    /// - Returns: whether it was such an opcode.
    mutating func literal(_ opcode: PickleOpcode) throws(Fault) -> Bool {
        switch opcode {
        case .none: try push(.none)
        case .newTrue: try push(.boolean(true))
        case .newFalse: try push(.boolean(false))
        case .binaryInt1: try push(.integer(unsigned(1)))
        case .binaryInt2: try push(.integer(unsigned(2)))
        case .binaryInt: try push(.integer(Int(Int32(truncatingIfNeeded: unsigned(4)))))
        case .long1: try long(count: unsigned(1))
        case .long4: try long(count: unsigned(4))
        case .int: try int()
        case .long: try push(decimalValue(longSuffix: true))
        case .float: try float()
        case .binaryFloat:
            let span = try take(8)
            let bits = values.bytes(of: span).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try push(.real(Double(bitPattern: bits)))
        case .shortBinaryString, .shortBinaryBytes: try push(.bytes(take(unsigned(1))))
        case .binaryString, .binaryBytes: try push(.bytes(take(unsigned(4))))
        case .binaryBytes8, .byteArray8: try push(.bytes(take(unsigned(8))))
        case .shortBinaryUnicode: try push(.text(take(unsigned(1))))
        case .binaryUnicode: try push(.text(take(unsigned(4))))
        case .binaryUnicode8: try push(.text(take(unsigned(8))))
        case .string: try string()
        case .unicode: try unicode()
        default: return false
        }
        return true
    }

    // MARK: - Bytes of the file

    mutating func opcode() throws(Fault) -> PickleOpcode {
        guard position < end else { throw broken("it has no end") }
        let byte = source.bytes[position]
        guard let opcode = PickleOpcode(rawValue: byte) else {
            throw broken("opcode 0x\(String(byte, radix: 16)), which no protocol has")
        }
        position += 1
        return opcode
    }

    mutating func take(_ count: Int) throws(Fault) -> PickledSpan {
        guard count >= 0, count <= end - position else { throw tooLong(count) }
        defer { position += count }
        return PickledSpan(start: position, count: count)
    }

    /// A little-endian number of up to 8 bytes.
    mutating func unsigned(_ count: Int) throws(Fault) -> Int {
        let value = values.bytes(of: try take(count)).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let number = Int(exactly: value) else { throw broken("a length of \(value)") }
        return number
    }

    /// Up to the end of the line, without it.
    mutating func line() throws(Fault) -> PickledSpan {
        guard let length = source.bytes[position..<end].firstIndex(of: 10).map({ $0 - position }) else {
            throw broken("a line without an end")
        }
        defer { position += 1 }
        return try take(length)
    }

    // MARK: - Numbers

    /// The number of a memo in text.
    mutating func decimal() throws(Fault) -> Int {
        guard case .integer(let number) = try decimalValue(longSuffix: false) else {
            throw broken("a number too large")
        }
        return number
    }

    private mutating func decimalValue(longSuffix: Bool) throws(Fault) -> PickledValue {
        var span = try line()
        var digits = values.bytes(of: span)
        if longSuffix, digits.last == UInt8(ascii: "L") {
            digits = digits.dropLast()
            span.count -= 1
        }
        let unsigned = digits.first == UInt8(ascii: "-") ? digits.dropFirst() : digits
        guard !unsigned.isEmpty, unsigned.allSatisfy({ (48...57).contains($0) }) else {
            throw broken("text where a whole number belongs")
        }
        return Int(String(decoding: digits.prefix(32), as: UTF8.self)).flatMap {
            digits.count <= 32 ? .integer($0) : nil
        }
            ?? .wideInteger(span)
    }

    /// Protocol 0 writes booleans as the integers 00 and 01.
    private mutating func int() throws(Fault) {
        if source.starts(with: Array("00\n".utf8), at: position)
            || source.starts(with: Array("01\n".utf8), at: position)
        {
            let span = try line()
            try push(.boolean(values.bytes(of: span).last == UInt8(ascii: "1")))
        } else {
            try push(decimalValue(longSuffix: false))
        }
    }

    /// Two's complement, little endian.
    private mutating func long(count: Int) throws(Fault) {
        let span = try take(count)
        guard count <= 8 else { return try push(.wideInteger(span)) }
        let bytes = values.bytes(of: span)
        let negative = bytes.last.map { $0 >= 0x80 } ?? false
        try push(.integer(bytes.reversed().reduce(negative ? -1 : 0) { $0 << 8 | Int($1) }))
    }

    private mutating func float() throws(Fault) {
        let text = values.bytes(of: try line())
        guard text.count <= 64, let value = Double(String(decoding: text, as: UTF8.self)) else {
            throw broken("text where a number belongs")
        }
        try push(.real(value))
    }

    // MARK: - Texts of protocol 0

    /// A `str` of Python 2 as a literal in quotes.
    private mutating func string() throws(Fault) {
        let span = try line()
        let quoted = values.bytes(of: span)
        guard quoted.count >= 2, let quote = quoted.first, quote == quoted.last, quote == 0x27 || quote == 0x22 else {
            throw broken("a text without quotes")
        }
        let inner = quoted.dropFirst().dropLast()
        guard inner.contains(UInt8(ascii: "\\")) else {
            return try push(.bytes(PickledSpan(start: span.start + 1, count: span.count - 2)))
        }
        guard let bytes = PythonEscapes.bytes(inner) else { throw broken("an unknown escape in a text") }
        try push(.bytes(values.addUnescaped(bytes)))
    }

    /// Python's `raw-unicode-escape`: Latin-1, and `\uXXXX` for the rest.
    private mutating func unicode() throws(Fault) {
        let span = try line()
        let raw = values.bytes(of: span)
        guard raw.contains(where: { $0 == UInt8(ascii: "\\") || $0 >= 0x80 }) else { return try push(.text(span)) }
        guard let bytes = PythonEscapes.utf8(raw) else { throw broken("half an escape in a text") }
        try push(.text(values.addUnescaped(bytes)))
    }
}

/// What Python writes for bytes and characters that do not fit a line of text.
enum PythonEscapes {
    /// The bytes of a `str` literal of Python 2, or `nil` for an escape it does not write.
    static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.next() {
            case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "'"): bytes.append(UInt8(ascii: "'"))
            case UInt8(ascii: "\""): bytes.append(UInt8(ascii: "\""))
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "x"):
                guard let value = hexadecimal(&rest, 2) else { return nil }
                bytes.append(UInt8(value))
            default: return nil
            }
        }
        return bytes
    }

    /// The UTF-8 of a text in `raw-unicode-escape`, or `nil` when an escape is cut. Any other backslash is itself.
    static func utf8(_ text: some Collection<UInt8>) -> [UInt8]? {
        var units: [UInt16] = []
        var rest = text.makeIterator()
        var pending: UInt8?
        while let byte = pending ?? rest.next() {
            pending = nil
            guard byte == UInt8(ascii: "\\") else {
                units.append(UInt16(byte))
                continue
            }
            let next = rest.next()
            switch next {
            case UInt8(ascii: "u"):
                guard let value = hexadecimal(&rest, 4) else { return nil }
                units.append(UInt16(value))
            case UInt8(ascii: "U"):
                guard let value = hexadecimal(&rest, 8), let scalar = Unicode.Scalar(value) else { return nil }
                units += Array(String(scalar).utf16)
            default:
                units.append(UInt16(UInt8(ascii: "\\")))
                pending = next
            }
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private static func hexadecimal(_ rest: inout some IteratorProtocol<UInt8>, _ count: Int) -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = rest.next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}

import Faults

/// Reads the one shape of JSON that a safetensors header has, from bytes that may be hostile: no recursion, no guesses,
/// and duplicate keys are refused where a general reader would keep one of them.
struct HeaderJSON {
    struct Entry {
        var tensor: StoredTensor
        var begin: Int
        var end: Int
    }

    /// What stands among the tensors and is none.
    static let metadataName = "__metadata__"

    private let bytes: [UInt8]
    private let path: String
    private var position = 0

    init(_ bytes: [UInt8], path: String) {
        self.bytes = bytes
        self.path = path
    }

    mutating func header() throws(Fault) -> (entries: [Entry], metadata: [String: String]) {
        var entries: [Entry] = []
        var metadata: [String: String]?
        guard bytes.first == UInt8(ascii: "{") else { throw broken("a header starts with '{'") }
        try members { reader, name throws(Fault) in
            if name == Self.metadataName {
                guard metadata == nil else { throw reader.broken("a second \(Self.metadataName)") }
                metadata = try reader.strings()
            } else {
                entries.append(try reader.entry(name))
            }
        }
        skipSpace()
        guard position == bytes.count else { throw broken("bytes after the header's end") }
        return (entries, metadata ?? [:])
    }

    private mutating func entry(_ name: String) throws(Fault) -> Entry {
        var type: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try members { reader, key throws(Fault) in
            switch key {
            case "dtype" where type == nil:
                let text = try reader.string()
                guard let known = ElementType(rawValue: text) else {
                    throw Fault(
                        .data, reader.path,
                        "byte \(8 + reader.position): tensor '\(name)' has elements of type '\(text)'",
                        mend: "known are \(ElementType.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                type = known
            case "shape" where shape == nil: shape = try reader.integers()
            case "data_offsets" where offsets == nil: offsets = try reader.integers()
            default: throw reader.broken("key '\(key)' of tensor '\(name)'")
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw broken("tensor '\(name)' needs dtype, shape and two data_offsets")
        }
        return Entry(tensor: StoredTensor(name: name, type: type, shape: shape), begin: offsets[0], end: offsets[1])
    }

    private mutating func strings() throws(Fault) -> [String: String] {
        var pairs: [String: String] = [:]
        try members { reader, key throws(Fault) in
            guard pairs.updateValue(try reader.string(), forKey: key) == nil else {
                throw reader.broken("key '\(key)' twice")
            }
        }
        return pairs
    }

    /// An object; `member` reads each value, the colon being past.
    private mutating func members(
        _ member: (inout HeaderJSON, String) throws(Fault) -> Void
    ) throws(Fault) {
        try expect("{")
        if accept("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while accept(",")
        try expect("}")
    }

    private mutating func integers() throws(Fault) -> [Int] {
        var values: [Int] = []
        try expect("[")
        if accept("]") { return values }
        repeat { values.append(try integer()) } while accept(",")
        try expect("]")
        return values
    }

    /// Digits alone: sizes are never negative, and a fraction has no meaning.
    private mutating func integer() throws(Fault) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position], digit >= 48, digit <= 57 {
            let (ten, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = ten.addingReportingOverflow(Int(digit - 48))
            guard !overflow, !carry else { throw broken("a number beyond 64 bits") }
            value = sum
            position += 1
        }
        guard position > start, position == start + 1 || bytes[start] != 48 else { throw broken("a whole number") }
        return value
    }

    private mutating func string() throws(Fault) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw broken("text that is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw broken("a control character in a name")
            default: text.append(byte)
            }
        }
        throw broken("a name without an end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Fault) {
        guard position < bytes.count else { throw broken("a name without an end") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var units = [try hexadecimal()]
            if UTF16.isLeadSurrogate(units[0]) {
                guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw broken("half a character") }
                position += 2
                units.append(try hexadecimal())
            }
            guard let string = String(validating: units, as: UTF16.self) else { throw broken("half a character") }
            text.append(contentsOf: string.utf8)
        default: throw broken("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(Fault) -> UInt16 {
        guard bytes.count - position >= 4 else { throw broken("a name without an end") }
        var value: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw broken("four hex digits") }
            value = value << 4 | UInt16(digit)
        }
        position += 4
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Fault) {
        guard accept(character) else { throw broken("'\(character)'") }
    }

    private func broken(_ what: String) -> Fault {
        Fault(.data, path, "not a safetensors header at byte \(8 + position): \(what)")
    }
}

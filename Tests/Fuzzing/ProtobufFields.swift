/// A protobuf message taken apart into its fields, to be changed where a change of bytes would break its form.
struct ProtobufFields {
    /// Tag with wire type, and the bytes behind it (of wire type 2 without the length).
    private var fields: [(tag: UInt64, content: [UInt8])] = []

    /// Nil when the bytes are not whole fields.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = Self.variable(&rest) else { return nil }
            switch tag & 7 {
            case 0:
                let before = rest
                guard Self.variable(&rest) != nil else { return nil }
                fields.append((tag, Array(before[..<rest.startIndex])))
            case 1, 5:
                let size = tag & 7 == 1 ? 8 : 4
                guard rest.count >= size else { return nil }
                fields.append((tag, Array(rest.prefix(size))))
                rest = rest.dropFirst(size)
            case 2:
                guard let size = Self.variable(&rest), size <= UInt64(rest.count) else { return nil }
                fields.append((tag, Array(rest.prefix(Int(size)))))
                rest = rest.dropFirst(Int(size))
            default: return nil
            }
        }
    }

    var bytes: [UInt8] {
        fields.flatMap { field in
            Self.variable(field.tag) + (field.tag & 7 == 2 ? Self.variable(UInt64(field.content.count)) : [])
                + field.content
        }
    }

    /// Changes one field: its number, its value, its kind, its place, how often it is there; or one within it.
    mutating func change(_ others: [[UInt8]], _ generator: inout Generator) {
        guard !fields.isEmpty else { return }
        let at = generator.below(fields.count)
        switch generator.below(12) {
        case 0: fields.remove(at: at)
        case 1:
            let copies = 1 + generator.below(generator.below(50) == 0 ? 2000 : 4)
            fields.insert(contentsOf: repeatElement(fields[at], count: copies), at: at)
        case 2: fields.swapAt(at, generator.below(fields.count))
        case 3:
            // Another of the messages that a frame may carry, with the content of this one.
            fields[at].tag = UInt64(generator.below(130)) << 3 | fields[at].tag & 7
        case 4:
            let tag = fields[at].tag & ~7
            fields[at] = (tag, Self.variable(Mutator.number(&generator)))
        case 5: fields[at] = (fields[at].tag & ~7 | 1, (0..<8).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
        case 6:
            guard let other = ProtobufFields(generator.element(others)), !other.fields.isEmpty else { return }
            fields.insert(other.fields[generator.below(other.fields.count)], at: at)
        default:
            switch fields[at].tag & 7 {
            case 0: fields[at].content = Self.variable(Mutator.number(&generator))
            case 2:
                if generator.below(4) > 0, var inner = ProtobufFields(fields[at].content) {
                    inner.change(others, &generator)
                    fields[at].content = inner.bytes
                } else {
                    fields[at].content = Mutator.mutated(fields[at].content, others, &generator)
                }
            default:
                for i in fields[at].content.indices {
                    fields[at].content[i] = UInt8(truncatingIfNeeded: generator.next())
                }
            }
        }
    }

    private static func variable(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in 0..<10 {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(7 * shift)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    private static func variable(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

import CWire
import Faults

/// Numbers and lists from the network, checked before anybody counts with them.
enum Checking {
    /// Far above every count that means something, far below what overflows when a few are added or multiplied.
    static let largest: Int64 = 1 << 44

    static func fault(_ reason: String) -> Fault { Fault(.data, "message", reason) }

    static func number(_ value: Int64, _ name: String) throws(Fault) -> Int {
        guard (0...largest).contains(value) else { throw fault("\(name) \(value) is out of range") }
        return Int(value)
    }

    /// Map numbers carry the generation in their upper half; they are compared, never counted with.
    static func mapNumber(_ value: Int64) throws(Fault) -> Int {
        guard (0...(1 << 62) + (1 << 40)).contains(value) else { throw fault("map \(value) is out of range") }
        return Int(value)
    }

    /// Seconds as IEEE bits: finite, not negative, and few enough that sums stay so.
    static func seconds(_ bits: UInt64) throws(Fault) -> Double {
        let seconds = Double(bitPattern: bits)
        guard (0...1e12).contains(seconds) else { throw fault("\(seconds) s are out of range") }
        return seconds
    }

    static func position(_ value: UInt64) throws(Fault) -> UInt64 {
        guard value < 1 << 62 else { throw fault("position \(value) is out of range") }
        return value
    }

    static func numbers(
        _ values: UnsafeMutablePointer<Int64>?, _ count: Int, _ name: String
    ) throws(Fault) -> [Int] {
        var checked: [Int] = []
        checked.reserveCapacity(count)
        for value in UnsafeBufferPointer(start: values, count: values == nil ? 0 : count) {
            checked.append(try number(value, name))
        }
        return checked
    }

    static func words(_ values: UnsafeMutablePointer<UInt64>?, _ count: Int) -> [UInt64] {
        Array(UnsafeBufferPointer(start: values, count: values == nil ? 0 : count))
    }

    static func text(_ bytes: UnsafePointer<CChar>?) -> String { bytes.map { String(cString: $0) } ?? "" }

    /// A text for people's terminals and logs: what would move a cursor, end a line or turn the direction of writing is
    /// replaced, and of very long ones the beginning is kept.
    static func line(_ bytes: UnsafePointer<CChar>?) -> String {
        let text = text(bytes)
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(longestLine) {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format: line.append("\u{FFFD}")
            default: line.append(scalar)
            }
        }
        return String(line)
    }

    private static let longestLine = 4096

    static func lines(_ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
        UnsafeBufferPointer(start: values, count: values == nil ? 0 : count).map { line($0) }
    }

    static func texts(_ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
        UnsafeBufferPointer(start: values, count: values == nil ? 0 : count).map { text($0) }
    }

    /// Each element of a repeated message, converted.
    static func list<Message, Value>(
        _ values: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int,
        _ convert: (Message) throws(Fault) -> Value
    ) throws(Fault) -> [Value] {
        var converted: [Value] = []
        for value in UnsafeBufferPointer(start: values, count: values == nil ? 0 : count) {
            converted.append(try convert(try present(value, "an element")))
        }
        return converted
    }

    /// The message behind a pointer that should not be null.
    static func present<Message>(_ message: UnsafeMutablePointer<Message>?, _ name: String) throws(Fault) -> Message {
        guard let message else { throw fault("\(name) is missing") }
        return message.pointee
    }

    static func block(_ block: UnsafeMutablePointer<Zoetrope__Block>?) throws(Fault) -> UnitBlock {
        let block = try present(block, "the block")
        guard block.first >= 0, block.log2 <= 30,
            let checked = UnitBlock(checking: Int(block.first), log2: Int(block.log2))
        else { throw fault("block \(block.first) of 2^\(block.log2) is not one") }
        return checked
    }

    static func substitute(_ message: Zoetrope__Substitute) throws(Fault) -> Substitute {
        Substitute(
            position: try position(message.position), wanted: try number(message.wanted, "clip"),
            used: try number(message.used, "clip"), reason: line(message.reason))
    }

    /// The raw parts of a message, when they are as many as it needs and whole numbers of f32.
    static func payloads(_ payloads: [Payload], _ counts: ClosedRange<Int>) throws(Fault) -> [Payload] {
        guard counts.contains(payloads.count) else { throw fault("\(payloads.count) raw parts, \(counts) expected") }
        for payload in payloads where payload.count % 4 != 0 {
            throw fault("a raw part of \(payload.count) bytes is no tensor")
        }
        return payloads
    }
}

extension Arena {
    func block(_ block: UnitBlock) -> UnsafeMutablePointer<Zoetrope__Block> {
        make(zoetrope__block__init) {
            $0.pointee.first = Int64(block.first)
            $0.pointee.log2 = UInt32(block.log2)
        }
    }

    func substitutes(_ substitutes: [Substitute]) -> UnsafeMutablePointer<UnsafeMutablePointer<Zoetrope__Substitute>?> {
        array(
            substitutes.map { substitute in
                make(zoetrope__substitute__init) {
                    $0.pointee.position = substitute.position
                    $0.pointee.wanted = Int64(substitute.wanted)
                    $0.pointee.used = Int64(substitute.used)
                    $0.pointee.reason = string(substitute.reason)
                }
            })
    }
}

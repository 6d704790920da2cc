public import Faults

/// An http or https URL, spelled so that it may be requested.
public struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// With percent signs for what a URL may not hold.
    public let text: String

    public var description: String { text }

    /// - Parameter text: a URL; spaces and letters outside ASCII may be written plainly.
    /// - Throws: a usage `Fault` when it is no http or https URL with a host, or holds control characters.
    public init(_ text: String) throws(Fault) {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https", text.dropFirst(scheme.count).hasPrefix("://") else {
            throw Fault(.usage, text, "is no http or https address")
        }
        let rest = text.dropFirst(scheme.count + 3)
        let host = rest.prefix { !"/?#".contains($0) }
        guard !host.isEmpty, !host.contains("@"), host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Fault(.usage, text, "names no host")
        }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw Fault(.usage, "an address", "holds control characters")
        }
        self.text = scheme + "://" + host + Self.encoded(rest.dropFirst(host.count))
    }

    /// The last part of the path, decoded: what the file is called.
    public var lastName: String? {
        let path = text.prefix { $0 != "?" && $0 != "#" }
        return path.split(separator: "/", omittingEmptySubsequences: false).last.flatMap { Self.decoded($0) }
    }

    /// A percent sign that begins no escape is one that somebody wrote plainly.
    private static func encoded(_ text: Substring) -> String {
        let bytes = Array(text.utf8)
        let digits = Array("0123456789ABCDEF".utf8)
        let plain = Set("-._~!$&'()*+,;=:@/?".utf8)
        var out: [UInt8] = []
        for (i, byte) in bytes.enumerated() {
            let isEscape =
                byte == UInt8(ascii: "%") && i + 2 < bytes.count && hex(bytes[i + 1]) != nil
                && hex(bytes[i + 2]) != nil
            if isAlphanumeric(byte) || plain.contains(byte) || isEscape {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func decoded(_ text: Substring) -> String? {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count, let a = hex(bytes[i + 1]), let b = hex(bytes[i + 2])
            {
                out.append(a << 4 | b)
                i += 3
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}

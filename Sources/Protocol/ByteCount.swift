public import Faults

/// A number of bytes as people write it: `1048576`, `500 GB`, `1.5TB`, `64MiB`.
public struct ByteCount: Sendable, Equatable {
    public let bytes: Int

    private static let units: [(name: String, bytes: Double)] = [
        ("", 1), ("b", 1), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("tb", 1e12), ("kib", 0x1p10), ("mib", 0x1p20),
        ("gib", 0x1p30), ("tib", 0x1p40),
    ]

    /// - Parameter thing: The option or key, for the fault.
    /// - Throws: `Fault.usage` for anything else, less than nothing, or more than 2^50.
    public init(_ text: String, about thing: String) throws(Fault) {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let number = Double(digits), let scale = Self.units.first(where: { $0.name == unit })?.bytes,
            number * scale <= 0x1p50
        else {
            throw Fault(.usage, thing, "'\(text)' is no number of bytes", mend: "write bytes, or something like 500GB")
        }
        bytes = Int(number * scale)
    }
}

import Faults
import Storage

/// The bytes of a checkpoint file, or what gzip held, and the words for what is wrong at one of them.
struct CheckpointBytes: Sendable {
    let path: String
    let bytes: [UInt8]
    /// Whether these came out of a gzip file, so that offsets count in the expanded bytes.
    let isExpanded: Bool

    /// Above every checkpoint there is, below what a sparse file may claim.
    static let largestFile = 16 << 30

    init(path: String, bytes: [UInt8], isExpanded: Bool = false) {
        self.path = path
        self.bytes = bytes
        self.isExpanded = isExpanded
    }

    init(reading path: String) throws(Fault) {
        self.init(path: path, bytes: try readWhole(path, limit: Self.largestFile))
    }

    var count: Int { bytes.count }

    func fault(at offset: Int, _ reason: String, mend: String) -> Fault {
        Fault(.data, path, "byte \(offset)\(isExpanded ? " of the expanded content" : ""): \(reason)", mend: mend)
    }

    /// A little-endian number, or `nil` beyond the end.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as _: Value.Type) -> Value? {
        guard offset >= 0, bytes.count - offset >= MemoryLayout<Value>.size else { return nil }
        return bytes.withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
    }

    func starts(with prefix: [UInt8], at offset: Int = 0) -> Bool {
        offset >= 0 && bytes.count - offset >= prefix.count
            && bytes[offset..<offset + prefix.count].elementsEqual(prefix)
    }
}

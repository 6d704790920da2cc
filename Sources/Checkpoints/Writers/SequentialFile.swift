import Faults
import Storage

/// A file written from its beginning to its end, which appears whole or not at all.
final class SequentialFile {
    private let file: AtomicFile
    private var pending: [UInt8] = []
    private var written = 0

    /// What small pieces gather to before they go to the disk.
    private static let pendingLimit = 1 << 20

    init(_ path: String) throws(Fault) { file = try AtomicFile(path) }

    /// Bytes so far: the offset of the next one.
    var count: Int { written + pending.count }

    func append(_ bytes: [UInt8]) throws(Fault) {
        pending += bytes
        if pending.count >= Self.pendingLimit { try flush() }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        guard bytes.count >= Self.pendingLimit else { return try append(Array(bytes)) }
        try flush()
        try file.write(bytes, at: written)
        written += bytes.count
    }

    /// A little-endian number.
    func append(_ number: some FixedWidthInteger) throws(Fault) { try append(littleEndianBytes(number)) }

    /// Flushes the bytes and gives the file its name.
    func commit() throws(Fault) {
        try flush()
        try file.commit()
    }

    private func flush() throws(Fault) {
        guard !pending.isEmpty else { return }
        try file.write(pending, at: written)
        written += pending.count
        pending.removeAll(keepingCapacity: true)
    }
}

/// The bytes of a number, lowest first.
func littleEndianBytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
}

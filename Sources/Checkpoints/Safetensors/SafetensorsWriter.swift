public import Faults
import Storage

/// Writes a safetensors file whose tensors arrive in pieces, in any order; it appears whole or not at all.
public final class SafetensorsWriter {
    public let header: SafetensorsHeader
    private let file: AtomicFile
    private var missing: Int

    /// Lays out the file and reserves its size, so that a full disk is noticed at once.
    public init(_ path: String, tensors: [StoredTensor], metadata: [String: String] = [:]) throws(Fault) {
        header = try SafetensorsHeader(laying: tensors, metadata: metadata)
        missing = header.fileSize - header.byteCount
        file = try AtomicFile(path)
        try file.reserve(header.fileSize)
        try file.write(header.bytes, at: 0)
    }

    /// Writes a piece of a tensor, `offset` bytes after its start. Each byte is written once.
    public func write(_ name: String, at offset: Int = 0, _ bytes: UnsafeRawBufferPointer) throws(Fault) {
        guard let place = header[name], offset >= 0, bytes.count <= place.byteCount - offset else {
            throw Fault(.internal, file.path, "\(bytes.count) bytes at \(offset) do not belong to tensor '\(name)'")
        }
        try file.write(bytes, at: place.offset + offset)
        missing -= bytes.count
    }

    /// Writes a whole tensor of f32.
    public func write(_ name: String, _ values: [Float]) throws(Fault) {
        var failure: Fault?
        values.withUnsafeBytes { bytes in
            do throws(Fault) { try write(name, bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Flushes the file and gives it its name.
    public func finish() throws(Fault) {
        guard missing == 0 else { throw Fault(.internal, file.path, "\(missing) bytes of tensors were never written") }
        try file.commit()
    }
}

public import Faults
import Glibc
import Storage

/// A safetensors file open for reading. Only the head is in memory; tensors are read on demand.
///
/// The file may come from anyone: its sizes are checked against the file before anything of that size is allocated.
public final class SafetensorsFile {
    public let path: String
    public let header: SafetensorsHeader
    private let file: Descriptor

    /// - Throws: `Fault` when there is no such file or it is not safetensors.
    public init(_ path: String) throws(Fault) {
        self.path = path
        file = try Descriptor(path, O_RDONLY)
        let size = try file.size
        let length = try Self.bytes(of: file, at: 0, count: 8, path).reversed().reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        let count = Int(clamping: length)
        guard count <= size - 8, count <= SafetensorsHeader.jsonLimit else {
            throw Fault(.data, path, "is not safetensors: it claims a header of \(count) bytes in a file of \(size)")
        }
        let json = try Self.bytes(of: file, at: 8, count: count, path)
        header = try SafetensorsHeader(json: json, fileSize: size, path: path)
    }

    public var metadata: [String: String] { header.metadata }

    /// The tensors in the order of their bytes.
    public var tensors: [StoredTensor] { header.places.map(\.tensor) }

    /// Whether a tensor of that name is there.
    public func holds(_ name: String) -> Bool { header[name] != nil }

    /// The place of a tensor.
    ///
    /// - Throws: a data `Fault` that names the nearest tensor.
    public func place(_ name: String) throws(Fault) -> SafetensorsHeader.Place {
        guard let place = header[name] else {
            let near = nearestName(to: name, among: header.places.lazy.map(\.tensor.name))
            throw Fault(
                .data, path, "has no tensor '\(name)'", mend: near.map { "the nearest name in it is '\($0)'" } ?? "")
        }
        return place
    }

    /// Fills `out` with the tensor's bytes from `offset` on.
    public func read(
        _ name: String, from offset: Int = 0, into out: UnsafeMutableRawBufferPointer
    ) throws(Fault) {
        let place = try place(name)
        guard offset >= 0, out.count <= place.byteCount - offset else {
            throw Fault(
                .data, path, "tensor '\(name)' has \(place.byteCount) bytes, not \(out.count) from \(offset) on")
        }
        guard try file.read(into: out, at: place.offset + offset) == out.count else {
            throw Fault(.data, path, "ends in the middle of tensor '\(name)'")
        }
    }

    /// A whole tensor of f32, of the shape expected.
    public func floats(_ name: String, shape: [Int]? = nil) throws(Fault) -> [Float] {
        try elements(name, .f32, shape, Float.self)
    }

    /// A whole tensor of i64.
    public func integers(_ name: String) throws(Fault) -> [Int64] { try elements(name, .i64, nil, Int64.self) }

    private func elements<Element: BitwiseCopyable>(
        _ name: String, _ type: ElementType, _ shape: [Int]?, _: Element.Type
    ) throws(Fault) -> [Element] {
        let place = try place(name)
        guard place.tensor.type == type, shape == nil || shape == place.tensor.shape else {
            throw Fault(
                .data, path,
                "tensor '\(name)' is \(place.tensor.type.rawValue) \(place.tensor.shape), not "
                    + "\(type.rawValue)\(shape.map { " \($0)" } ?? "")",
                mend: "is it a checkpoint of another model?")
        }
        var failure: Fault?
        let count = place.byteCount / MemoryLayout<Element>.size
        let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialised in
            do throws(Fault) {
                try read(name, into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: place.byteCount))
                initialised = count
            } catch { failure = error }
        }
        if let failure { throw failure }
        return values
    }

    private static func bytes(of file: Descriptor, at offset: Int, count: Int, _ path: String) throws(Fault) -> [UInt8]
    {
        var failure: Fault?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            do throws(Fault) {
                initialised = try file.read(
                    into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count), at: offset)
            } catch { failure = error }
        }
        if let failure { throw failure }
        guard bytes.count == count else { throw Fault(.data, path, "ends in the middle of its header") }
        return bytes
    }
}

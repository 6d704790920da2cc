public import Faults

/// The head of a safetensors file: which tensors it holds, where, and the metadata.
///
/// The format: `u64 N`, N bytes of JSON, then the tensors' bytes without holes or overlaps (Hugging Face, safetensors
/// 0.x). Everything is little endian. Offsets here are from the start of the file.
public struct SafetensorsHeader: Sendable, Equatable {
    public struct Place: Sendable, Equatable {
        public var tensor: StoredTensor
        /// Of the tensor's first byte in the file.
        public var offset: Int
        public var byteCount: Int
    }

    /// In the order of their bytes.
    public let places: [Place]
    public let metadata: [String: String]
    /// Bytes before the first tensor.
    public let byteCount: Int
    /// Bytes of the whole file.
    public let fileSize: Int
    private let indices: [String: Int]

    /// The longest JSON that the reference implementation reads.
    static let jsonLimit = 100_000_000

    /// Where a tensor lies, or `nil` when there is none of that name.
    public subscript(name: String) -> Place? { indices[name].map { places[$0] } }

    /// Lays out a new file: wide elements first, then by name, as the reference writer does.
    ///
    /// - Throws: an internal `Fault` for two tensors of one name, or a size beyond `Int`.
    public init(laying tensors: [StoredTensor], metadata: [String: String]) throws(Fault) {
        let ordered = tensors.sorted { ($1.type.size, $0.name) < ($0.type.size, $1.name) }
        var relative: [Place] = []
        var offset = 0
        for tensor in ordered {
            guard let bytes = tensor.byteCount, !offset.addingReportingOverflow(bytes).overflow else {
                throw Fault(.internal, tensor.name, "has an impossible shape \(tensor.shape)")
            }
            relative.append(Place(tensor: tensor, offset: offset, byteCount: bytes))
            offset += bytes
        }
        let json = Self.json(relative, metadata)
        self = try Self(
            relative, metadata, headerSize: 8 + json.count, fileSize: 8 + json.count + offset, "safetensors")
    }

    /// Reads the head of a file of `fileSize` bytes. Nothing in it is believed: sizes are checked before they are used.
    ///
    /// - Parameter json: the N bytes after the length.
    /// - Throws: a data `Fault` about `path`.
    public init(json: [UInt8], fileSize: Int, path: String) throws(Fault) {
        var reader = HeaderJSON(json, path: path)
        let (entries, metadata) = try reader.header()
        let start = 8 + json.count
        let size = fileSize - start
        var places: [Place] = []
        for entry in entries {
            let length = entry.end.subtractingReportingOverflow(entry.begin)
            guard !length.overflow, entry.begin >= 0, entry.end <= size,
                entry.tensor.byteCount == length.partialValue
            else {
                throw Fault(
                    .data, path,
                    "tensor '\(entry.tensor.name)' of type \(entry.tensor.type.rawValue) and shape "
                        + "\(entry.tensor.shape) claims bytes \(entry.begin) to \(entry.end) of \(size)")
            }
            places.append(Place(tensor: entry.tensor, offset: entry.begin, byteCount: length.partialValue))
        }
        places.sort { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
        var end = 0
        for place in places {
            guard place.offset == end else {
                throw Fault(
                    .data, path, "tensor '\(place.tensor.name)' leaves a hole or overlaps another at byte \(end)")
            }
            end += place.byteCount
        }
        guard end == size else {
            throw Fault(.data, path, "holds \(size) bytes of tensors, but its header names \(end)")
        }
        self = try Self(places, metadata, headerSize: start, fileSize: fileSize, path)
    }

    private init(
        _ relative: [Place], _ metadata: [String: String], headerSize: Int, fileSize: Int, _ path: String
    ) throws(Fault) {
        var indices: [String: Int] = [:]
        for (index, place) in relative.enumerated() where indices.updateValue(index, forKey: place.tensor.name) != nil {
            throw Fault(.data, path, "holds two tensors called '\(place.tensor.name)'")
        }
        places = relative.map { Place(tensor: $0.tensor, offset: headerSize + $0.offset, byteCount: $0.byteCount) }
        self.indices = indices
        self.metadata = metadata
        byteCount = headerSize
        self.fileSize = fileSize
    }

    /// The bytes before the first tensor.
    public var bytes: [UInt8] {
        let json = Self.json(
            places.map { Place(tensor: $0.tensor, offset: $0.offset - byteCount, byteCount: $0.byteCount) }, metadata)
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
    }

    /// The JSON text, padded with spaces so that the tensors start at a multiple of 8.
    private static func json(_ relative: [Place], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }
                .map { "\(HeaderJSON.quoted($0.key)):\(HeaderJSON.quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        for place in relative {
            let shape = place.tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(HeaderJSON.quoted(place.tensor.name)):{\"dtype\":\"\(place.tensor.type.rawValue)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(place.offset),\(place.offset + place.byteCount)]}")
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return json
    }
}

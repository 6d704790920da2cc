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
            guard entry.tensor.shape.count <= PickledValues.maximumRank else {
                throw Fault(
                    .data, path,
                    "tensor '\(entry.tensor.name)' has \(entry.tensor.shape.count) dimensions, more than "
                        + "\(PickledValues.maximumRank)")
            }
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

    init(
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
}

public import Faults

extension SafetensorsHeader {
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
                .map { "\($0.key.quoted):\($0.value.quoted)" }
            members.append("\(HeaderJSON.metadataName.quoted):{\(pairs.joined(separator: ","))}")
        }
        for place in relative {
            let shape = place.tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(place.tensor.name.quoted):{\"dtype\":\"\(place.tensor.type.rawValue)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(place.offset),\(place.offset + place.byteCount)]}")
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return json
    }
}

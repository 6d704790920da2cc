import Faults

/// A whole safetensors file as a checkpoint.
enum SafetensorsReader {
    /// A header's length that fits the file, and the brace that its JSON starts with.
    static func recognises(_ source: CheckpointBytes, size: Int) -> Bool {
        guard let length = source.integer(at: 0, as: UInt64.self) else { return false }
        return length <= UInt64(size - 8) && source.starts(with: [UInt8(ascii: "{")], at: 8)
    }

    static func read(_ source: CheckpointBytes) throws(Fault) -> Checkpoint {
        let length = Int(clamping: source.integer(at: 0, as: UInt64.self) ?? 0)
        guard length <= source.count - 8, length <= SafetensorsHeader.jsonLimit else {
            throw source.damaged(0, "a header of \(length) bytes is claimed in a file of \(source.count)")
        }
        let header: SafetensorsHeader
        do throws(Fault) {
            header = try SafetensorsHeader(
                json: Array(source.bytes[8..<8 + length]), fileSize: source.count, path: source.path)
        } catch {
            throw error.mend.isEmpty ? source.damaged(8, error.reason) : error
        }
        let tensors = header.places.map {
            CheckpointTensor(
                name: $0.tensor.name, shape: $0.tensor.shape, elementType: $0.tensor.type,
                bytes: Array(source.bytes[$0.offset..<$0.offset + $0.byteCount]))
        }
        return Checkpoint(
            path: source.path, format: .safetensors, isCompressed: source.isExpanded, tensors: tensors,
            metadata: header.metadata)
    }
}

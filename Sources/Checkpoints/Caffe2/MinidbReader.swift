import Faults
import Wire

/// Caffe2's minidb: records of `int32 key length, int32 value length, key, value`, each value a `BlobProto`. What VMZ's
/// `train_net` writes.
///
/// A large tensor lies in several records, `NAME#%0`, `NAME#%1` ..., each with the elements that its segment says. Names
/// lose the scope before the last slash (`gpu_0/`).
enum MinidbReader {
    private static let separator = Array("#%".utf8)
    /// Longer than any name; told apart from other formats by it.
    private static let longestKey = 4096

    /// Whether the file begins with a record that fits it and whose key is text.
    static func recognises(_ source: CheckpointBytes, size: Int) -> Bool {
        guard let (key, value) = lengths(source, at: 0), key <= longestKey, value <= size - 8 - key,
            key <= source.count - 8
        else { return false }
        return source.bytes[8..<8 + key].allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    static func read(_ source: CheckpointBytes) throws(Fault) -> Checkpoint {
        var tensors: [ChunkedTensor] = []
        var indices: [String: Int] = [:]
        var position = 0
        while position < source.count {
            guard let (keyLength, valueLength) = lengths(source, at: position),
                keyLength <= source.count - position - 8,
                valueLength <= source.count - position - 8 - keyLength
            else { throw source.damaged(position, "a record of a minidb is cut or has impossible lengths") }
            let key = source.bytes[position + 8..<position + 8 + keyLength]
            let start = position + 8 + keyLength
            defer { position = start + valueLength }
            // The networks that train_net saves with the weights.
            if key.elementsEqual("!!META_NET_DEF".utf8) { continue }
            let blob = try blob(source, start..<start + valueLength)
            guard let tensor = blob.tensor, blob.type.isEmpty || blob.type == "Tensor" else { continue }
            guard let chunk = try Caffe2Elements(tensor, source, at: start) else { continue }
            let name = Self.name(key)
            let index = indices[name] ?? tensors.count
            indices[name] = index
            if index == tensors.count { tensors.append(ChunkedTensor(name: name, chunk, at: start)) }
            try tensors[index].add(chunk, source, at: start)
        }
        guard !tensors.isEmpty else {
            throw source.fault(at: 0, "a minidb without tensors", mend: "is it a checkpoint? VMZ writes them as .mdl")
        }
        var whole: [CheckpointTensor] = []
        for tensor in tensors { whole.append(try tensor.joined(source)) }
        return Checkpoint(path: source.path, format: .caffe2Minidb, isCompressed: source.isExpanded, tensors: whole)
    }

    private static func lengths(_ source: CheckpointBytes, at position: Int) -> (key: Int, value: Int)? {
        guard let key = source.integer(at: position, as: Int32.self), key > 0,
            let value = source.integer(at: position + 4, as: Int32.self), value > 0
        else { return nil }
        return (Int(key), Int(value))
    }

    private static func blob(_ source: CheckpointBytes, _ range: Range<Int>) throws(Fault) -> Caffe2Blob {
        let result: Result<Caffe2Blob, Fault> = source.bytes.withUnsafeBytes { raw in
            Result { () throws(Fault) in try Caffe2Blob(decoding: UnsafeRawBufferPointer(rebasing: raw[range])) }
        }
        return try result.mapError { source.damaged(range.lowerBound, "a record that \($0.reason)") }.get()
    }

    /// Without the scope, and without the number of the chunk.
    private static func name(_ key: ArraySlice<UInt8>) -> String {
        var key = key
        if let digits = key.lastIndex(where: { !(48...57).contains($0) }), digits < key.endIndex - 1,
            key[...digits].suffix(2).elementsEqual(separator)
        {
            key = key[...digits].dropLast(2)
        }
        if let slash = key.lastIndex(of: UInt8(ascii: "/")) { key = key[(slash + 1)...] }
        return String(decoding: key, as: UTF8.self)
    }
}

/// A tensor as its chunks come in, in any order.
private struct ChunkedTensor {
    private let name: String
    private let shape: [Int]
    private let type: ElementType
    private let offset: Int
    private var chunks: [Caffe2Elements] = []

    init(name: String, _ first: Caffe2Elements, at offset: Int) {
        self.name = name
        self.offset = offset
        shape = first.shape
        type = first.type
    }

    mutating func add(_ chunk: Caffe2Elements, _ source: CheckpointBytes, at offset: Int) throws(Fault) {
        guard chunk.type == type, chunk.shape == shape else {
            throw source.damaged(
                offset, "'\(name)' is \(chunk.type.rawValue) \(chunk.shape) here and \(type.rawValue) \(shape) before")
        }
        chunks.append(chunk)
    }

    func joined(_ source: CheckpointBytes) throws(Fault) -> CheckpointTensor {
        var bytes: [UInt8] = []
        var end = 0
        for chunk in chunks.sorted(by: { $0.segment.lowerBound < $1.segment.lowerBound }) {
            guard chunk.segment.lowerBound == end else {
                throw source.damaged(offset, "'\(name)' lacks elements from \(end) on, or has them twice")
            }
            end = chunk.segment.upperBound
            bytes += chunk.bytes
        }
        guard StoredTensor(name: name, type: type, shape: shape).byteCount == bytes.count else {
            throw source.damaged(offset, "'\(name)' of shape \(shape) has \(end) elements")
        }
        return CheckpointTensor(name: name, shape: shape, elementType: type, bytes: bytes)
    }
}

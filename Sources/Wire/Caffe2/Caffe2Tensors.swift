import CWire
public import Faults

/// Caffe2's `TensorProtos`: what one record of a database of examples holds.
public enum Caffe2Tensors {
    /// The bytes of the message, the same for the same tensors.
    public static func encode(_ tensors: [Caffe2Tensor]) -> [UInt8] {
        let arena = Arena()
        let message = arena.make(caffe2__tensors__init) {
            $0.pointee.n_protos = tensors.count
            $0.pointee.protos = arena.array(tensors.map { $0.message(arena) })
        }
        return withExtendedLifetime(arena) {
            [UInt8](unsafeUninitializedCapacity: caffe2__tensors__get_packed_size(message)) { buffer, count in
                count = caffe2__tensors__pack(message, buffer.baseAddress)
            }
        }
    }

    /// Unpacks a record. It may come from anyone: memory is bounded by its length.
    /// - Throws: a data `Fault` about "record" when it is no `TensorProtos`.
    public static func decode(_ record: UnsafeRawBufferPointer) throws(Fault) -> [Caffe2Tensor] {
        let memory = BoundedMemory(for: record.count, perByte: Caffe2Blob.memoryPerByte)
        let tensors: [Caffe2Tensor]? = memory.withAllocator { allocator in
            let bytes = record.bindMemory(to: UInt8.self)
            guard let message = caffe2__tensors__unpack(allocator, bytes.count, bytes.baseAddress) else { return nil }
            defer { caffe2__tensors__free_unpacked(message, allocator) }
            return (0..<message.pointee.n_protos).compactMap { i in
                message.pointee.protos[i].map { Caffe2Tensor($0.pointee) }
            }
        }
        guard let tensors else { throw Fault(.data, "record", "is no TensorProtos of Caffe2") }
        return tensors
    }
}

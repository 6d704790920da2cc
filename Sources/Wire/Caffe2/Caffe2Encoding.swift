import CWire

extension Caffe2Blob {
    /// The bytes of the record, the same for the same blob.
    public func encoded() -> [UInt8] {
        let arena = Arena()
        let message = arena.make(caffe2__blob__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.type = arena.string(type)
            if let tensor { $0.pointee.tensor = tensor.message(arena) }
            if !content.isEmpty { arena.set(&$0.pointee.has_content, &$0.pointee.content, content) }
        }
        return withExtendedLifetime(arena) {
            [UInt8](unsafeUninitializedCapacity: caffe2__blob__get_packed_size(message)) { buffer, count in
                count = caffe2__blob__pack(message, buffer.baseAddress)
            }
        }
    }
}

extension Caffe2Tensor {
    func message(_ arena: Arena) -> UnsafeMutablePointer<Caffe2__Tensor> {
        arena.make(caffe2__tensor__init) {
            $0.pointee.n_dims = dims.count
            $0.pointee.dims = arena.array(dims)
            $0.pointee.has_data_type = 1
            $0.pointee.data_type = dataType
            $0.pointee.n_float_data = floats.count
            $0.pointee.float_data = arena.array(floats)
            $0.pointee.n_int32_data = integers.count
            $0.pointee.int32_data = arena.array(integers)
            $0.pointee.n_int64_data = longs.count
            $0.pointee.int64_data = arena.array(longs)
            $0.pointee.n_double_data = doubles.count
            $0.pointee.double_data = arena.array(doubles)
            if !bytes.isEmpty { arena.set(&$0.pointee.has_byte_data, &$0.pointee.byte_data, bytes) }
            if !rawBytes.isEmpty { arena.set(&$0.pointee.has_raw_data, &$0.pointee.raw_data, rawBytes) }
            $0.pointee.n_string_data = strings.count
            $0.pointee.string_data = arena.array(
                strings.map { ProtobufCBinaryData(len: $0.count, data: arena.array($0)) })
            if let segment {
                $0.pointee.segment = arena.make(caffe2__segment__init) {
                    $0.pointee.has_begin = 1
                    $0.pointee.begin = segment.begin
                    $0.pointee.has_end = 1
                    $0.pointee.end = segment.end
                }
            }
            if let name { $0.pointee.name = arena.string(name) }
            if let device {
                $0.pointee.device_detail = arena.make(caffe2__device__init) {
                    $0.pointee.has_device_type = 1
                    $0.pointee.device_type = device
                }
            }
            if dataFormat != 0 {
                $0.pointee.has_data_format = 1
                $0.pointee.data_format = dataFormat
            }
        }
    }
}

extension Arena {
    fileprivate func set(
        _ present: inout protobuf_c_boolean, _ field: inout ProtobufCBinaryData, _ bytes: [UInt8]
    ) {
        present = 1
        field = ProtobufCBinaryData(len: bytes.count, data: array(bytes))
    }
}

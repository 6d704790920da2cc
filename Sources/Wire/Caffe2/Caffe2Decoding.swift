import CWire
public import Faults

extension Caffe2Blob {
    /// How much memory unpacking may take per byte of the record. The most that means something takes 17: an f32 that is
    /// not packed has 5 bytes and becomes one of 4, beside up to 80 that protobuf-c holds while it reads a field.
    static let memoryPerByte = 24

    /// Unpacks a record. It may come from anyone: memory is bounded by its length.
    ///
    /// - Throws: a data `Fault` about "record" when it is no `BlobProto`.
    public init(decoding record: UnsafeRawBufferPointer) throws(Fault) {
        let memory = BoundedMemory(for: record.count, perByte: Self.memoryPerByte)
        let blob: Caffe2Blob? = memory.withAllocator { allocator in
            let bytes = record.bindMemory(to: UInt8.self)
            guard let blob = caffe2__blob__unpack(allocator, bytes.count, bytes.baseAddress) else { return nil }
            defer { caffe2__blob__free_unpacked(blob, allocator) }
            return Caffe2Blob(blob.pointee)
        }
        guard let blob else { throw Fault(.data, "record", "is no BlobProto of Caffe2") }
        self = blob
    }

    private init(_ message: Caffe2__Blob) {
        self.init(
            name: Checking.text(message.name), type: Checking.text(message.type),
            tensor: message.tensor.map { Caffe2Tensor($0.pointee) },
            content: Array(message.content))
    }
}

extension Caffe2Tensor {
    init(_ message: Caffe2__Tensor) {
        self.init(
            dims: Array(message.dims, message.n_dims),
            // Caffe2's default is FLOAT.
            dataType: message.has_data_type == 0 ? DataType.float.rawValue : message.data_type,
            floats: Array(message.float_data, message.n_float_data),
            integers: Array(message.int32_data, message.n_int32_data),
            longs: Array(message.int64_data, message.n_int64_data),
            doubles: Array(message.double_data, message.n_double_data),
            bytes: Array(message.byte_data), rawBytes: Array(message.raw_data),
            strings: Array(message.string_data, message.n_string_data).map { [UInt8]($0) },
            segment: message.segment.map { ($0.pointee.begin, $0.pointee.end) }, dataFormat: message.data_format,
            name: message.name.map { Checking.text($0) },
            device: message.device_detail.flatMap {
                $0.pointee.has_device_type == 0 ? nil : $0.pointee.device_type
            })
    }
}

extension Array {
    fileprivate init(_ start: UnsafeMutablePointer<Element>?, _ count: Int) {
        self.init(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
    }
}

extension [UInt8] {
    fileprivate init(_ data: ProtobufCBinaryData) { self.init(data.data, data.len) }
}

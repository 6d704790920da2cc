import Faults
import Wire

/// Writes a predictor's file as Caffe2's `save_to_db` writes it into a minidb, which is how VMZ's `train_net` saves
/// (`.mdl`): records of key and `BlobProto`, first `!!META_NET_DEF`, then the parameters in chunks of a million elements.
///
/// The graph of the network is not in it: its `PREDICT_NET` has no operators. `load_from_db` and the net
/// `GLOBAL_INIT_NET_TYPE` bring the parameters back under their names, which is what VMZ's tools ask of it.
struct Caffe2MinidbWriter {
    private let path: String
    private let scope: String
    private let file: SequentialFile
    /// Caffe2's `caffe2_tensor_chunk_size`.
    private static let chunk = 1_000_000

    init(_ path: String, scope: String) throws(Fault) {
        self.path = path
        self.scope = scope
        file = try SequentialFile(path)
    }

    func write(_ tensors: [CheckpointTensor]) throws(Fault) {
        for tensor in tensors where tensor.name.contains("/") || tensor.name.contains("#%") {
            throw Fault(
                .usage, path,
                "tensor '\(tensor.name)' cannot be named in a minidb, whose readers cut names at '/' and '#%'",
                mend: "write safetensors or a torch file")
        }
        let content = metaNet(tensors.map(scoped)).encoded()
        try record("!!META_NET_DEF", Caffe2Blob(name: "!!META_NET_DEF", type: "std::string", content: content))
        for tensor in tensors { try write(tensor) }
        try file.commit()
    }

    private func scoped(_ tensor: CheckpointTensor) -> String {
        scope.isEmpty ? tensor.name : "\(scope)/\(tensor.name)"
    }

    /// A tensor without elements has one chunk too.
    private func write(_ tensor: CheckpointTensor) throws(Fault) {
        let name = scoped(tensor)
        let count = tensor.bytes.count / tensor.elementType.size
        for first in stride(from: 0, to: max(count, 1), by: Self.chunk) {
            let elements = first..<min(first + Self.chunk, count)
            guard var proto = tensor.caffe2(elements) else {
                throw Fault(
                    .usage, path,
                    "Caffe2 has no \(tensor.elementType.rawValue), which tensor '\(tensor.name)' is of",
                    mend: "write safetensors or a torch file")
            }
            proto.name = name
            proto.device = 0
            try record("\(name)#%\(first / Self.chunk)", Caffe2Blob(name: name, type: "Tensor", tensor: proto))
        }
    }

    private func record(_ key: String, _ blob: Caffe2Blob) throws(Fault) {
        let key = Array(key.utf8)
        let value = blob.encoded()
        guard let keyCount = Int32(exactly: key.count), let valueCount = Int32(exactly: value.count) else {
            throw Fault(.usage, path, "a record of \(value.count) bytes does not fit a minidb")
        }
        try file.append(keyCount)
        try file.append(valueCount)
        try file.append(key)
        try file.append(value)
    }

    private func metaNet(_ names: [String]) -> Caffe2MetaNet {
        let prefix = scope.isEmpty ? "" : scope + "/"
        let reader = "!!PREDICTOR_DBREADER"
        return Caffe2MetaNet(
            blobs: [
                ("PARAMETERS_BLOB_TYPE", names), ("INPUTS_BLOB_TYPE", [prefix + "data"]),
                ("OUTPUTS_BLOB_TYPE", [prefix + "softmax"]),
            ],
            nets: [
                ("PREDICT_INIT_NET_TYPE", Caffe2Net(name: "predict-init")),
                (
                    "GLOBAL_INIT_NET_TYPE",
                    Caffe2Net(
                        name: "global-init", operators: [.init("Load", inputs: [reader], outputs: names)],
                        inputs: [reader, reader], outputs: names)
                ),
                (
                    "PREDICT_NET_TYPE",
                    Caffe2Net(name: "predict", inputs: [prefix + "data"] + names, outputs: [prefix + "softmax"])
                ),
            ])
    }
}

extension CheckpointTensor {
    /// Some elements as Caffe2's serializer puts them: narrow integers, booleans and the bits of f16 among the integers.
    fileprivate func caffe2(_ elements: Range<Int>) -> Caffe2Tensor? {
        var proto = Caffe2Tensor(
            dims: shape.map(Int64.init), dataType: 0, segment: (Int64(elements.lowerBound), Int64(elements.upperBound)))
        let type: Caffe2Tensor.DataType
        switch elementType {
        case .f32:
            type = .float
            proto.floats = values(elements) { (bits: UInt32) in Float(bitPattern: bits) }
        case .f64:
            type = .double
            proto.doubles = values(elements) { (bits: UInt64) in Double(bitPattern: bits) }
        case .i64:
            type = .int64
            proto.longs = values(elements) { $0 }
        case .i32:
            type = .int32
            proto.integers = values(elements) { $0 }
        case .f16:
            type = .float16
            proto.integers = values(elements) { (bits: UInt16) in Int32(bits) }
        case .u16:
            type = .uint16
            proto.integers = values(elements) { (value: UInt16) in Int32(value) }
        case .i16:
            type = .int16
            proto.integers = values(elements) { (value: Int16) in Int32(value) }
        case .u8:
            type = .uint8
            proto.integers = values(elements) { (value: UInt8) in Int32(value) }
        case .i8:
            type = .int8
            proto.integers = values(elements) { (value: Int8) in Int32(value) }
        case .bool:
            type = .bool
            proto.integers = values(elements) { (value: UInt8) in value == 0 ? 0 : 1 }
        case .bf16, .u32, .u64, .f8e5m2, .f8e4m3: return nil
        }
        proto.dataType = type.rawValue
        return proto
    }

    private func values<Stored: FixedWidthInteger & BitwiseCopyable, Value>(
        _ elements: Range<Int>, _ value: (Stored) -> Value
    ) -> [Value] {
        bytes.withUnsafeBytes { raw in
            elements.map { index in
                value(
                    Stored(
                        littleEndian: raw.loadUnaligned(
                            fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)))
            }
        }
    }
}

public import Faults

extension Checkpoint {
    /// What a written file has beside the tensors.
    public struct WritingOptions: Sendable {
        /// Of a torch file: the tensors stand in a dictionary under this key (`model_state` is where PySlowFast and
        /// pytorchvideo's hub look); without it they are the file's only content, a `state_dict`.
        public var key: String?
        /// Of a Caffe2 minidb: the scope of all names.
        public var scope = "gpu_0"

        public init(key: String? = nil) { self.key = key }
    }

    /// Writes the tensors to `path` as `format`, whole or not at all; the same tensors and options give the same bytes.
    ///
    /// Tensors stand in the file in the checkpoint's order (in safetensors by element size, then name, as its reference
    /// writer does) and with their names, shapes and bits as they are. Metadata goes into safetensors alone: the other
    /// formats have no place for it that their readers would not trip over.
    ///
    /// - Throws: a usage `Fault` for what the format cannot hold, a data `Fault` for two tensors of one name or bytes that do
    ///   not fit a shape, and the disk's.
    public func write(to path: String, as format: Format, options: WritingOptions = .init()) throws(Fault) {
        try checkTensors(for: path)
        guard options.key == nil || format == .torchZip || format == .torchLegacy else {
            throw Fault(
                .usage, path, "\(format.rawValue) has no dictionary that could have the key '\(options.key ?? "")'",
                mend: "leave the key out, or write a torch file")
        }
        switch format {
        case .safetensors: try writeSafetensors(to: path)
        case .caffe2Pickle:
            var writer = try Caffe2PickleWriter(path)
            try writer.write(tensors)
        case .caffe2Minidb: try Caffe2MinidbWriter(path, scope: options.scope).write(tensors)
        case .torchZip: try TorchZipWriter(path).write(tensors, key: options.key)
        case .torchLegacy: try TorchLegacyWriter(path).write(tensors, key: options.key)
        }
    }

    /// Writes the tensors to `path` as VMZ's `extract_features` writes its arrays: a pickle of `{name: numpy.ndarray}`.
    /// - Throws: as `write`.
    public func writeArrays(to path: String) throws(Fault) {
        try checkTensors(for: path)
        var writer = try Caffe2PickleWriter(path)
        try writer.write(tensors, key: nil)
    }

    private func checkTensors(for path: String) throws(Fault) {
        var names: Set<String> = []
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw Fault(.data, path, "would hold two tensors called '\(tensor.name)'")
            }
            let stored = StoredTensor(name: tensor.name, type: tensor.elementType, shape: tensor.shape)
            guard stored.byteCount == tensor.bytes.count else {
                throw Fault(
                    .data, path,
                    "tensor '\(tensor.name)' has \(tensor.bytes.count) bytes, which \(tensor.elementType.rawValue) "
                        + "\(tensor.shape) does not take")
            }
        }
    }

    private func writeSafetensors(to path: String) throws(Fault) {
        guard !tensors.contains(where: { $0.name == HeaderJSON.metadataName }) else {
            throw Fault(
                .usage, path,
                "tensor '\(HeaderJSON.metadataName)' cannot be called so in safetensors, whose metadata has that name",
                mend: "write a torch file or a Caffe2 pickle")
        }
        let writer = try SafetensorsWriter(
            path, tensors: tensors.map { StoredTensor(name: $0.name, type: $0.elementType, shape: $0.shape) },
            metadata: metadata)
        for tensor in tensors {
            try withBytes(tensor.bytes) { (bytes) throws(Fault) in try writer.write(tensor.name, bytes) }
        }
        try writer.finish()
    }
}

/// `withUnsafeBytes` that keeps the type of what is thrown.
func withBytes(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(Fault) -> Void) throws(Fault) {
    var failure: Fault?
    bytes.withUnsafeBytes { raw in
        do throws(Fault) { try body(raw) } catch { failure = error }
    }
    if let failure { throw failure }
}

import Faults

/// Writes what `torch.save` wrote from PyTorch 0.2 to 1.5, and still does when it is asked not to write a zip: five pickles,
/// then the storages. Every version of torch reads it.
struct TorchLegacyWriter {
    private let path: String
    private let file: SequentialFile

    init(_ path: String) throws(Fault) {
        self.path = path
        file = try SequentialFile(path)
    }

    func write(_ tensors: [CheckpointTensor], key: String?) throws(Fault) {
        // 0x1950A86A20F9469CFC6C: what says that it is torch's.
        try pickle { $0.long([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) }
        try pickle { $0.integer(Self.version) }
        try pickle { Self.system(&$0) }
        try file.append(try TorchPickle.bytes(of: tensors, key: key, .legacy, path: path))
        try pickle { pickle in
            pickle.emptyList()
            pickle.putAway()
            for index in tensors.indices {
                pickle.beginMember(index, of: tensors.count)
                pickle.text(String(index))
                pickle.putAway()
                pickle.endMember(index, of: tensors.count, .list)
            }
        }
        for tensor in tensors {
            try file.append(Int64(tensor.bytes.count / tensor.elementType.size))
            try withBytes(tensor.bytes) { (bytes) throws(Fault) in try file.append(bytes) }
        }
        try file.commit()
    }

    private static let version = 1001

    /// What torch says of the machine that wrote: `{protocol_version, little_endian, type_sizes: {short, int, long}}`.
    private static func system(_ pickle: inout PickleEmitter) {
        func members(_ pickle: inout PickleEmitter, _ members: [(String, (inout PickleEmitter) -> Void)]) {
            pickle.emptyDictionary()
            pickle.putAway()
            pickle.mark()
            for (name, value) in members {
                pickle.text(name)
                pickle.putAway()
                value(&pickle)
            }
            pickle.setItems()
        }
        members(
            &pickle,
            [
                ("protocol_version", { $0.integer(version) }), ("little_endian", { $0.yes() }),
                (
                    "type_sizes",
                    {
                        members(
                            &$0,
                            [("short", { $0.integer(2) }), ("int", { $0.integer(4) }), ("long", { $0.integer(4) })])
                    }
                ),
            ])
    }

    private func pickle(_ emit: (inout PickleEmitter) -> Void) throws(Fault) {
        var pickle = PickleEmitter(firstNumber: 0)
        emit(&pickle)
        pickle.stop()
        try file.append(pickle.drain())
    }
}

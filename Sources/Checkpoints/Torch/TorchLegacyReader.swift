import Faults

/// `torch.save` from 0.2 to 1.5: five pickles (a magic number, a version, the machine's byte order and sizes, the object,
/// the storages' keys), then each storage in the order of the keys, behind its count of elements.
enum TorchLegacyReader {
    /// 0x1950a86a20f9469cfc6c, as little-endian bytes and in decimal.
    private static let magicBytes: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let magicDigits = Array("119547037146038801333356".utf8)

    /// Whether the first pickle of a file is the number that torch puts there.
    static func recognises(_ first: Unpickler.Result) -> Bool {
        guard case .wideInteger(let span) = first.values[first.root] else { return false }
        let bytes = first.values.bytes(of: span)
        return bytes.elementsEqual(magicBytes) || bytes.elementsEqual(magicDigits)
    }

    static func read(_ source: CheckpointBytes, behind first: Unpickler.Result) throws(Fault) -> Checkpoint {
        let version = try Unpickler.read(source, first.end..<source.count)
        guard version.values.integer(version.root) == 1001 else {
            throw source.damaged(first.end, "torch's protocol should be 1001 here")
        }
        let machine = try Unpickler.read(source, version.end..<source.count)
        guard isLittleEndian(machine) else {
            throw source.fault(
                at: version.end, "was written on a big-endian machine, or says nothing of it",
                mend: "save it again on another machine, or as safetensors")
        }
        let object = try Unpickler.read(source, machine.end..<source.count)
        let keys = try Unpickler.read(source, object.end..<source.count)
        let storages = try storages(source, object, keys)
        let (tensors, metadata) = try TensorWalk.read(object, storages: storages)
        return Checkpoint(
            path: source.path, format: .torchLegacy, isCompressed: source.isExpanded, tensors: tensors,
            metadata: metadata)
    }

    private static func isLittleEndian(_ machine: Unpickler.Result) -> Bool {
        guard case .dictionary(let items) = machine.values[machine.root] else { return false }
        for index in stride(from: 0, to: items.count, by: 2)
        where machine.values.text(items[index]) == "little_endian" {
            return machine.values.integer(items[index + 1]) == 1
        }
        return false
    }

    /// The storages behind the keys. Their counts are in elements, whose size only the object tells.
    private static func storages(
        _ source: CheckpointBytes, _ object: Unpickler.Result, _ keys: Unpickler.Result
    ) throws(Fault) -> [String: TorchStorage] {
        var places: [String: TorchStoragePlace] = [:]
        for reference in object.values.persistents {
            guard isStorage(reference, object.values) else { continue }
            let place = try TorchStoragePlace(reference, object.values)
            guard places.updateValue(place, forKey: place.key).map({ $0.elementType == place.elementType }) ?? true
            else {
                throw object.values.broken(reference, "storage '\(place.key)' with elements of two types")
            }
        }
        guard let order = keys.values.elements(keys.root) else {
            throw source.damaged(object.end, "the list of torch's storages is missing")
        }
        var storages: [String: TorchStorage] = [:]
        var position = keys.end
        for item in order {
            guard let key = keys.values.text(item), let place = places[key], storages[key] == nil else {
                throw keys.values.broken(item, "a storage that no tensor names, or one twice")
            }
            guard let count = source.integer(at: position, as: Int64.self), count == place.count else {
                throw source.damaged(position, "storage '\(key)' should have \(place.count) elements here")
            }
            let (size, overflow) = place.count.multipliedReportingOverflow(by: place.elementType.size)
            guard !overflow, size <= source.count - position - 8 else {
                throw source.damaged(
                    position,
                    "storage '\(key)' of \(place.count) elements reaches beyond the file's \(source.count) bytes")
            }
            storages[key] = TorchStorage(range: position + 8..<position + 8 + size, isBigEndian: false)
            position += 8 + size
        }
        return storages
    }

    /// Beside storages, old files name the source code of modules so.
    private static func isStorage(_ reference: PickledReference, _ values: PickledValues) -> Bool {
        guard case .persistent(let id) = values[reference], let first = values.elements(id)?.first else { return true }
        return values.text(first) != "module"
    }
}

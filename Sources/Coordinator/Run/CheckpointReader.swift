import Checkpoints
import Faults
import Storage
import Training
import Wire

/// A whole checkpoint, read chunk by chunk.
final class CheckpointReader {
    let manifest: CheckpointManifest
    private let path: String
    private let layout: CheckpointLayout
    private let files: [CheckpointLayout.File: SafetensorsFile]

    /// - Throws: `Fault` when it is not whole, or is of another model.
    init(_ path: String, version: Int, _ layout: CheckpointLayout) throws(Fault) {
        self.path = path
        self.layout = layout
        manifest = try CheckpointManifest(reading: path + "/manifest.json")
        guard manifest.version == version else {
            throw Fault(.data, path, "holds the state of step \(manifest.version)")
        }
        guard manifest.plan == String(layout.plan.digest, radix: 16),
            manifest.chunks.count == layout.plan.chunks.count
        else {
            throw Fault(
                .usage, path, "is a checkpoint of another model",
                mend: "use the recipe that the run was begun with, or another run directory")
        }
        var files: [CheckpointLayout.File: SafetensorsFile] = [:]
        for file in layout.files { files[file] = try SafetensorsFile(path + "/" + file.rawValue) }
        self.files = files
        guard let heads = manifest.heads else { return }
        guard heads.count == layout.files.count else {
            throw Fault(
                .data, path + "/manifest.json", "tells of \(heads.count) files and not of \(layout.files.count)")
        }
        for (file, pair) in zip(layout.files, zip(heads, try Self.heads(path, layout.files))) where pair.0 != pair.1 {
            throw Fault(.data, path + "/" + file.rawValue, "does not have the head that it was written with")
        }
    }

    /// Digests of what stands before the tensors in each file: the chunks' digests cover the rest.
    static func heads(_ path: String, _ files: [CheckpointLayout.File]) throws(Fault) -> [String] {
        var digests: [String] = []
        for name in files {
            let file = path + "/" + name.rawValue
            let count = try SafetensorsFile(file).header.byteCount
            digests.append("\(Digest(of: try readBeginning(file, count: count)))")
        }
        return digests
    }

    /// The ledger's copy in a checkpoint: one record for each step before it.
    static func ledger(_ path: String, version: Int) throws(Fault) -> [LedgerRecord] {
        let directory = path + "/ledger"
        let (records, reading) = try StepLedger.read(directory: directory)
        guard records.count == version, reading.ignoredBytes == 0 else {
            throw Fault(.data, directory, "holds \(records.count) whole records, and \(version) were written")
        }
        return records
    }

    /// - Throws: `Fault.data` when the bytes are not those that were written.
    func state(of number: Int, _ pool: PayloadPool) throws(Fault) -> ChunkState {
        guard layout.plan.chunks.indices.contains(number) else {
            throw Fault(.internal, path, "has no chunk \(number)")
        }
        let chunk = layout.plan.chunks[number]
        let slots = (0..<chunk.slots).map { _ in pool.payload(count: chunk.slotBytes) }
        for piece in layout.pieces(of: chunk) {
            guard let file = files[piece.file] else { continue }
            try file.read(
                piece.tensor, from: piece.offset,
                into: UnsafeMutableRawBufferPointer(rebasing: slots[piece.slot].bytes[piece.range]))
        }
        let digest = combinedDigest(slots.map { $0.checksum() })
        guard String(digest, radix: 16) == manifest.chunks[number] else {
            throw Fault(.data, path, "chunk \(number) is damaged", mend: "remove this checkpoint: an older one serves")
        }
        return ChunkState(chunk: number, version: manifest.version, slots: slots, digest: digest)
    }
}

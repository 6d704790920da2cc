import Checkpoints
import Faults
import Storage
import Training
import Wire

/// A checkpoint under way: chunks go to their places as they come.
final class CheckpointWriter {
    let version: Int
    private let layout: CheckpointLayout
    private let directory: StagedDirectory
    private let files: [CheckpointLayout.File: SafetensorsWriter]
    private var digests: [UInt64?]

    init(_ path: String, version: Int, _ layout: CheckpointLayout, generation: UInt64) throws(Fault) {
        self.version = version
        self.layout = layout
        directory = try StagedDirectory(path, writer: "g\(generation)")
        var metadata = layout.metadata
        metadata["step"] = String(version)
        var files: [CheckpointLayout.File: SafetensorsWriter] = [:]
        for file in layout.files {
            files[file] = try SafetensorsWriter(
                directory.staging + "/" + file.rawValue, tensors: layout.tensors(of: file), metadata: metadata)
        }
        self.files = files
        digests = Array(repeating: nil, count: layout.plan.chunks.count)
    }

    func write(_ chunk: ChunkState) throws(Fault) {
        guard layout.plan.chunks.indices.contains(chunk.chunk) else { throw unfit(chunk, "is not one of the plan") }
        let place = layout.plan.chunks[chunk.chunk]
        guard chunk.slots.count == place.slots, chunk.slots.allSatisfy({ $0.count == place.slotBytes }) else {
            throw unfit(chunk, "has slots of another size")
        }
        guard combinedDigest(chunk.slots.map { $0.checksum() }) == chunk.digest else {
            throw unfit(chunk, "does not have its digest")
        }
        // The same chunk may come twice; its bytes are the same.
        guard digests[chunk.chunk] == nil else { return }
        for piece in layout.pieces(of: place) {
            let bytes = UnsafeRawBufferPointer(rebasing: chunk.slots[piece.slot].bytes[piece.range])
            try files[piece.file]?.write(piece.tensor, at: piece.offset, bytes)
        }
        digests[chunk.chunk] = chunk.digest
    }

    /// - Parameter mayCommit: Asked at the last moment before the checkpoint gets its name.
    func finish(
        run: UInt64, generation: UInt64, ledger: [LedgerRecord], mayCommit: () throws(Fault) -> Void
    ) throws(Fault) {
        let written = digests.compactMap { $0 }
        guard written.count == digests.count else {
            throw Fault(.internal, directory.path, "\(digests.count - written.count) chunks were never written")
        }
        for file in layout.files { try files[file]?.finish() }
        let path = directory.staging + "/ledger"
        let records = ledger.prefix(version).map(\.encoded)
        try withFaults(path) { try AppendOnlyLog(directory: path).append(records) }
        try CheckpointManifest(
            version: version, run: run, generation: generation, plan: layout.plan.digest, chunks: written,
            heads: try CheckpointReader.heads(directory.staging, layout.files)
        ).write(to: directory.staging + "/manifest.json")
        try mayCommit()
        try directory.commit()
    }

    private func unfit(_ chunk: ChunkState, _ reason: String) -> Fault {
        Fault(.internal, directory.path, "chunk \(chunk.chunk) \(reason)")
    }
}

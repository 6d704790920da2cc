internal import Training
internal import Wire

/// The state of some chunks at the version of a checkpoint, on its way to the coordinator while training goes on.
///
/// It costs no copy: slots are never changed once made, so the snapshot holds references.
struct Snapshot: Sendable {
    let version: Int
    var waiting: [(chunk: Int, state: Shard.Held)]
}

extension Shard {
    /// Chunks on their way to the coordinator at a time.
    private static let window = 4

    /// Takes the snapshot and sends the first chunks.
    mutating func beginSnapshot(version: Int, chunks: [Int]) -> [Effect] {
        var waiting: [(chunk: Int, state: Held)] = []
        for chunk in chunks {
            guard let state = held[chunk], state.version == version else {
                return [.note("chunk \(chunk) is not at version \(version): no snapshot of it")]
            }
            waiting.append((chunk, state))
        }
        snapshot = Snapshot(version: version, waiting: waiting)
        return (0..<Self.window).flatMap { _ in sendSnapshotChunk() }
    }

    /// The coordinator has stored a chunk: the next one.
    mutating func snapshotChunkStored(version: Int) -> [Effect] {
        snapshot?.version == version ? sendSnapshotChunk() : []
    }

    private mutating func sendSnapshotChunk() -> [Effect] {
        guard var current = snapshot, let (chunk, state) = current.waiting.first else {
            snapshot = nil
            return []
        }
        current.waiting.removeFirst()
        snapshot = current
        var sent = packed(state, chunk: chunk)
        if bugs.contains(.snapshotTakenLate), let late = held[chunk] {
            sent = packed(late, chunk: chunk)
            sent.version = current.version
        }
        return [.control(.checkpointChunk(sent))]
    }
}

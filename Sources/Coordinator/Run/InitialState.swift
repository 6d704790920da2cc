public import Training
import Wire

/// The state of a model before the first step, where it does not come from the seed alone: from a file.
public struct InitialState {
    private let fill: (Chunk, UnsafeMutableBufferPointer<Float>) -> Void

    /// - Parameter fill: Writes all elements of a chunk's weights, or of its running statistics.
    public init(fill: @escaping (Chunk, UnsafeMutableBufferPointer<Float>) -> Void) { self.fill = fill }

    /// The weights, and zeros in the optimizer's other slots.
    func state(of chunk: Chunk, _ pool: PayloadPool) -> ChunkState {
        let slots = (0..<chunk.slots).map { _ in
            let slot = pool.payload(count: chunk.slotBytes)
            slot.bytes.initializeMemory(as: UInt8.self, repeating: 0)
            return slot
        }
        fill(chunk, slots[0].bytes.bindMemory(to: Float.self))
        return ChunkState(
            chunk: chunk.number, version: 0, slots: slots, digest: combinedDigest(slots.map { $0.checksum() }))
    }
}

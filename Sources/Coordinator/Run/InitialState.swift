public import Training
import Wire

/// The state of a model before the first step, where it does not come from the seed alone: from a file.
public struct InitialState {
    private let fill: (Chunk, UnsafeMutableBufferPointer<Float>) -> Void

    /// - Parameter fill: Writes all elements of a chunk's weights, or of its running statistics.
    public init(fill: @escaping (Chunk, UnsafeMutableBufferPointer<Float>) -> Void) { self.fill = fill }

    /// The weights, and what the optimizer's other slots begin with.
    func state(of chunk: Chunk, _ pool: PayloadPool) -> ChunkState {
        let weights = pool.payload(count: chunk.slotBytes)
        weights.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        fill(chunk, weights.bytes.bindMemory(to: Float.self))
        let slots = chunk.initialState(weights: weights, pool: pool)
        return ChunkState(
            chunk: chunk.number, version: 0, slots: slots, digest: combinedDigest(slots.map { $0.checksum() }))
    }
}

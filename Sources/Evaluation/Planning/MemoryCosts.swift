import Protocol
import Training
import Wire

/// Seconds of what a worker does with a byte of its chunks: copying, adding, digesting, updating.
///
/// It comes by a chunk a few times in a step and by all the others in between, so what is timed on one payload is timed in
/// the caches. Here 256 MiB of chunks take turns, or as many as the model has, and what is made takes the place of what
/// it was made from, whose memory the pool gives to the next, as in a worker.
struct MemoryCosts {
    let copy: Double
    let sum: Double
    let digest: Double
    /// For a byte of the gradient, with all slots.
    let update: Double

    /// As `ChunkPlan` cuts large parameters.
    private static let chunkBytes = 4 << 20

    /// - Parameter model: Bytes of all gradients.
    init(model: Int, optimizer: OptimizerSettings) {
        let pool = PayloadPool()
        let count = max(1, min(256 << 20, model) / Self.chunkBytes)
        let values = [Float](repeating: 0.5, count: Self.chunkBytes / 4)
        var chunks = (0..<count).map { _ in pool.payload(copying: values) }
        func chunk(_ index: Int) -> Payload { chunks[index % count] }
        digest = Self.secondsPerByte(count) { _ = chunk($0).checksum() }
        copy = Self.secondsPerByte(count) {
            chunks[$0] = pool.payload(copying: UnsafeRawBufferPointer(chunk($0 + 1).bytes))
        }
        sum = Self.secondsPerByte(count) {
            chunks[$0] = Arithmetic.sum(chunk($0), chunk($0 + 1), wide: false, pool: pool)
        }
        let slots = optimizer.slots.count
        update = Self.secondsPerByte(max(1, count / (slots + 1))) { turn in
            let first = turn * (slots + 1)
            let new = optimizer.update(
                (first..<first + slots).map { chunk($0) }, gradientSum: chunk(first + slots), scale: 1, rate: 0.01,
                weightDecay: 1e-4, step: 1, pool: pool)
            for (offset, payload) in new.enumerated() { chunks[(first + offset) % count] = payload }
        }
    }

    /// The median of twice around: the first turns get memory that nobody has touched.
    private static func secondsPerByte(_ turns: Int, _ work: (_ turn: Int) -> Void) -> Double {
        let clock = MonotonicClock()
        let seconds = (0..<max(2 * turns, 9)).map { turn in
            let begin = clock.now
            work(turn % turns)
            return clock.now - begin
        }
        return median(seconds) / Double(chunkBytes)
    }
}

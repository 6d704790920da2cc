import Kernels
import Randomness

/// Which random numbers a unit's clips get: those of their positions in the stream of draws.
public struct ClipDraws: Sendable, Equatable {
    public var seed: UInt64
    /// Of the clips, in order.
    public var positions: Range<UInt64>

    public init(seed: UInt64, positions: Range<UInt64>) {
        self.seed = seed
        self.positions = positions
    }
}

/// Sets each element to 0 with a probability and scales the others by 1 / (1 - probability), so that nothing is left to do
/// in inference (Srivastava et al., JMLR 2014, in the inverted form of Caffe2 and PyTorch).
///
/// Whether an element of a clip falls is a function of (seed, position in the stream of draws, element), so backward finds
/// out again what forward did.
struct Dropout {
    let probability: Double
    /// The clip's draw for the first element, a multiple of 4: layers of a network have draws of their own.
    let firstDraw: Int
    /// Elements of one clip.
    let count: Int

    private static let taskBlocks = 1 << 10

    /// The draw behind the layer's last one.
    var endOfDraws: Int { firstDraw + (count + 3) / 4 * 4 }

    /// Writes `y`, which may be `x`: activations, or their gradients. Without draws nothing falls.
    func apply(
        N: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, draws: ClipDraws?, pool: ThreadPool
    ) {
        guard let draws else {
            if UnsafePointer(y) != x { y.update(from: x, count: N * count) }
            return
        }
        let scale = Float(1 / (1 - probability))
        let blocks = (count + 3) / 4
        let tasks = (blocks + Self.taskBlocks - 1) / Self.taskBlocks
        pool.run(N * tasks) { task in
            let (n, first) = (task / tasks, task % tasks * Self.taskBlocks)
            let words = Draws(seed: draws.seed, place: draws.positions.lowerBound + UInt64(n), purpose: .dropout)
            for block in first..<min(first + Self.taskBlocks, blocks) {
                let four = words.words(block: firstDraw / 4 + block)
                for i in 4 * block..<min(4 * block + 4, count) {
                    let falls = Double(four[i % 4] >> 8) * 0x1p-24 < probability
                    y[n * count + i] = falls ? 0 : x[n * count + i] * scale
                }
            }
        }
    }
}

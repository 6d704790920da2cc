/// How the channels of a depthwise convolution are cut into blocks, whole vectors but for the last block's end: the
/// weights of a block stay in the first cache.
struct ChannelBlocks: Sendable {
    /// Channels in memory: those of the layer, or a vector, where it has fewer.
    let pitch: Int
    let lanes: Int
    /// The number of blocks.
    let count: Int
    private let vectors: Int

    init(C: Int, lanes: Int, perBlock: Int) {
        self.lanes = lanes
        pitch = max(C, lanes)
        vectors = (pitch + lanes - 1) / lanes
        count = max(pitch / perBlock, 1)
    }

    /// The channels of a block: at least a vector.
    func channels(_ block: Int) -> Range<Int> {
        block * vectors / count * lanes..<min((block + 1) * vectors / count * lanes, pitch)
    }

    /// Channels of the largest block, in whole vectors.
    var largest: Int { (vectors + count - 1) / count * lanes }

    /// Copies pixels that have fewer channels than a vector, with zeros for the others.
    static func widen(
        pixels: Int, C: Int, from source: UnsafePointer<Float>, pitch: Int, to target: UnsafeMutablePointer<Float>
    ) {
        for pixel in 0..<pixels {
            let to = target + pixel * pitch
            for c in 0..<C { to[c] = source[pixel * C + c] }
            for c in C..<pitch { to[c] = 0 }
        }
    }
}

/// Tensors side by side along the channels, channels last.
public struct Concatenation: Sendable {
    /// Channels of each part.
    public let channels: [Int]
    /// Where each part begins in a pixel of the whole.
    private let starts: [Int]
    /// Channels of the whole.
    public let C: Int

    private static let taskValues = 1 << 15

    public init(channels: [Int]) {
        self.channels = channels
        starts = channels.indices.map { channels[..<$0].reduce(0, +) }
        C = channels.reduce(0, +)
    }

    /// Writes part `index` into the P pixels of `y`.
    public func put(
        part index: Int, P: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (count, start) = (channels[index], starts[index])
        pixels(P, count, pool) { (y + $0 * C + start).update(from: x + $0 * count, count: count) }
    }

    /// Writes to `x` part `index` of the P pixels of `y`.
    public func take(
        part index: Int, P: Int, y: UnsafePointer<Float>, x: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let (count, start) = (channels[index], starts[index])
        pixels(P, count, pool) { (x + $0 * count).update(from: y + $0 * C + start, count: count) }
    }

    private func pixels(_ P: Int, _ count: Int, _ pool: ThreadPool, _ body: (Int) -> Void) {
        let piece = max(Self.taskValues / count, 1)
        pool.run((P + piece - 1) / piece) { for pixel in $0 * piece..<min(($0 + 1) * piece, P) { body(pixel) } }
    }
}

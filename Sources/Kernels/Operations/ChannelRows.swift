/// Rows of whole pixels that make whole vectors, for loops over activations of C channels, channels last: what belongs
/// to a channel is repeated over a row.
struct ChannelRows: Sendable {
    let C: Int
    /// Pixels of a row, and their values.
    let pixels: Int
    let period: Int

    /// Values that a task takes at least.
    private static let taskValues = 1 << 15

    init(C: Int, lanes: Int) {
        self.C = C
        var pixels = 1
        while pixels * C % lanes != 0 { pixels *= 2 }
        self.pixels = pixels
        period = pixels * C
    }

    /// Writes a channel's value at each of its places in a row.
    func fill(_ row: UnsafeMutablePointer<Float>, _ channel: Int, _ value: Float) {
        for pixel in 0..<pixels { row[pixel * C + channel] = value }
    }

    /// Calls `body` for pieces of whole rows of P pixels; the last one has what remains.
    func pieces(
        _ P: Int, _ pool: ThreadPool, fromLast: Bool = false, _ body: (_ begin: Int, _ count: Int) -> Void
    ) {
        let piece = max(Self.taskValues / period, 1) * period
        pool.run((P * C + piece - 1) / piece, fromLast: fromLast) {
            body($0 * piece, min(piece, P * C - $0 * piece))
        }
    }

    /// The same for N clips of P pixels each; no piece holds pixels of two clips. `begin` counts from the first clip.
    func pieces(
        N: Int, P: Int, _ pool: ThreadPool, fromLast: Bool = false,
        _ body: (_ n: Int, _ begin: Int, _ count: Int) -> Void
    ) {
        let piece = max(Self.taskValues / period, 1) * period
        let each = (P * C + piece - 1) / piece
        pool.run(N * each, fromLast: fromLast) { task in
            let (n, begin) = (task / each, task % each * piece)
            body(n, n * P * C + begin, min(piece, P * C - begin))
        }
    }
}

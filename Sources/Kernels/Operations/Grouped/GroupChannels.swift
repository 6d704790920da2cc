/// The channels of one group among those of all, `[pixel][group][channel]`, and copies of them, `[pixel][channel]`.
struct GroupChannels: Sendable {
    /// Of a group.
    let channels: Int
    let groups: Int
    /// Of a clip.
    let pixels: Int

    private static let pixelsPerTask = 512

    /// Floats of a group's copy, rounded as `Carving` rounds.
    func count(N: Int) -> Int { Carving.rounded(N * pixels * channels) }

    private func pieces(N: Int, _ pool: ThreadPool, _ body: (Range<Int>) -> Void) {
        let all = N * pixels
        pool.run((all + Self.pixelsPerTask - 1) / Self.pixelsPerTask) { task in
            body(task * Self.pixelsPerTask..<min((task + 1) * Self.pixelsPerTask, all))
        }
    }

    /// Copies a group out of all.
    func gather(
        _ group: Int, N: Int, from all: UnsafePointer<Float>, to copy: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        pieces(N: N, pool) { pixels in
            for pixel in pixels {
                let (from, to) = (all + (pixel * groups + group) * channels, copy + pixel * channels)
                for c in 0..<channels { to[c] = from[c] }
            }
        }
    }

    /// Copies a group to its place among all, or adds it there.
    func scatter(
        _ group: Int, N: Int, from copy: UnsafePointer<Float>, to all: UnsafeMutablePointer<Float>, accumulate: Bool,
        pool: ThreadPool
    ) {
        pieces(N: N, pool) { pixels in
            for pixel in pixels {
                let (from, to) = (copy + pixel * channels, all + (pixel * groups + group) * channels)
                if accumulate {
                    for c in 0..<channels { to[c] += from[c] }
                } else {
                    for c in 0..<channels { to[c] = from[c] }
                }
            }
        }
    }
}

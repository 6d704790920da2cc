/// Walks the pixels of N clips on a grid: clip by clip, or, `clipsInside`, all clips' pixels at one place before the next.
struct PixelWalk {
    private(set) var n = 0
    private(set) var t = 0
    private(set) var h = 0
    private(set) var w = 0
    private let N: Int
    private let grid: Extent3
    private let clipsInside: Bool

    init(N: Int, grid: Extent3, clipsInside: Bool) {
        self.N = N
        self.grid = grid
        self.clipsInside = clipsInside
    }

    /// Goes to the pixel with this number.
    mutating func move(to index: Int) {
        var pixel = index
        if clipsInside {
            n = index % N
            pixel = index / N
        } else {
            n = index / grid.count
        }
        w = pixel % grid.w
        h = pixel / grid.w % grid.h
        t = pixel / (grid.w * grid.h) % grid.t
    }

    /// Goes to the next pixel.
    @inline(__always)
    mutating func advance() {
        if clipsInside {
            n += 1
            guard n == N else { return }
            n = 0
        }
        w += 1
        guard w == grid.w else { return }
        w = 0
        h += 1
        guard h == grid.h else { return }
        h = 0
        t += 1
        guard t == grid.t else { return }
        t = 0
        if !clipsInside { n += 1 }
    }
}

/// The geometry of Winograd's convolution F(4, 3): tiles of 4 x 4 outputs in space, or of 4 in time, from patches of 6.
///
/// In space the taps along time stay as they are: each frame is transformed once, and the sum over them is taken between
/// the transforms.
struct WinogradPlan: Sendable {
    /// Tiles in space (36 points), or in time (6 points).
    let space: Bool
    /// Channels of the source and of the target.
    let C: Int
    let K: Int
    let source: Extent3
    let target: Extent3
    /// How far the first patch begins before the source.
    let padding: Extent3
    /// Taps along time that are not transformed: 1 in time.
    let outerTaps: Int
    /// Tiles of one clip, `frames` apart.
    let grid: Extent3
    /// Frames that belong together, because taps reach from one to the other: transformed ones and products.
    let sourceFrames: Int
    let targetFrames: Int

    /// Outputs along each transformed dimension.
    static let outputs = 4
    /// Inputs along each transformed dimension.
    static let inputs = 6

    /// Multiplications of a tile for each pair of channels, and the pixels that it is made from.
    var points: Int { space ? 36 : 6 }
    /// Rows of the matrix products of one clip: tiles, with their frames.
    var rowsOfClip: Int { grid.count * targetFrames }
    /// Pixels that a tile makes.
    var outputPixels: Int { space ? 16 : 4 }
    /// Taps of the whole kernel.
    var taps: Int { space ? 9 * outerTaps : 3 }

    /// Kernels of t x 3 x 3 or 3 x 1 x 1 without strides and groups, over at least a vector of channels on either side.
    init?(_ s: ConvolutionShape, _ pass: Convolution.Pass) {
        let space = s.kernel.h == 3 && s.kernel.w == 3
        let time = s.kernel == Extent3(3, 1, 1) && s.padding.h == 0 && s.padding.w == 0
        guard space || time, s.stride == Extent3(1, 1, 1), s.groups == 1, min(s.C, s.K) >= 16,
            s.padding.t < s.kernel.t, s.padding.h < s.kernel.h, s.padding.w < s.kernel.w
        else { return nil }
        self.space = space
        switch pass {
        case .forward:
            (C, K, source, target, padding) = (s.C, s.K, s.input, s.output, s.padding)
        case .backwardData:
            (C, K, source, target) = (s.K, s.C, s.output, s.input)
            padding = Extent3(
                s.kernel.t - 1 - s.padding.t, s.kernel.h - 1 - s.padding.h, s.kernel.w - 1 - s.padding.w)
        }
        func tiles(_ length: Int) -> Int { (length + Self.outputs - 1) / Self.outputs }
        outerTaps = space ? s.kernel.t : 1
        let apart = space && s.kernel.t == 1
        grid =
            space
            ? Extent3(apart ? target.t : 1, tiles(target.h), tiles(target.w))
            : Extent3(tiles(target.t), target.h, target.w)
        sourceFrames = space && !apart ? source.t : 1
        targetFrames = space && !apart ? target.t : 1
    }

    /// What stands for pixels outside the source: zeros, also behind a prologue.
    static func fillPadding(_ padding: UnsafeMutablePointer<Float>, count: Int, _ prologue: Prologue?) {
        guard let prologue else { return padding.update(repeating: 0, count: count) }
        // Times the factor this is minus infinity, or no number at all: the ReLU makes zero of both.
        for c in 0..<count { padding[c] = prologue.factor[c] < 0 ? .infinity : -.infinity }
    }

    /// Lists the pixels of the source that tile (n, t, h, w) of the grid, frame `frame`, is made from.
    func list(
        source base: UnsafePointer<Float>, outside: UnsafePointer<Float>, n: Int, t: Int, h: Int, w: Int, frame: Int,
        into pixels: UnsafeMutablePointer<UnsafePointer<Float>>
    ) {
        guard space else {
            for i in 0..<Self.inputs {
                let place = t * Self.outputs + i - padding.t
                pixels[i] =
                    UInt(bitPattern: place) < UInt(bitPattern: source.t)
                    ? base + (((n * source.t + place) * source.h + h) * source.w + w) * C : outside
            }
            return
        }
        let (top, left) = (h * Self.outputs - padding.h, w * Self.outputs - padding.w)
        let first = base + (((n * source.t + t + frame) * source.h + top) * source.w + left) * C
        for i in 0..<Self.inputs {
            let row = pixels + i * Self.inputs
            guard UInt(bitPattern: top + i) < UInt(bitPattern: source.h) else {
                row.update(repeating: outside, count: Self.inputs)
                continue
            }
            for j in 0..<Self.inputs {
                row[j] =
                    UInt(bitPattern: left + j) < UInt(bitPattern: source.w)
                    ? first + (i * source.w + j) * C : outside
            }
        }
    }

    /// Lists the pixels of the target that a tile makes; `nowhere` stands for those outside.
    func list<Pixel>(
        target base: Pixel, nowhere: Pixel, n: Int, t: Int, h: Int, w: Int, frame: Int,
        into pixels: UnsafeMutablePointer<Pixel>
    ) where Pixel: Strideable, Pixel.Stride == Int {
        guard space else {
            for i in 0..<Self.outputs {
                let place = t * Self.outputs + i
                pixels[i] =
                    place < target.t
                    ? base.advanced(by: (((n * target.t + place) * target.h + h) * target.w + w) * K) : nowhere
            }
            return
        }
        let (top, left) = (h * Self.outputs, w * Self.outputs)
        let first = (((n * target.t + t + frame) * target.h + top) * target.w + left) * K
        for i in 0..<Self.outputs {
            for j in 0..<Self.outputs {
                pixels[i * Self.outputs + j] =
                    top + i < target.h && left + j < target.w
                    ? base.advanced(by: first + (i * target.w + j) * K) : nowhere
            }
        }
    }

    /// Calls `body` for the target pixels that some tiles make, runs of neighbours at a time.
    func eachRun(N: Int, _ tiles: Range<Int>, _ body: (_ first: Int, _ count: Int) -> Void) {
        let line = space ? grid.w : grid.h * grid.w
        var tile = tiles.lowerBound
        while tile < tiles.upperBound {
            let end = min((tile / line + 1) * line, tiles.upperBound)
            let (n, begin) = (tile / grid.count, tile % line)
            if space {
                let (t, top) = (tile / line / grid.h % grid.t, tile / line % grid.h * Self.outputs)
                let left = begin * Self.outputs
                let count = min((begin + end - tile) * Self.outputs, target.w) - left
                for frame in 0..<targetFrames {
                    for h in top..<min(top + Self.outputs, target.h) {
                        body(((n * target.t + t + frame) * target.h + h) * target.w + left, count)
                    }
                }
            } else {
                let first = tile / line % grid.t * Self.outputs
                for t in first..<min(first + Self.outputs, target.t) {
                    body((n * target.t + t) * line + begin, end - tile)
                }
            }
            tile = end
        }
    }
}

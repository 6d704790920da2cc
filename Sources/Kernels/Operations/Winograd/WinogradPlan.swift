/// The geometry of Winograd's convolution: tiles of 4 x 4 outputs in space, or of 4 in time, from patches of 6, which is
/// F(4, 3), or for strides of two from patches of 5 of each phase.
///
/// In space the taps along time stay as they are: each frame is transformed once, and the sum over them is taken between
/// the transforms. So is that over the phases, which take the place of frames and of taps along time.
struct WinogradPlan: Sendable {
    /// What is transformed.
    enum Tiling: Sendable {
        /// 4 x 4 outputs of kernels of 3 x 3 (36 points).
        case space
        /// 4 outputs along time of kernels of 3 (6 points).
        case time
        /// 4 x 4 outputs of kernels of 3 x 3 whose strides are two; for backward-data, the pixels of 8 x 8 which meet the
        /// same taps (25 points). `Sources/Kernels/Micro/WinogradPhases.swift` has the arithmetic.
        case phases
    }

    let tiling: Tiling
    private let pass: Convolution.Pass
    /// Channels of the source and of the target.
    let C: Int
    let K: Int
    let source: Extent3
    let target: Extent3
    /// How far the first patch begins before the source.
    let padding: Extent3
    /// Taps along time that are not transformed: 1 in time. With phases their number.
    let outerTaps: Int
    /// Tiles of one clip, `frames` apart.
    let grid: Extent3
    /// Target pixels from one tile to the next, in each transformed dimension.
    private let span: Int
    /// Frames that belong together, because taps reach from one to the other: transformed ones and products. With phases,
    /// those on the side where the stride is.
    let sourceFrames: Int
    let targetFrames: Int

    /// Outputs along each transformed dimension.
    static let outputs = 4
    /// Inputs along each transformed dimension.
    static let inputs = 6
    /// The same of a phase.
    static let phaseInputs = 5

    /// How many taps the pixels of a phase meet down the columns, and along the rows: one or two.
    private struct Phase {
        let down: Int
        let along: Int
    }

    /// The phases in the order of the taps. Points at infinity along a dimension belong to phases with two taps there: in
    /// this order those of each point are neighbours.
    private static let phases = [
        Phase(down: 2, along: 1), Phase(down: 2, along: 2), Phase(down: 1, along: 2), Phase(down: 1, along: 1),
    ]

    /// Multiplications of a tile for each pair of channels, and the pixels that it is made from. With phases those of the
    /// one that meets two taps both ways; the others have fewer (`taps(at:)`, `side`).
    var points: Int {
        switch tiling {
        case .space: Self.inputs * Self.inputs
        case .time: Self.inputs
        case .phases: Self.phaseInputs * Self.phaseInputs
        }
    }
    /// Rows of the matrix products of one clip: tiles, with their frames.
    var rowsOfClip: Int { grid.count * targetFrames }
    /// Pixels that a tile makes.
    var outputPixels: Int { tiling == .time ? Self.outputs : Self.outputs * Self.outputs }
    /// Taps of the whole kernel.
    var taps: Int {
        switch tiling {
        case .space: 9 * outerTaps
        case .time: 3
        case .phases: 9
        }
    }

    /// The taps that are not transformed which have something at a point.
    func taps(at point: Int) -> Range<Int> {
        guard tiling == .phases else { return 0..<outerTaps }
        let last = Self.phaseInputs - 1
        switch (point / Self.phaseInputs == last, point % Self.phaseInputs == last) {
        case (false, false): return 0..<4
        case (true, false): return 0..<2
        case (false, true): return 1..<3
        case (true, true): return 1..<2
        }
    }

    /// Inputs of a phase that are looked at, down and along: a single tap does not meet the last one.
    func side(_ frame: Int) -> (rows: Int, columns: Int) {
        guard pass == .forward else { return (Self.phaseInputs, Self.phaseInputs) }
        let phase = Self.phases[frame]
        return (rows: Self.outputs + phase.down - 1, columns: Self.outputs + phase.along - 1)
    }

    /// The transformed frame that a frame of the target sees through a tap, if there is one.
    func sourceFrame(of target: Int, tap: Int) -> Int? {
        if tiling == .phases {
            return pass == .forward ? tap : tap == target ? 0 : nil
        }
        let frame = target + tap - (outerTaps > 1 ? padding.t : 0)
        return frame >= 0 && frame < sourceFrames ? frame : nil
    }

    /// Kernels of t x 3 x 3 or 3 x 1 x 1 without strides and groups, over at least a vector of channels on either side; of
    /// 1 x 3 x 3 with strides of two in space and a padding of one, too.
    init?(_ s: ConvolutionShape, _ pass: Convolution.Pass) {
        guard s.groups == 1, min(s.C, s.K) >= 16, let tiling = Self.tiling(s) else { return nil }
        self.tiling = tiling
        self.pass = pass
        let apart = tiling == .phases || tiling == .space && s.kernel.t == 1
        switch pass {
        case .forward:
            (C, K, source, target, padding) = (s.C, s.K, s.input, s.output, s.padding)
        case .backwardData:
            (C, K, source, target) = (s.K, s.C, s.output, s.input)
            padding =
                tiling == .phases
                ? Extent3(0, 0, 0)
                : Extent3(s.kernel.t - 1 - s.padding.t, s.kernel.h - 1 - s.padding.h, s.kernel.w - 1 - s.padding.w)
        }
        span = tiling == .phases && pass == .backwardData ? 2 * Self.outputs : Self.outputs
        let (map, span) = (target, span)
        func tiles(_ length: Int) -> Int { (length + span - 1) / span }
        grid =
            tiling == .time
            ? Extent3(tiles(map.t), map.h, map.w) : Extent3(apart ? map.t : 1, tiles(map.h), tiles(map.w))
        switch tiling {
        case .time: (outerTaps, sourceFrames, targetFrames) = (1, 1, 1)
        case .space: (outerTaps, sourceFrames, targetFrames) = (s.kernel.t, apart ? 1 : source.t, apart ? 1 : target.t)
        case .phases:
            outerTaps = Self.phases.count
            (sourceFrames, targetFrames) = pass == .forward ? (outerTaps, 1) : (1, outerTaps)
        }
    }

    /// How a shape without groups is transformed, if it can be.
    private static func tiling(_ s: ConvolutionShape) -> Tiling? {
        guard s.padding.t < s.kernel.t, s.padding.h < s.kernel.h, s.padding.w < s.kernel.w else { return nil }
        let space = s.kernel.h == 3 && s.kernel.w == 3
        if s.stride == Extent3(1, 1, 1) {
            return space ? .space : s.kernel == Extent3(3, 1, 1) ? .time : nil
        }
        let phases = space && s.kernel.t == 1 && s.stride == Extent3(1, 2, 2) && s.padding == Extent3(0, 1, 1)
        return phases ? .phases : nil
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
        guard tiling != .time else {
            for i in 0..<Self.inputs {
                let place = t * Self.outputs + i - padding.t
                pixels[i] =
                    UInt(bitPattern: place) < UInt(bitPattern: source.t)
                    ? base + (((n * source.t + place) * source.h + h) * source.w + w) * C : outside
            }
            return
        }
        switch (tiling, pass) {
        case (.phases, .forward):
            // The first tap of three lies in the padding, and so does the first pixel of a phase that meets two.
            let phase = Self.phases[frame]
            patch(
                base, outside, frame: n * source.t + t, top: 2 * h * Self.outputs - (phase.down - 1),
                left: 2 * w * Self.outputs - (phase.along - 1), side: Self.phaseInputs, step: 2, into: pixels)
        case (.phases, .backwardData):
            patch(
                base, outside, frame: n * source.t + t, top: h * Self.outputs, left: w * Self.outputs,
                side: Self.phaseInputs, step: 1, into: pixels)
        default:
            patch(
                base, outside, frame: n * source.t + t + frame, top: h * Self.outputs - padding.h,
                left: w * Self.outputs - padding.w, side: Self.inputs, step: 1, into: pixels)
        }
    }

    /// Lists `side` x `side` pixels of a frame, every `step`th.
    @inline(__always)
    private func patch(
        _ base: UnsafePointer<Float>, _ outside: UnsafePointer<Float>, frame: Int, top: Int, left: Int, side: Int,
        step: Int, into pixels: UnsafeMutablePointer<UnsafePointer<Float>>
    ) {
        let first = base + ((frame * source.h + top) * source.w + left) * C
        for i in 0..<side {
            let row = pixels + i * side
            guard UInt(bitPattern: top + i * step) < UInt(bitPattern: source.h) else {
                row.update(repeating: outside, count: side)
                continue
            }
            for j in 0..<side {
                row[j] =
                    UInt(bitPattern: left + j * step) < UInt(bitPattern: source.w)
                    ? first + (i * source.w + j) * step * C : outside
            }
        }
    }

    /// Lists the pixels of the target that a tile makes; `nowhere` stands for those outside.
    func list<Pixel>(
        target base: Pixel, nowhere: Pixel, n: Int, t: Int, h: Int, w: Int, frame: Int,
        into pixels: UnsafeMutablePointer<Pixel>
    ) where Pixel: Strideable, Pixel.Stride == Int {
        guard tiling != .time else {
            for i in 0..<Self.outputs {
                let place = t * Self.outputs + i
                pixels[i] =
                    place < target.t
                    ? base.advanced(by: (((n * target.t + place) * target.h + h) * target.w + w) * K) : nowhere
            }
            return
        }
        // The pixels of a phase lie two apart, those that meet two taps after those that meet one.
        let apart = tiling == .phases && pass == .backwardData
        let phase = apart ? Self.phases[frame] : Phase(down: 1, along: 1)
        let (step, place) = (apart ? 2 : 1, apart ? t : t + frame)
        let (top, left) = (h * span + phase.down - 1, w * span + phase.along - 1)
        let first = (((n * target.t + place) * target.h + top) * target.w + left) * K
        for i in 0..<Self.outputs {
            for j in 0..<Self.outputs {
                pixels[i * Self.outputs + j] =
                    top + i * step < target.h && left + j * step < target.w
                    ? base.advanced(by: first + (i * target.w + j) * step * K) : nowhere
            }
        }
    }

    /// Calls `body` for the target pixels that some tiles make, runs of neighbours at a time.
    func eachRun(N: Int, _ tiles: Range<Int>, _ body: (_ first: Int, _ count: Int) -> Void) {
        let space = tiling != .time
        let frames = tiling == .phases ? 1 : targetFrames
        let line = space ? grid.w : grid.h * grid.w
        var tile = tiles.lowerBound
        while tile < tiles.upperBound {
            let end = min((tile / line + 1) * line, tiles.upperBound)
            let (n, begin) = (tile / grid.count, tile % line)
            if space {
                let (t, top) = (tile / line / grid.h % grid.t, tile / line % grid.h * span)
                let left = begin * span
                let count = min((begin + end - tile) * span, target.w) - left
                for frame in 0..<frames {
                    for h in top..<min(top + span, target.h) {
                        body(((n * target.t + t + frame) * target.h + h) * target.w + left, count)
                    }
                }
            } else {
                let first = tile / line % grid.t * span
                for t in first..<min(first + span, target.t) {
                    body((n * target.t + t) * line + begin, end - tile)
                }
            }
            tile = end
        }
    }
}

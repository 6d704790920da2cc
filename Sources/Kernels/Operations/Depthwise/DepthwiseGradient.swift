/// The gradient of depthwise weights: for each tap and channel the sum over pixels of the input times the output's
/// gradient.
///
/// The output's rows are cut into units: some rows of one clip, frame after frame. Slices of units are tasks. A few
/// hundred pixels are one chain of f32 additions for each channel; those sums are added in f64, then the slices' in order.
/// The cut depends on the shape and the batch size only.
struct DepthwiseGradient: ConvolutionWeightGradient {
    private let shape: ConvolutionShape
    private let kernels: DepthwiseKernels
    private let t: DepthwiseAxis
    private let h: DepthwiseAxis
    private let w: DepthwiseAxis
    private let blocks: ChannelBlocks
    /// Units of a clip.
    private let cuts: Int
    /// Rows of the output that are one chain of additions.
    private let rowsPerChain: Int

    private static let channelsPerBlock = 128
    /// Floats of the rows that a unit's next frame uses again: half of a second cache of 1 MiB.
    private static let cachedFloats = 1 << 17
    /// Units that a clip is cut into at least, where it can be.
    private static let wantedUnits = 4
    private static let maximumSlices = 32
    private static let pixelsPerChain = 256

    init(_ s: ConvolutionShape, instructionSet: InstructionSet) {
        shape = s
        kernels = .table(for: instructionSet)
        (t, h, w) = DepthwiseAxis.three(s, .forward)
        blocks = ChannelBlocks(C: s.C, lanes: kernels.lanes, perBlock: Self.channelsPerBlock)
        let perRow = (s.kernel.t * s.input.w * s.stride.h + s.output.w) * blocks.largest
        let rows = max((Self.cachedFloats - s.kernel.t * s.kernel.h * s.input.w * blocks.largest) / perRow, 1)
        let wanted = (Self.wantedUnits + blocks.count - 1) / blocks.count
        cuts = min(max((s.output.h + rows - 1) / rows, wanted), s.output.h)
        rowsPerChain = max(Self.pixelsPerChain / s.output.w, 1)
    }

    private var widens: Bool { blocks.pitch > shape.C }
    private var taps: Int { shape.kernel.count }
    private func slices(N: Int) -> Int { min(N * cuts, Self.maximumSlices) }
    /// Floats of one tap's sums, in whole vectors: a block's, and all blocks'.
    private var sumPitch: Int { blocks.largest }
    private var allSums: Int { taps * blocks.count * sumPitch }

    func scratchCount(N: Int, threads: Int) -> Int {
        var carving = Carving.measuring
        _ = Shared(self, N: N, &carving)
        return carving.floats + threads * Workspace.floats(self)
    }

    /// What all threads use.
    private struct Shared {
        /// For each slice, block and tap the sums of the channels.
        let partials: UnsafeMutablePointer<Double>
        let x: UnsafeMutablePointer<Float>
        let dy: UnsafeMutablePointer<Float>

        init(_ g: DepthwiseGradient, N: Int, _ carving: inout Carving) {
            partials = carving.take(g.slices(N: N) * g.allSums)
            x = carving.take(g.widens ? N * g.shape.input.count * g.blocks.pitch : 0)
            dy = carving.take(g.widens ? N * g.shape.output.count * g.blocks.pitch : 0)
        }
    }

    private struct Workspace: ThreadMemory {
        /// For each tap in use where it reads and where its sums are.
        let sources: UnsafeMutablePointer<UnsafePointer<Float>>
        let targets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        /// For each row of taps in use: where it reads, and its first tap.
        let rows: UnsafeMutablePointer<UnsafePointer<Float>>
        let firstTaps: UnsafeMutablePointer<Int>
        /// The chains' sums of a block, `[tap][channel]`.
        let sums: UnsafeMutablePointer<Float>

        init(_ g: DepthwiseGradient, _ carving: inout Carving) {
            sources = carving.take(g.taps)
            targets = carving.take(g.taps)
            rows = carving.take(g.taps)
            firstTaps = carving.take(g.taps)
            sums = carving.take(g.taps * g.sumPitch)
        }
    }

    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let shared = Shared(self, N: N, &carving)
        var (x, dy) = (x, dy)
        if widens {
            let (C, pitch, inputs, outputs) = (shape.C, blocks.pitch, shape.input.count, shape.output.count)
            let (from, gradient) = (x, dy)
            pool.run(N) { n in
                ChannelBlocks.widen(
                    pixels: inputs, C: C, from: from + n * inputs * C, pitch: pitch, to: shared.x + n * inputs * pitch)
                ChannelBlocks.widen(
                    pixels: outputs, C: C, from: gradient + n * outputs * C, pitch: pitch,
                    to: shared.dy + n * outputs * pitch)
            }
            (x, dy) = (UnsafePointer(shared.x), UnsafePointer(shared.dy))
        }
        let (slices, units) = (slices(N: N), N * cuts)
        let (input, gradient) = (x, dy)
        Workspace.run(self, slices * blocks.count, in: carving.rest, pool) { task, space in
            let (slice, block) = (task / blocks.count, task % blocks.count)
            let partials = shared.partials + (slice * blocks.count + block) * taps * sumPitch
            partials.update(repeating: 0, count: taps * sumPitch)
            space.sums.update(repeating: 0, count: taps * sumPitch)
            for unit in slice * units / slices..<(slice + 1) * units / slices {
                sum(unit, blocks.channels(block), x: input, dy: gradient, into: partials, space)
            }
        }
        write(slices, shared.partials, dw, pool)
    }

    /// Sums one unit: rows of one clip's output, for the channels of a block.
    private func sum(
        _ unit: Int, _ channels: Range<Int>, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        into partials: UnsafeMutablePointer<Double>, _ space: Workspace
    ) {
        let (clip, cut, pitch) = (unit / cuts, unit % cuts, blocks.pitch)
        let x = x + clip * shape.input.count * pitch + channels.lowerBound
        let dy = dy + clip * shape.output.count * pitch + channels.lowerBound
        var inChain = 0
        let rows = DepthwiseRows(
            t: t, h: h, source: shape.input, target: shape.output,
            lines: cut * shape.output.h / cuts..<(cut + 1) * shape.output.h / cuts)
        for t in 0..<shape.output.t {
            for h in rows.lines {
                row(t, h, of: rows, channels.count, x: x, dy: dy, space)
                inChain += 1
                guard inChain == rowsPerChain else { continue }
                kernels.moveSums(taps * sumPitch, space.sums, partials)
                inChain = 0
            }
        }
        if inChain > 0 { kernels.moveSums(taps * sumPitch, space.sums, partials) }
    }

    /// Sums one row of the output's gradient, one of a unit's. `x` and `gradient` begin with the unit's clip.
    private func row(
        _ t: Int, _ h: Int, of unit: DepthwiseRows, _ channels: Int, x: UnsafePointer<Float>,
        dy gradient: UnsafePointer<Float>, _ space: Workspace
    ) {
        let (pitch, s) = (blocks.pitch, shape)
        let dy = gradient + (t * s.output.h + h) * s.output.w * pitch
        let (frames, lines, phase) = (self.t.reach(t), self.h.reach(h), w.phases[0])
        var rows = 0
        for i in frames.taps {
            for j in lines.taps {
                space.rows[rows] = x + ((frames.source + i) * s.input.h + lines.source + j) * s.input.w * pitch
                space.firstTaps[rows] = (i * s.kernel.h + j) * s.kernel.w
                rows += 1
            }
        }
        if phase.taps == 3, s.stride.w == 1, s.padding.w == 1 {
            for row in 0..<rows { space.targets[row] = space.sums + space.firstTaps[row] * sumPitch }
            let asked = unit.asked(after: (t, h), of: blocks, source: x, target: gradient)
            var row = 0
            while row < rows {
                let count = min(rows - row, 3)
                // A call asks for one memory: the first for dy, the last for x.
                let ahead = row + count == rows ? asked.source : row == 0 ? asked.target : .nothing(dy)
                kernels.weights3(
                    s.output.w, channels, space.rows + row, space.targets + row, sumPitch, count, pitch, dy, ahead.from,
                    ahead.lines)
                row += count
            }
            return
        }
        func some(_ pixels: Range<Int>, _ taps: Range<Int>) {
            guard !pixels.isEmpty, !taps.isEmpty else { return }
            let from = (pixels.lowerBound * s.stride.w + phase.first) * pitch
            var count = 0
            for row in 0..<rows {
                for tap in taps {
                    space.sources[count] = space.rows[row] + (from + tap * pitch)
                    space.targets[count] = space.sums + (space.firstTaps[row] + tap) * sumPitch
                    count += 1
                }
            }
            kernels.weights(
                pixels.count, channels, space.sources, 0, space.targets, count, s.stride.w * pitch,
                dy + pixels.lowerBound * pitch, pitch)
        }
        let inside = phase.inside(sourceStride: s.stride.w, of: s.input.w, beyond: 0)
        for pixel in 0..<phase.count where !inside.contains(pixel) {
            some(pixel..<pixel + 1, phase.inside(pixel * s.stride.w + phase.first, of: s.input.w))
        }
        some(inside, 0..<phase.taps)
    }

    /// Adds the slices in order and writes `dw[C][1][t][h][w]`.
    private func write(
        _ slices: Int, _ partials: UnsafePointer<Double>, _ dw: UnsafeMutablePointer<Float>, _ pool: ThreadPool
    ) {
        pool.run(blocks.count) { block in
            let channels = blocks.channels(block)
            for c in channels.lowerBound..<min(channels.upperBound, shape.C) {
                // The last vector begins early: its lanes are the block's last channels.
                let (inBlock, lanes) = (c - channels.lowerBound, kernels.lanes)
                let whole = channels.count / lanes * lanes
                let place = inBlock < whole ? inBlock : whole + inBlock - (channels.count - lanes)
                for tap in 0..<taps {
                    var sum = 0.0
                    for slice in 0..<slices {
                        sum += partials[((slice * blocks.count + block) * taps + tap) * sumPitch + place]
                    }
                    dw[c * taps + tap] = Float(sum)
                }
            }
        }
    }
}

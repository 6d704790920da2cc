/// Forward or backward-data of a depthwise convolution.
///
/// A task computes some rows of the target of one clip, for a block of channels, frame after frame: the source rows that
/// its frames share stay in the second cache. Each value is one sum in one order, so how the rows are cut changes nothing.
struct DepthwiseProduct: ConvolutionProduct {
    private let shape: ConvolutionShape
    private let kernels: DepthwiseKernels
    private let t: DepthwiseAxis
    private let h: DepthwiseAxis
    private let w: DepthwiseAxis
    private let source: Extent3
    private let target: Extent3
    private let blocks: ChannelBlocks
    /// Target rows of a task.
    private let rowsPerTask: Int

    private static let channelsPerBlock = 512
    /// Floats of the source rows that a task's next frame uses again: half of a second cache of 1 MiB.
    private static let cachedFloats = 1 << 17
    /// Tasks that a clip is cut into at least, where it can be.
    private static let wantedTasks = 4
    /// Pixels that the epilogue finishes together: their sums are one chain of additions, and they are in the caches.
    private static let finishedTogether = 64

    init(_ s: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        shape = s
        kernels = .table(for: instructionSet)
        (t, h, w) = DepthwiseAxis.three(s, pass)
        (source, target) = pass == .forward ? (s.input, s.output) : (s.output, s.input)
        blocks = ChannelBlocks(C: s.C, lanes: kernels.lanes, perBlock: Self.channelsPerBlock)
        let (frames, halo) = (t.phases.map(\.taps).max()!, h.phases.map(\.taps).max()!)
        let sourceRows = max(Self.cachedFloats / (frames * source.w * blocks.largest) - halo, 1)
        let fitting = sourceRows * h.targetStride / h.sourceStride
        let wanted = (Self.wantedTasks + blocks.count - 1) / blocks.count
        rowsPerTask = max(min(fitting, (target.h + wanted - 1) / wanted), 1)
    }

    private var widens: Bool { blocks.pitch > shape.C }
    /// Floats of the packed weights, `[t][h][w][C]`, the taps in the order of the axes' phases.
    var packedCount: Int { shape.kernel.count * blocks.pitch }
    private var tapRows: Int { shape.kernel.t * shape.kernel.h }
    /// Tasks of a clip for each block of channels.
    private var cuts: Int { (target.h + rowsPerTask - 1) / rowsPerTask }

    func scratchCount(N: Int, threads: Int) -> Int {
        let copies = widens ? N * (source.count + target.count) * blocks.pitch : 0
        return Carving.rounded(copies) + Carving.rounded(kernels.lanes) + threads * Workspace.floats(tapRows)
    }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        var to = packed
        for t in t.order {
            for h in h.order {
                for w in w.order {
                    let from = weights + (t * shape.kernel.h + h) * shape.kernel.w + w
                    for c in 0..<shape.C { to[c] = from[c * shape.kernel.count] }
                    for c in shape.C..<blocks.pitch { to[c] = 0 }
                    to += blocks.pitch
                }
            }
        }
    }

    /// Each thread's tables: for each row of taps inside the source, where it and its weights begin.
    private struct Workspace: ThreadMemory {
        let sources: UnsafeMutablePointer<UnsafePointer<Float>>
        let weights: UnsafeMutablePointer<UnsafePointer<Float>>

        init(_ rows: Int, _ carving: inout Carving) {
            sources = carving.take(rows)
            weights = carving.take(rows)
        }
    }

    private struct Job {
        let source: UnsafePointer<Float>
        let packed: UnsafePointer<Float>
        let target: UnsafeMutablePointer<Float>
        let accumulate: Bool
        let done: UnsafePointer<Float>
        let channels: Range<Int>
        let rows: DepthwiseRows
    }

    func epilogueSlots(N: Int) -> Int? { widens ? nil : N * cuts }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        precondition(prologue == nil, "a prologue, which depthwise convolutions do not take")
        run(
            N: N, source: source, packed: packed, target: target, accumulate: false, epilogue: epilogue,
            scratch: scratch, pool: pool)
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        run(
            N: N, source: source, packed: packed, target: target, accumulate: accumulate, epilogue: nil,
            scratch: scratch, pool: pool)
    }

    private func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let done: UnsafeMutablePointer<Float> = carving.take(kernels.lanes)
        let repeated = (kernels.lanes - blocks.pitch % kernels.lanes) % kernels.lanes
        for lane in 0..<kernels.lanes { done[lane] = lane < repeated ? 1 : 0 }
        let (C, pitch) = (shape.C, blocks.pitch)
        var (from, to) = (source, target)
        if widens {
            let copies: UnsafeMutablePointer<Float> = carving.take(N * (self.source.count + self.target.count) * pitch)
            let results = copies + N * self.source.count * pitch
            (from, to) = (UnsafePointer(copies), results)
            let (inputs, outputs) = (self.source.count, self.target.count)
            pool.run(N) { n in
                ChannelBlocks.widen(
                    pixels: inputs, C: C, from: source + n * inputs * C, pitch: pitch, to: copies + n * inputs * pitch)
                guard accumulate else { return }
                ChannelBlocks.widen(
                    pixels: outputs, C: C, from: target + n * outputs * C, pitch: pitch,
                    to: results + n * outputs * pitch)
            }
        }
        let cuts = cuts
        Workspace.run(tapRows, N * cuts * blocks.count, in: carving.rest, pool) { task, space in
            let (clip, block, cut) = (task / cuts / blocks.count, task / cuts % blocks.count, task % cuts)
            let job = Job(
                source: from + clip * self.source.count * pitch, packed: packed,
                target: to + clip * self.target.count * pitch, accumulate: accumulate, done: done,
                channels: blocks.channels(block),
                rows: DepthwiseRows(
                    t: t, h: h, source: self.source, target: self.target,
                    lines: cut * self.target.h / cuts..<(cut + 1) * self.target.h / cuts))
            for t in 0..<self.target.t {
                var finished = job.rows.lines.lowerBound
                for h in job.rows.lines {
                    row(job, t, h, space)
                    let pixels = (h + 1 - finished) * self.target.w
                    let isDue = pixels >= Self.finishedTogether || h + 1 == job.rows.lines.upperBound
                    guard let epilogue, isDue else { continue }
                    epilogue.finish(
                        pixels: ((clip * self.target.t + t) * self.target.h + finished) * self.target.w, count: pixels,
                        channels: job.channels, slot: clip * cuts + cut)
                    finished = h + 1
                }
            }
        }
        guard widens else { return }
        for pixel in 0..<N * self.target.count {
            for c in 0..<C { target[pixel * C + c] = to[pixel * pitch + c] }
        }
    }

    /// Computes one row of the target.
    private func row(_ job: Job, _ t: Int, _ h: Int, _ space: Workspace) {
        let (pitch, first) = (blocks.pitch, job.channels.lowerBound)
        let (frames, lines) = (self.t.reach(t), self.h.reach(h))
        var rows = 0
        for i in frames.taps {
            for j in lines.taps {
                space.sources[rows] =
                    job.source + ((frames.source + i) * source.h + lines.source + j) * source.w * pitch + first
                space.weights[rows] =
                    job.packed + ((frames.place + i) * shape.kernel.h + lines.place + j) * shape.kernel.w * pitch
                    + first
                rows += 1
            }
        }
        let target = job.target + (t * self.target.h + h) * self.target.w * pitch + first
        var asked = job.rows.asked(
            after: (t, h), of: blocks, source: job.source, target: UnsafePointer(job.target))
        for phase in w.phases {
            run(job, phase, rows, target + phase.offset * pitch, asked, space)
            (asked.source.lines, asked.target.lines) = (0, 0)
        }
    }

    /// Computes the pixels of one phase in a row of the target: those whose taps are all inside in one call, the others
    /// one by one.
    private func run(
        _ job: Job, _ phase: DepthwiseAxis.Phase, _ rows: Int, _ target: UnsafeMutablePointer<Float>,
        _ asked: (source: AskedMemory, target: AskedMemory), _ space: Workspace
    ) {
        let (pitch, width, step) = (blocks.pitch, w.length, w.sourceStride)
        let (first, taps, count) = (phase.first, phase.taps, phase.count)
        let targetStep = w.targetStride * pitch

        func some(_ pixels: Range<Int>, _ taps: Range<Int>, asking: Bool = false) {
            let rows = taps.isEmpty ? 0 : rows
            guard !pixels.isEmpty, rows > 0 || !job.accumulate else { return }
            kernels.row(
                pixels.count, job.channels.count, space.sources,
                (pixels.lowerBound * step + first + taps.lowerBound) * pitch, space.weights,
                (phase.place + taps.lowerBound) * pitch, rows, taps.count, pitch, step * pitch,
                target + pixels.lowerBound * targetStep, targetStep, job.accumulate, job.done,
                asked.source.from, asking ? asked.source.lines : 0, asked.target.from, asking ? asked.target.lines : 0)
        }

        guard rows > 0, taps > 0 else { return some(0..<count, 0..<0) }
        let joins = taps == 3 && step == 1
        // A row of three taps may reach one pixel into the padding.
        let inside = phase.inside(sourceStride: step, of: width, beyond: joins ? 1 : 0)
        let (begin, end) = (inside.lowerBound, inside.upperBound)
        for pixel in 0..<begin { some(pixel..<pixel + 1, phase.inside(pixel * step + first, of: width)) }
        if joins, begin < end {
            kernels.row3(
                end - begin, job.channels.count, space.sources, (begin + first + 1) * pitch, space.weights,
                phase.place * pitch, rows, begin + first < 0, end + first + 1 == width, pitch,
                target + begin * targetStep, targetStep, job.accumulate, job.done, asked.source.from,
                asked.source.lines, asked.target.from, asked.target.lines)
        } else {
            some(inside, 0..<taps, asking: true)
        }
        for pixel in end..<count { some(pixel..<pixel + 1, phase.inside(pixel * step + first, of: width)) }
    }
}

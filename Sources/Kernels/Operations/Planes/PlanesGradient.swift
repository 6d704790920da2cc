/// Backward-weights from planes: tiles of output channels by three taps, whose vectors sum the pixels that fall into each of
/// their lanes.
///
/// A task sums one slice of the output's rows, a few rows at a time, which stay in the first cache with what three taps see
/// of them. Slices are added in order, then lanes. The cut depends on the shape only.
struct PlanesGradient: ConvolutionWeightGradient {
    /// Taps of a tile.
    static let tapsTogether = 3

    private let shape: ConvolutionShape
    private let kernels: MicroKernelTable
    private let planeKernels: PlaneKernels
    private let planes: PixelPlanes
    private let turning: PlaneTurning

    private static let wantedTasks = 16
    /// Slices stop where their partial sums would take more than this many floats.
    private static let maximumPartials = 2 << 20
    /// Floats of the gradient, of one tile's channels, that stay in the first cache.
    private static let cachedFloats = 8192
    /// Additions to a lane that make a chain, more only where a single row has more.
    private static let chain = 128

    init(_ shape: ConvolutionShape, instructionSet: InstructionSet) {
        self.shape = shape
        kernels = .table(for: instructionSet)
        planeKernels = .table(for: instructionSet)
        planes = PixelPlanes(shape, instructionSet)
        turning = PlaneTurning(K: shape.K, instructionSet)
    }

    /// Blocks of output channels, a tile's rows each.
    private var blocks: Int { (shape.K + kernels.rows - 1) / kernels.rows }
    /// Tiles of the taps of one frame. The last begins early, so that it is full, and repeats what others hold.
    private var tiles: Int { (planes.taps.count + Self.tapsTogether - 1) / Self.tapsTogether }
    private func firstTap(_ tile: Int) -> Int { min(tile * Self.tapsTogether, planes.taps.count - Self.tapsTogether) }
    private var tileFloats: Int { kernels.rows * Self.tapsTogether * kernels.lanes }
    /// Floats of a slice's sums, `[t][block][tile][channel][tap][lane]`.
    private var sumCount: Int { shape.kernel.t * blocks * tiles * tileFloats }
    /// Floats of a row of the output's gradient of one channel.
    private var rowFloats: Int { planes.vectors * kernels.lanes }
    /// Rows of the output that are summed together.
    private var rowsTogether: Int {
        max(min(Self.cachedFloats / (kernels.rows * rowFloats), Self.chain / planes.vectors, shape.output.h), 1)
    }

    /// Bands of so many rows of all frames. Frames follow one another within a band, for they see most of the same rows of the
    /// input, which stay in the second cache.
    private var bands: Int { (shape.output.h + rowsTogether - 1) / rowsTogether }

    private var slices: Int {
        max(min(Self.wantedTasks, shape.output.t * bands, Self.maximumPartials / sumCount), 1)
    }

    /// Each thread's memory: some rows of the output's gradient, `[block][row][channel][pixel]`.
    struct Workspace: ThreadMemory {
        let gradient: UnsafeMutablePointer<Float>
        /// Where each output channel of a row goes.
        let channels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        let turning: PlaneTurning.Workspace

        init(_ g: PlanesGradient, _ carving: inout Carving) {
            gradient = carving.take(g.blocks * g.rowsTogether * g.kernels.rows * g.rowFloats)
            channels = carving.take(g.blocks * g.kernels.rows)
            turning = PlaneTurning.Workspace(g.turning, &carving)
        }
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        Carving.rounded(planes.count) + Carving.rounded(slices * sumCount)
            + max(threads * Workspace.floats(self), planes.scratchCount(threads: threads))
    }

    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let source: UnsafeMutablePointer<Float> = carving.take(planes.count)
        let sums: UnsafeMutablePointer<Float> = carving.take(slices * sumCount)
        let units = shape.output.t * bands
        for n in 0..<N {
            planes.copy(x + n * shape.inputCount, to: source, scratch: carving.rest, pool)
            Workspace.run(self, slices, in: carving.rest, pool) { slice, space in
                let sums = sums + slice * sumCount
                if n == 0 { sums.update(repeating: 0, count: sumCount) }
                for unit in slice * units / slices..<(slice + 1) * units / slices {
                    let (t, band) = (unit % shape.output.t, unit / shape.output.t)
                    let rows = band * shape.output.h / bands..<(band + 1) * shape.output.h / bands
                    sum(rows, of: t, source, dy + n * shape.outputCount, sums, space)
                }
            }
        }
        kernels.addSlices(slices, of: sumCount, sums, pool)
        pool.run(shape.K) { k in write(k, sums, dw) }
    }

    /// Adds some rows of a frame of the output.
    private func sum(
        _ rows: Range<Int>, of t: Int, _ source: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
        _ sums: UnsafeMutablePointer<Float>, _ space: Workspace
    ) {
        copyGradient(
            dy + (t * shape.output.h + rows.lowerBound) * shape.output.w * shape.K, rows.count, space)
        let (step, stepX) = (kernels.rows * rowFloats, shape.stride.h * planes.rowPitch)
        planes.taps.withUnsafeBufferPointer { taps in
            for dt in planes.frames(t) {
                let x = source + planes.place(t: t, dt: dt, h: rows.lowerBound)
                for block in 0..<blocks {
                    for tile in 0..<tiles {
                        planeKernels.weights(
                            rows.count, planes.vectors, x, taps.baseAddress! + firstTap(tile), stepX,
                            space.gradient + block * rowsTogether * step, step, rowFloats,
                            sums + ((dt * blocks + block) * tiles + tile) * tileFloats)
                    }
                }
            }
        }
    }

    /// Turns some rows of the output's gradient, zeros where they have channels or pixels that do not exist. What is not finite in
    /// a pixel that such a zero meets reaches the sum of its taps.
    private func copyGradient(_ dy: UnsafePointer<Float>, _ count: Int, _ space: Workspace) {
        let W = shape.output.w
        for row in 0..<count {
            for k in 0..<blocks * kernels.rows {
                let (block, channel) = k.quotientAndRemainder(dividingBy: kernels.rows)
                let to = space.gradient + ((block * rowsTogether + row) * kernels.rows + channel) * rowFloats
                space.channels[k] = to
                let valid = k < shape.K ? W : 0
                (to + valid).update(repeating: 0, count: rowFloats - valid)
            }
            turning.take(dy + row * W * shape.K, pixels: W, to: space.channels, space.turning)
        }
    }

    /// Adds the lanes of one output channel's sums, in f64, and writes `[C][t][h][w]`.
    private func write(_ k: Int, _ sums: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>) {
        let (kernel, C, lanes) = (shape.kernel, shape.C, kernels.lanes)
        let (block, channel) = k.quotientAndRemainder(dividingBy: kernels.rows)
        for dt in 0..<kernel.t {
            for tap in 0..<planes.taps.count {
                let tile = tap / Self.tapsTogether
                let place =
                    ((dt * blocks + block) * tiles + tile) * tileFloats
                    + (channel * Self.tapsTogether + tap - firstTap(tile)) * lanes
                let (dh, c, at) = (tap / (C * kernel.w), tap / kernel.w % C, tap % kernel.w)
                var total = 0.0
                for lane in 0..<lanes { total += Double(sums[place + lane]) }
                dw[(((k * C + c) * kernel.t + dt) * kernel.h + dh) * kernel.w + at] = Float(total)
            }
        }
    }
}

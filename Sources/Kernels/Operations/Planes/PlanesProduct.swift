/// Forward from planes: tiles of output channels by neighbouring pixels, turned into channels last as they are complete.
struct PlanesProduct: ConvolutionProduct {
    private let shape: ConvolutionShape
    private let kernels: MicroKernelTable
    private let planeKernels: PlaneKernels
    private let planes: PixelPlanes
    private let turning: PlaneTurning

    /// Rows of the output that a task computes, of one frame. Those of the next frame, whose taps see most of the same rows of
    /// the input, come next: they stay in the second cache.
    private static let rowsTogether = 8
    /// Taps of a chain of f32 additions, at most.
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
    private var bands: Int { (shape.output.h + Self.rowsTogether - 1) / Self.rowsTogether }

    /// `[block][t][tap][channel]`.
    var packedCount: Int { blocks * shape.kernel.t * planes.taps.count * kernels.rows }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let (kernel, C, rows) = (shape.kernel, shape.C, kernels.rows)
        var to = packed
        for block in 0..<blocks {
            for dt in 0..<kernel.t {
                for tap in 0..<planes.taps.count {
                    let (dh, c, dw) = (tap / (C * kernel.w), tap / kernel.w % C, tap % kernel.w)
                    let place = ((c * kernel.t + dt) * kernel.h + dh) * kernel.w + dw
                    for row in 0..<rows {
                        let k = block * rows + row
                        to[row] = k < shape.K ? weights[k * C * kernel.count + place] : 0
                    }
                    to += rows
                }
            }
        }
    }

    /// Each thread's memory.
    struct Workspace: ThreadMemory {
        /// A tile of all output channels, `[channel][pixel]`.
        let tile: UnsafeMutablePointer<Float>
        let turning: PlaneTurning.Workspace

        init(_ product: PlanesProduct, _ carving: inout Carving) {
            tile = carving.take(product.blocks * product.kernels.rows * 3 * product.kernels.lanes)
            turning = PlaneTurning.Workspace(product.turning, &carving)
        }
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        Carving.rounded(planes.count) + max(threads * Workspace.floats(self), planes.scratchCount(threads: threads))
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        precondition(!accumulate, "a forward pass, which adds to nothing")
        run(N, source, packed, target, nil, scratch, pool)
    }

    /// The tasks of a clip; the next clip adds to the same slots.
    func epilogueSlots(N: Int) -> Int? { shape.output.t * bands }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        precondition(prologue == nil, "a prologue, which nothing stands before a first layer to need")
        run(N, source, packed, target, epilogue, scratch, pool)
    }

    private func run(
        _ N: Int, _ source: UnsafePointer<Float>, _ packed: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>, _ epilogue: EpilogueRun?, _ scratch: UnsafeMutablePointer<Float>,
        _ pool: ThreadPool
    ) {
        let output = shape.output
        let workspaces = scratch + Carving.rounded(planes.count)
        for n in 0..<N {
            planes.copy(source + n * shape.inputCount, to: scratch, scratch: workspaces, pool)
            Workspace.run(self, output.t * bands, in: workspaces, pool) { task, space in
                let (t, first) = (task % output.t, task / output.t * Self.rowsTogether)
                for h in first..<min(first + Self.rowsTogether, output.h) {
                    let pixel = ((n * output.t + t) * output.h + h) * output.w
                    computeRow(t, h, scratch, packed, target + pixel * shape.K, space)
                    epilogue?.finish(pixels: pixel, count: output.w, channels: 0..<shape.K, slot: task)
                }
            }
        }
    }

    private func computeRow(
        _ t: Int, _ h: Int, _ source: UnsafePointer<Float>, _ packed: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>, _ space: Workspace
    ) {
        let (lanes, rows) = (kernels.lanes, kernels.rows)
        let (frames, count) = (planes.frames(t), planes.taps.count)
        let chains = (count + Self.chain - 1) / Self.chain
        let tiles = (planes.vectors + 2) / 3
        planes.taps.withUnsafeBufferPointer { taps in
            for tile in 0..<tiles {
                let vectors = tile * planes.vectors / tiles..<(tile + 1) * planes.vectors / tiles
                let multiply = planeKernels.tile(vectors.count)
                let pitch = vectors.count * lanes
                if frames.isEmpty { space.tile.update(repeating: 0, count: blocks * rows * pitch) }
                for block in 0..<blocks {
                    for dt in frames {
                        let x = source + planes.place(t: t, dt: dt, h: h) + vectors.lowerBound * lanes
                        let weights = packed + (block * shape.kernel.t + dt) * count * rows
                        for chain in 0..<chains {
                            let (first, end) = (chain * count / chains, (chain + 1) * count / chains)
                            multiply(
                                x, taps.baseAddress! + first, end - first, weights + first * rows,
                                space.tile + block * rows * pitch, dt > frames.lowerBound || chain > 0)
                        }
                    }
                }
                let first = vectors.lowerBound * lanes
                turning.put(
                    space.tile, pitch: pitch, pixels: min(pitch, shape.output.w - first), to: target + first * shape.K,
                    space.turning)
            }
        }
    }
}

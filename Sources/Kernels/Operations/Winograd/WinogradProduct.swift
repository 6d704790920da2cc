/// Forward and backward-data of Winograd's convolution: transforms patches of the source, multiplies them with the
/// transformed weights point by point, and transforms the products to tiles of the target.
///
/// A block of tiles stays in the second cache from its first transform to its last, and a task goes through all panels of
/// the weights with it. Where there are few blocks, the patches of all of them are transformed first, and then each block
/// with each panel is a task: all threads have work and a panel is read once for all blocks, but patches come from another
/// processor's cache. The sums are the same.
struct WinogradProduct: WinogradSchedule {
    let transforms: WinogradTransforms
    private let packing: WinogradPacking
    /// Whether the transformed weights stay in the last cache from one block to the next.
    private let holdsWeights: Bool

    /// Rows of a block, a tile at one frame each, which are multiplied with the weights together. `fewerRows` where the
    /// patches of `blockRows` are more than `cachedFloats` and the weights are held: many rows share what is read of weights
    /// that come from memory.
    private static let (blockRows, fewerRows) = (32, 16)
    /// With phases, tiles of a block: on one side each has four patches or rows.
    private static let tilesOfPhases = 16
    /// Floats of a block's patches: half of a second cache of 1 MiB. Products and weights need the other half.
    private static let cachedFloats = 1 << 17
    /// Floats of transformed weights that the last cache is taken to hold, 8 MiB. Each block reads all weights: more than
    /// these would come from memory each time, which costs more than anything else.
    private static let heldWeights = 1 << 21
    /// Each panel is a task of its own where there are fewer blocks than `blocksPerThread` for each thread, or, where the
    /// weights are not held, fewer than `blocksBeyondCache`.
    private static let (blocksPerThread, blocksBeyondCache) = (4, 24)
    /// Blocks are shared out among at most this many tasks, each with sums of its own for an epilogue.
    private static let maximumParts = 128
    /// Steps of a sum before it is added to memory: with three vectors of columns 24 KiB of weights.
    private static let chunkSteps = 128

    init(_ plan: WinogradPlan, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        holdsWeights = Self.holdsWeights(of: plan)
        let fits = Self.blockRows * plan.points * plan.C <= Self.cachedFloats
        let rows =
            plan.tiling == .phases
            ? Self.tilesOfPhases * plan.targetFrames
            : fits || !holdsWeights ? Self.blockRows : Self.fewerRows
        transforms = WinogradTransforms(
            plan, widest: 3, mostRows: rows, framesInside: false, instructionSet: instructionSet)
        packing = WinogradPacking(plan: plan, panels: transforms.panels, pass, instructionSet: instructionSet)
    }

    /// Whether the last cache is taken to hold the transformed weights.
    static func holdsWeights(of plan: WinogradPlan) -> Bool {
        plan.points * plan.outerTaps * plan.C * plan.K <= heldWeights
    }

    private var plan: WinogradPlan { transforms.plan }
    private var panels: Panels { transforms.panels }

    private func blocks(_ N: Int) -> Int {
        (transforms.tileCount(N: N) + transforms.mostTiles - 1) / transforms.mostTiles
    }
    /// The tiles of the grid in a block.
    private func tiles(_ block: Int, _ N: Int) -> Range<Int> {
        let (count, blocks) = (transforms.tileCount(N: N), blocks(N))
        return block * count / blocks..<(block + 1) * count / blocks
    }
    /// From so many blocks on a task takes blocks with all panels; with fewer each panel is a task of its own. However many
    /// the threads, it is no more than an epilogue has slots: blocks that may go either way then have a slot each on both.
    /// Else the epilogue's sums would depend on the number of threads.
    private func manyBlocks(threads: Int) -> Int {
        min(max(Self.blocksPerThread * threads, holdsWeights ? 0 : Self.blocksBeyondCache), Self.maximumParts)
    }

    /// Floats of a block's patches.
    private var patchFloats: Int { transforms.patchFloats(tiles: transforms.mostTiles) }

    var packedCount: Int { packing.count }

    func scratchCount(N: Int, threads: Int) -> Int {
        // Fewer clips may share patches where more do not.
        let shared = min(blocks(N), manyBlocks(threads: threads) - 1) * Carving.rounded(patchFloats)
        return jobFloats + shared + threads * Workspace.floats(self)
    }

    /// Each thread's memory, carved out of the scratch.
    private struct Workspace: ThreadMemory {
        let patches: UnsafeMutablePointer<Float>
        let tables: WinogradTransforms.Tables

        init(_ p: WinogradProduct, _ carving: inout Carving) {
            patches = carving.take(p.patchFloats)
            tables = WinogradTransforms.Tables(p.transforms, &carving)
        }
    }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        packing.run(weights: weights, packed: packed, pool: pool)
    }

    /// Blocks are shared out among so many tasks.
    func epilogueSlots(N: Int) -> Int? { min(blocks(N), Self.maximumParts) }

    func run(_ job: WinogradJob, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let (N, blocks) = (job.N, blocks(job.N))
        guard blocks < manyBlocks(threads: pool.threads) else {
            let parts = min(blocks, Self.maximumParts)
            Workspace.run(self, parts, in: scratch, pool) { part, space in
                for block in part * blocks / parts..<(part + 1) * blocks / parts {
                    let patches = WinogradTransforms.Patches(tiles: tiles(block, N), memory: space.patches)
                    transform(job, patches, space)
                    transforms.list(job, patches.tiles, of: patches, space.tables)
                    for panel in 0..<panels.count {
                        multiply(job, patches.tiles.count, panel, turnsOver: panels.paddedColumns, space.tables)
                        transforms.finish(job, patches.tiles, panel, slot: part, space.tables)
                    }
                }
            }
            return
        }
        let pitch = Carving.rounded(patchFloats)
        var carving = Carving(scratch)
        let memory: UnsafeMutablePointer<Float> = carving.take(blocks * pitch)
        func shared(_ block: Int) -> WinogradTransforms.Patches {
            WinogradTransforms.Patches(tiles: tiles(block, N), memory: memory + block * pitch)
        }
        Workspace.run(self, blocks, in: carving.rest, pool) { block, space in
            transform(job, shared(block), space)
        }
        // The blocks of one panel follow one another, so that its weights stay in the cache.
        Workspace.run(self, blocks * panels.count, in: carving.rest, pool) { task, space in
            let (panel, block) = (task / blocks, task % blocks)
            let patches = shared(block)
            transforms.list(job, patches.tiles, of: patches, space.tables)
            let columns = panels.width(panel) * panels.lanes
            multiply(job, patches.tiles.count, panel, turnsOver: columns, space.tables)
            transforms.finish(job, patches.tiles, panel, slot: block, space.tables)
        }
    }

    /// Transforms the patches of a block, one frame of all its tiles after another.
    private func transform(_ job: WinogradJob, _ patches: WinogradTransforms.Patches, _ space: Workspace) {
        for frame in 0..<plan.sourceFrames {
            transforms.transform(job, patches.tiles, frame: frame, to: patches, space.tables)
        }
    }

    /// Multiplies a block's patches with one panel of the weights, point by point. On the way it asks for the pixels that
    /// will be written: they come while the processor multiplies.
    /// - Parameter turnover: columns that are multiplied with before those of the panel are needed again.
    private func multiply(
        _ job: WinogradJob, _ tiles: Int, _ panel: Int, turnsOver turnover: Int, _ tables: WinogradTransforms.Tables
    ) {
        let (rows, taps, C) = (transforms.kernels.rows, plan.outerTaps, plan.C)
        let width = panels.width(panel)
        let columns = width * panels.lanes
        let weightCalls = panels.callsForWeights(width, turnover: plan.points * taps * C * turnover)
        let (quiet, asking) = (
            transforms.kernels.gatherTile(width, asks: false), transforms.kernels.gatherTile(width, asks: true)
        )
        let prefetch = transforms.winograd.prefetch
        let weights = job.weights + packing.base(panel)
        let (pointPitch, patchPointPitch) = (packing.pointPitch(panel), transforms.patchPointPitch)
        let tapsPerChunk = min(max(Self.chunkSteps / C, 1), taps)
        let pieces = (C + Self.chunkSteps - 1) / Self.chunkSteps
        let pixels = tiles * plan.targetFrames * plan.outputPixels
        let firstColumn = panels.firstColumn(panel)
        let groups = transforms.rowGroups(tiles: tiles)
        let calls = plan.points * groups
        var (asked, call) = (0, 0)
        for point in 0..<plan.points {
            let b = weights + point * pointPitch
            let seen = plan.taps(at: point)
            var first = seen.lowerBound
            while first < seen.upperBound {
                let end = min(first + tapsPerChunk, seen.upperBound)
                for piece in 0..<pieces {
                    let begin = piece * C / pieces
                    let steps = (piece + 1) * C / pieces - begin
                    let begins = first == seen.lowerBound && piece == 0
                    var next = b + (piece == pieces - 1 ? end * C : first * C + begin + steps) * columns
                    if piece == pieces - 1, end == seen.upperBound, point + 1 < plan.points {
                        next = weights + (point + 1) * pointPitch + plan.taps(at: point + 1).lowerBound * C * columns
                    }
                    var working = 0
                    for group in 0..<groups {
                        if begins {
                            call += 1
                            let until = call * pixels / calls
                            prefetch(until - asked, tables.targets + asked, firstColumn, width)
                            asked = until
                        }
                        let before = tables.before + group * (taps + 1)
                        let (used, count) = (group * taps + before[first], before[end] - before[first])
                        // Where there is nothing to add, the sum is zero.
                        let empty = before[seen.lowerBound] == before[seen.upperBound]
                        guard count > 0 || empty && begins else { continue }
                        let adds = before[first] > before[seen.lowerBound] || piece > 0
                        // The others have nothing to ask for.
                        let ahead = next + working * floatsOfLine * count * steps
                        working += 1
                        (working <= weightCalls ? asking : quiet)(
                            tables.rows + used * rows, point * patchPointPitch + begin, tables.taps + used, count,
                            steps, b + begin * columns, C * columns, ahead,
                            tables.productRows + group * rows, point * columns, adds)
                    }
                }
                first = end
            }
        }
    }
}

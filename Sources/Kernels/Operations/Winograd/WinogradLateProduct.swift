/// Forward and backward-data of Winograd's convolution for late layers: few tiles, weights of many megabytes.
///
/// There the transformed weights, four times as large as the canonical ones, would have to be written to memory and read
/// again. Here a task makes those of one panel and some channels, a piece that stays in the second cache, multiplies all
/// tiles with it and forgets it: the canonical weights are read once, and that is all that is read of them.
///
/// The sum of an output is cut into pieces of channels, added in order; each is one chain over the taps along time and the
/// piece's channels.
struct WinogradLateProduct: WinogradSchedule {
    let transforms: WinogradTransforms
    private let packing: WinogradPacking

    /// Rows of the products, transformed tiles with their frames, that share the weights of a task.
    private static let groupRows = 64
    /// Groups whose tasks run side by side; the patches of so many are in memory.
    private static let groupsTogether = 2
    /// Tiles of one frame that are transformed by a task.
    private static let tilesPerTask = 4
    /// Steps of a chain of a sum, or the taps of 16 channels where those are more: its weights, 288 KiB with two vectors of
    /// columns, stay in the second cache.
    private static let chainSteps = 64
    /// Weights that a task copies where they are asked for packed.
    private static let copiedTogether = 1 << 16

    init(_ plan: WinogradPlan, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        // With three vectors a piece would leave no room for the products beside it.
        transforms = WinogradTransforms(
            plan, widest: 2, mostRows: Self.groupRows, framesInside: true, instructionSet: instructionSet)
        packing = WinogradPacking(plan: plan, panels: transforms.panels, pass, instructionSet: instructionSet)
    }

    // MARK: - Sizes

    private var plan: WinogradPlan { transforms.plan }
    private var panels: Panels { transforms.panels }
    private var tilesPerGroup: Int { transforms.mostTiles }
    private var tilesTogether: Int { tilesPerGroup * Self.groupsTogether }

    /// Source channels of a piece at most.
    private var pieceChannels: Int {
        let least = WinogradPacking.channelsTogether
        return min(max(Self.chainSteps / plan.outerTaps / least * least, least), plan.C)
    }
    private var pieces: Int { (plan.C + pieceChannels - 1) / pieceChannels }
    /// The same number in each piece, to within one.
    private func channels(_ piece: Int) -> Range<Int> { piece * plan.C / pieces..<(piece + 1) * plan.C / pieces }

    /// Floats of the patches that are in memory at once.
    private func patchFloats(N: Int) -> Int {
        transforms.patchFloats(tiles: min(transforms.tileCount(N: N), tilesTogether))
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        jobFloats + Carving.rounded(patchFloats(N: N)) + threads * Workspace.floats(self)
    }

    /// Each thread's memory, carved out of the scratch.
    private struct Workspace: ThreadMemory {
        /// The transformed weights, and what it takes to make them.
        let piece: UnsafeMutablePointer<Float>
        let packing: UnsafeMutablePointer<Float>
        let tables: WinogradTransforms.Tables

        init(_ p: WinogradLateProduct, _ carving: inout Carving) {
            let columns = p.transforms.mostColumns
            piece = carving.take(p.plan.outerTaps * p.plan.points * Carving.odd(p.pieceChannels * columns))
            packing = carving.take(p.packing.workFloats(columns))
            tables = WinogradTransforms.Tables(p.transforms, &carving)
        }
    }

    // MARK: - The weights

    var readsCanonical: Bool { true }

    var packedCount: Int { plan.C * plan.K * plan.taps }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        let (count, together) = (packedCount, Self.copiedTogether)
        pool.run((count + together - 1) / together) { task in
            let begin = task * together
            (packed + begin).update(from: weights + begin, count: min(together, count - begin))
        }
    }

    // MARK: - The product

    /// Groups that run side by side have slots of their own; those that follow one another share them.
    func epilogueSlots(N: Int) -> Int? {
        min((transforms.tileCount(N: N) + tilesPerGroup - 1) / tilesPerGroup, Self.groupsTogether)
    }

    func run(_ job: WinogradJob, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        var carving = Carving(scratch)
        let memory: UnsafeMutablePointer<Float> = carving.take(patchFloats(N: job.N))
        let (workspaces, count) = (carving.rest, transforms.tileCount(N: job.N))
        for first in stride(from: 0, to: count, by: tilesTogether) {
            let patches = WinogradTransforms.Patches(
                tiles: first..<min(first + tilesTogether, count), memory: memory)
            let (together, end) = (patches.tiles.count, patches.tiles.upperBound)
            let parts = (together + Self.tilesPerTask - 1) / Self.tilesPerTask
            Workspace.run(self, parts * plan.sourceFrames, in: workspaces, pool) { task, space in
                let (frame, part) = (task / parts, task % parts)
                let begin = first + part * Self.tilesPerTask
                transforms.transform(
                    job, begin..<min(begin + Self.tilesPerTask, end), frame: frame, to: patches, space.tables)
            }
            let groups = (together + tilesPerGroup - 1) / tilesPerGroup
            Workspace.run(self, panels.count * groups, in: workspaces, pool) { task, space in
                let (panel, group) = (task / groups, task % groups)
                let begin = first + group * tilesPerGroup
                let tiles = begin..<min(begin + tilesPerGroup, end)
                let taps = transforms.list(job, tiles, of: patches, space.tables)
                multiply(job, tiles.count, taps, panel, space)
                transforms.finish(job, tiles, panel, slot: group, space.tables)
            }
        }
    }

    /// Multiplies a group's patches with one panel of the weights at the taps that are seen, piece by piece and point by
    /// point.
    private func multiply(_ job: WinogradJob, _ tiles: Int, _ seen: Range<Int>, _ panel: Int, _ space: Workspace) {
        let (rows, taps, points) = (transforms.kernels.rows, plan.outerTaps, plan.points)
        let (tables, groups, patchPointPitch) = (
            space.tables, transforms.rowGroups(tiles: tiles), transforms.patchPointPitch
        )
        let columns = panels.width(panel) * panels.lanes
        let tile = transforms.kernels.gatherTile(panels.width(panel), asks: false)
        for number in 0..<pieces {
            let channels = channels(number)
            let (steps, pointPitch) = (channels.count, Carving.odd(channels.count * columns))
            packing.transform(
                job.weights, panel: panel, channels: channels, taps: seen, asks: true, to: space.piece,
                pointPitch: pointPitch, tapPitch: points * pointPitch, work: space.packing)
            for point in 0..<points {
                for group in 0..<groups {
                    tile(
                        tables.rows + group * taps * rows, point * patchPointPitch + channels.lowerBound,
                        tables.taps + group * taps, tables.before[group * (taps + 1) + taps], steps,
                        space.piece + point * pointPitch, points * pointPitch, space.piece,
                        tables.productRows + group * rows, point * columns, number > 0)
                }
            }
        }
    }
}

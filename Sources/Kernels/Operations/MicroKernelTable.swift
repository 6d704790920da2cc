import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The entry points of one instruction set's micro-kernels; `Sources/Kernels/Micro` says what each does.
struct MicroKernelTable: Sendable {
    typealias Rows = UnsafePointer<UnsafePointer<Float>>
    typealias GatherTile =
        @Sendable (
            _ a: Rows, _ aOffset: Int, _ taps: UnsafePointer<Int32>, _ tapCount: Int, _ length: Int,
            _ b: UnsafePointer<Float>, _ bTapStride: Int, _ c: UnsafePointer<UnsafeMutablePointer<Float>>,
            _ cOffset: Int, _ accumulate: Bool
        ) -> Void
    typealias WeightTile =
        @Sendable (
            _ pixels: Int, _ a: Rows, _ aOffset: Int, _ b: Rows, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
        ) -> Void

    /// Floats in a vector.
    let lanes: Int
    /// Rows of a tile.
    let rows: Int
    /// Tiles of one, two and three vectors.
    let gatherTiles: [GatherTile]
    let weightTiles: [WeightTile]
    let multiplyAddChains: @Sendable (_ rounds: Int, _ seed: Float) -> Float

    static func table(for set: InstructionSet) -> MicroKernelTable {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512: avx512
        }
    }

    private static let baseline = MicroKernelTable(
        lanes: MicroKernels.vectorLanes(), rows: MicroKernels.matrixRows(),
        gatherTiles: [MicroKernels.gatherTile1, MicroKernels.gatherTile2, MicroKernels.gatherTile3],
        weightTiles: [MicroKernels.weightTile1, MicroKernels.weightTile2, MicroKernels.weightTile3],
        multiplyAddChains: MicroKernels.multiplyAddChains)

    private static let avx2 = MicroKernelTable(
        lanes: MicroKernelsAVX2.vectorLanes(), rows: MicroKernelsAVX2.matrixRows(),
        gatherTiles: [MicroKernelsAVX2.gatherTile1, MicroKernelsAVX2.gatherTile2, MicroKernelsAVX2.gatherTile3],
        weightTiles: [MicroKernelsAVX2.weightTile1, MicroKernelsAVX2.weightTile2, MicroKernelsAVX2.weightTile3],
        multiplyAddChains: MicroKernelsAVX2.multiplyAddChains)

    private static let avx512 = MicroKernelTable(
        lanes: MicroKernelsAVX512.vectorLanes(), rows: MicroKernelsAVX512.matrixRows(),
        gatherTiles: [MicroKernelsAVX512.gatherTile1, MicroKernelsAVX512.gatherTile2, MicroKernelsAVX512.gatherTile3],
        weightTiles: [MicroKernelsAVX512.weightTile1, MicroKernelsAVX512.weightTile2, MicroKernelsAVX512.weightTile3],
        multiplyAddChains: MicroKernelsAVX512.multiplyAddChains)
}

import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The entry points of one instruction set's depthwise micro-kernels; `Sources/Kernels/Micro/Depthwise*.swift` say what
/// each does.
struct DepthwiseKernels: Sendable {
    typealias Rows = UnsafePointer<UnsafePointer<Float>>
    typealias Sums = UnsafePointer<UnsafeMutablePointer<Float>>

    /// Floats in a vector.
    let lanes: Int
    let row:
        @Sendable (
            _ pixels: Int, _ channels: Int, _ sources: Rows, _ sourceOffset: Int, _ weights: Rows, _ weightOffset: Int,
            _ rows: Int, _ taps: Int, _ pitch: Int, _ sourceStep: Int, _ target: UnsafeMutablePointer<Float>,
            _ targetStep: Int, _ accumulate: Bool, _ done: UnsafePointer<Float>, _ ahead: UnsafePointer<Float>,
            _ aheadLines: Int, _ toWrite: UnsafePointer<Float>, _ toWriteLines: Int
        ) -> Void
    let row3:
        @Sendable (
            _ pixels: Int, _ channels: Int, _ sources: Rows, _ sourceOffset: Int, _ weights: Rows, _ weightOffset: Int,
            _ rows: Int, _ left: Bool, _ right: Bool, _ pitch: Int, _ target: UnsafeMutablePointer<Float>,
            _ targetStep: Int, _ accumulate: Bool, _ done: UnsafePointer<Float>, _ ahead: UnsafePointer<Float>,
            _ aheadLines: Int, _ toWrite: UnsafePointer<Float>, _ toWriteLines: Int
        ) -> Void
    let weights:
        @Sendable (
            _ pixels: Int, _ channels: Int, _ sources: Rows, _ sourceOffset: Int, _ sums: Sums, _ count: Int,
            _ sourceStep: Int, _ dy: UnsafePointer<Float>, _ dyStep: Int
        ) -> Void
    let weights3:
        @Sendable (
            _ pixels: Int, _ channels: Int, _ sources: Rows, _ sums: Sums, _ sumPitch: Int, _ rows: Int, _ pitch: Int,
            _ dy: UnsafePointer<Float>, _ ahead: UnsafePointer<Float>, _ aheadLines: Int
        ) -> Void
    let moveSums:
        @Sendable (_ count: Int, _ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Double>) -> Void

    static func table(for set: InstructionSet) -> DepthwiseKernels {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512, .avx512BF16: avx512
        }
    }

    private static let baseline = DepthwiseKernels(
        lanes: MicroKernels.vectorLanes(), row: MicroKernels.depthwiseRow, row3: MicroKernels.depthwiseRow3,
        weights: MicroKernels.depthwiseWeights, weights3: MicroKernels.depthwiseWeights3,
        moveSums: MicroKernels.moveSums)

    private static let avx2 = DepthwiseKernels(
        lanes: MicroKernelsAVX2.vectorLanes(), row: MicroKernelsAVX2.depthwiseRow,
        row3: MicroKernelsAVX2.depthwiseRow3, weights: MicroKernelsAVX2.depthwiseWeights,
        weights3: MicroKernelsAVX2.depthwiseWeights3, moveSums: MicroKernelsAVX2.moveSums)

    private static let avx512 = DepthwiseKernels(
        lanes: MicroKernelsAVX512.vectorLanes(), row: MicroKernelsAVX512.depthwiseRow,
        row3: MicroKernelsAVX512.depthwiseRow3, weights: MicroKernelsAVX512.depthwiseWeights,
        weights3: MicroKernelsAVX512.depthwiseWeights3, moveSums: MicroKernelsAVX512.moveSums)
}

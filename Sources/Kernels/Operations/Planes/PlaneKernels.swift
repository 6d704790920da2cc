import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The entry points of one instruction set's micro-kernels for planes; `Sources/Kernels/Micro/PlaneTile.swift` says what
/// each does.
struct PlaneKernels: Sendable {
    typealias Tile =
        @Sendable (
            _ source: UnsafePointer<Float>, _ taps: UnsafePointer<Int>, _ tapCount: Int,
            _ weights: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ accumulate: Bool
        ) -> Void

    private let tile1: Tile
    private let tile2: Tile
    private let tile3: Tile
    let weights:
        @Sendable (
            _ rows: Int, _ vectors: Int, _ x: UnsafePointer<Float>, _ taps: UnsafePointer<Int>, _ xStep: Int,
            _ dy: UnsafePointer<Float>, _ dyStep: Int, _ dyPitch: Int, _ sums: UnsafeMutablePointer<Float>
        ) -> Void

    /// The tile that is `width` vectors wide.
    func tile(_ width: Int) -> Tile { width == 3 ? tile3 : width == 2 ? tile2 : tile1 }

    static func table(for set: InstructionSet) -> PlaneKernels {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512, .avx512BF16: avx512
        }
    }

    private static let baseline = PlaneKernels(
        tile1: MicroKernels.planeTile1, tile2: MicroKernels.planeTile2, tile3: MicroKernels.planeTile3,
        weights: MicroKernels.planeWeights)

    private static let avx2 = PlaneKernels(
        tile1: MicroKernelsAVX2.planeTile1, tile2: MicroKernelsAVX2.planeTile2, tile3: MicroKernelsAVX2.planeTile3,
        weights: MicroKernelsAVX2.planeWeights)

    private static let avx512 = PlaneKernels(
        tile1: MicroKernelsAVX512.planeTile1, tile2: MicroKernelsAVX512.planeTile2,
        tile3: MicroKernelsAVX512.planeTile3, weights: MicroKernelsAVX512.planeWeights)
}

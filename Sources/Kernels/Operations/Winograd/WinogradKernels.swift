import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The micro-kernels of Winograd's convolution in one instruction set; `Sources/Kernels/Micro` says what each does.
struct WinogradKernels: Sendable {
    typealias Input = UnsafePointer<Float>
    typealias Output = UnsafeMutablePointer<Float>
    typealias Pixels = UnsafePointer<UnsafePointer<Float>>
    typealias Product =
        @Sendable (
            _ count: Int, _ a: Input, _ aPitch: Int, _ b: Input, _ bPitch: Int, _ c: Output, _ cPitch: Int,
            _ accumulate: Bool
        ) -> Void

    let input:
        @Sendable (
            _ space: Bool, _ pixels: Pixels, _ ahead: Pixels, _ channels: Int, _ factor: Input?, _ offset: Input?,
            _ work: Output,
            _ to: Output, _ pitch: Int, _ groupPitch: Int
        ) -> Void
    let inputRows:
        @Sendable (
            _ pair: Int, _ pixels: Pixels, _ ahead: Pixels, _ channels: Int, _ factor: Input?, _ offset: Input?,
            _ to: Output, _ pitch: Int
        ) -> Void
    let gradientRows:
        @Sendable (_ pair: Int, _ pixels: Pixels, _ ahead: Pixels, _ channels: Int, _ to: Output, _ pitch: Int) -> Void
    let gradientInTime:
        @Sendable (_ pixels: Pixels, _ ahead: Pixels, _ channels: Int, _ to: Output, _ pitch: Int) -> Void
    let output:
        @Sendable (
            _ space: Bool, _ from: Input, _ pitch: Int, _ channels: Int,
            _ pixels: UnsafePointer<UnsafeMutablePointer<Float>>, _ at: Int, _ accumulate: Bool, _ work: Output
        ) -> Void
    let weights:
        @Sendable (
            _ space: Bool, _ count: Int, _ taps: Input, _ tapPitch: Int, _ points: Output, _ pointPitch: Int,
            _ work: Output
        ) -> Void
    let weightGradient:
        @Sendable (
            _ space: Bool, _ count: Int, _ points: Input, _ pointPitch: Int, _ taps: Output, _ tapPitch: Int,
            _ work: Output
        ) -> Void
    let phaseInput:
        @Sendable (
            _ rows: Int, _ columns: Int, _ pixels: Pixels, _ ahead: Pixels, _ channels: Int, _ factor: Input?,
            _ offset: Input?, _ to: Output, _ pitch: Int
        ) -> Void
    let phaseOutput:
        @Sendable (
            _ from: Input, _ pitch: Int, _ channels: Int, _ pixels: UnsafePointer<UnsafeMutablePointer<Float>>,
            _ at: Int, _ accumulate: Bool, _ work: Output
        ) -> Void
    let phaseWeights:
        @Sendable (
            _ count: Int, _ taps: Input, _ tapPitch: Int, _ points: Output, _ pointPitch: Int, _ phasePitch: Int,
            _ work: Output
        ) -> Void
    let prefetch:
        @Sendable (_ count: Int, _ pixels: UnsafePointer<UnsafeMutablePointer<Float>>, _ at: Int, _ vectors: Int) ->
            Void
    private let product1: Product
    private let product2: Product
    private let product3: Product

    /// Vectors of work memory that each of them may ask for.
    static let workVectors = 40

    /// The tile that is `width` vectors wide.
    func product(_ width: Int) -> Product { width == 3 ? product3 : width == 2 ? product2 : product1 }

    static func table(for set: InstructionSet) -> WinogradKernels {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512, .avx512BF16: avx512
        }
    }

    private static let baseline = WinogradKernels(
        input: MicroKernels.winogradInput, inputRows: MicroKernels.winogradInputRows,
        gradientRows: MicroKernels.winogradGradientRows, gradientInTime: MicroKernels.winogradGradientInTime,
        output: MicroKernels.winogradOutput, weights: MicroKernels.winogradWeights,
        weightGradient: MicroKernels.winogradWeightGradient, phaseInput: MicroKernels.winogradPhaseInput,
        phaseOutput: MicroKernels.winogradPhaseOutput, phaseWeights: MicroKernels.winogradPhaseWeights,
        prefetch: MicroKernels.prefetchPixels,
        product1: MicroKernels.productTile1,
        product2: MicroKernels.productTile2, product3: MicroKernels.productTile3)

    private static let avx2 = WinogradKernels(
        input: MicroKernelsAVX2.winogradInput, inputRows: MicroKernelsAVX2.winogradInputRows,
        gradientRows: MicroKernelsAVX2.winogradGradientRows, gradientInTime: MicroKernelsAVX2.winogradGradientInTime,
        output: MicroKernelsAVX2.winogradOutput, weights: MicroKernelsAVX2.winogradWeights,
        weightGradient: MicroKernelsAVX2.winogradWeightGradient, phaseInput: MicroKernelsAVX2.winogradPhaseInput,
        phaseOutput: MicroKernelsAVX2.winogradPhaseOutput, phaseWeights: MicroKernelsAVX2.winogradPhaseWeights,
        prefetch: MicroKernelsAVX2.prefetchPixels,
        product1: MicroKernelsAVX2.productTile1,
        product2: MicroKernelsAVX2.productTile2, product3: MicroKernelsAVX2.productTile3)

    private static let avx512 = WinogradKernels(
        input: MicroKernelsAVX512.winogradInput, inputRows: MicroKernelsAVX512.winogradInputRows,
        gradientRows: MicroKernelsAVX512.winogradGradientRows,
        gradientInTime: MicroKernelsAVX512.winogradGradientInTime,
        output: MicroKernelsAVX512.winogradOutput, weights: MicroKernelsAVX512.winogradWeights,
        weightGradient: MicroKernelsAVX512.winogradWeightGradient, phaseInput: MicroKernelsAVX512.winogradPhaseInput,
        phaseOutput: MicroKernelsAVX512.winogradPhaseOutput, phaseWeights: MicroKernelsAVX512.winogradPhaseWeights,
        prefetch: MicroKernelsAVX512.prefetchPixels,
        product1: MicroKernelsAVX512.productTile1,
        product2: MicroKernelsAVX512.productTile2, product3: MicroKernelsAVX512.productTile3)
}

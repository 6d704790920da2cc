import MicroKernelsAVX512BF16
import MicroKernelsAVX512BF16Emulated

/// The micro-kernels of bfloat16; `Sources/Kernels/MicroAVX512BF16` says what each does.
///
/// Pairs of bfloat16 take the place of a float each: memory, pointers and counts are those of floats.
struct BF16Kernels: Sendable {
    typealias Input = UnsafePointer<Float>
    typealias Output = UnsafeMutablePointer<Float>

    /// Those of f32, with matrix tiles that multiply pairs.
    let kernels: MicroKernelTable
    let pairRows:
        @Sendable (
            _ count: Int, _ low: Input?, _ high: Input?, _ factor: Input?, _ offset: Input?, _ to: Output
        ) -> Void
    let roundPixels:
        @Sendable (
            _ pixels: Int, _ channels: Int, _ from: Input, _ step: Int, _ factor: Input?, _ offset: Input?,
            _ to: Output
        ) -> Void
    let addPairProducts: @Sendable (_ count: Int, _ a: Input, _ b: Input, _ c: Output) -> Void
    let pairProductChains: @Sendable (_ rounds: Int, _ seed: Float) -> Float

    /// Pairs that so many channels make.
    static func slots(_ channels: Int) -> Int { (channels + 1) / 2 }

    /// `vdpbf16ps`, or what it is defined to do.
    static func table(emulated: Bool) -> BF16Kernels { emulated ? self.emulated : native }

    private static let native = BF16Kernels(
        kernels: .avx512(
            gatherTile1: MicroKernelsAVX512BF16.gatherTile1, gatherTile2: MicroKernelsAVX512BF16.gatherTile2,
            gatherTile3: MicroKernelsAVX512BF16.gatherTile3, askingTile1: MicroKernelsAVX512BF16.askingTile1,
            askingTile2: MicroKernelsAVX512BF16.askingTile2, askingTile3: MicroKernelsAVX512BF16.askingTile3,
            weightTile1: MicroKernelsAVX512BF16.weightTile1,
            weightTile2: MicroKernelsAVX512BF16.weightTile2, weightTile3: MicroKernelsAVX512BF16.weightTile3),
        pairRows: MicroKernelsAVX512BF16.pairRows, roundPixels: MicroKernelsAVX512BF16.roundPixels,
        addPairProducts: MicroKernelsAVX512BF16.addPairProducts,
        pairProductChains: MicroKernelsAVX512BF16.pairProductChains)

    private static let emulated = BF16Kernels(
        kernels: .avx512(
            gatherTile1: MicroKernelsAVX512BF16Emulated.gatherTile1,
            gatherTile2: MicroKernelsAVX512BF16Emulated.gatherTile2,
            gatherTile3: MicroKernelsAVX512BF16Emulated.gatherTile3,
            askingTile1: MicroKernelsAVX512BF16Emulated.askingTile1,
            askingTile2: MicroKernelsAVX512BF16Emulated.askingTile2,
            askingTile3: MicroKernelsAVX512BF16Emulated.askingTile3,
            weightTile1: MicroKernelsAVX512BF16Emulated.weightTile1,
            weightTile2: MicroKernelsAVX512BF16Emulated.weightTile2,
            weightTile3: MicroKernelsAVX512BF16Emulated.weightTile3),
        pairRows: MicroKernelsAVX512BF16Emulated.pairRows, roundPixels: MicroKernelsAVX512BF16Emulated.roundPixels,
        addPairProducts: MicroKernelsAVX512BF16Emulated.addPairProducts,
        pairProductChains: MicroKernelsAVX512BF16Emulated.pairProductChains)
}

import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The entry points of one instruction set's micro-kernels for batch norm with Swish;
/// `Sources/Kernels/Micro/SwishNormLoops.swift` says what each does.
struct SwishNormKernels: Sendable {
    typealias Input = UnsafePointer<Float>
    typealias Output = UnsafeMutablePointer<Float>

    let apply:
        @Sendable (
            _ count: Int, _ period: Int, _ x: Input, _ factor: Input, _ offset: Input, _ gate: Input?, _ y: Output
        ) -> Void
    let addSums:
        @Sendable (
            _ rows: Int, _ period: Int, _ x: Input, _ factor: Input, _ offset: Input, _ gate: Input?, _ dy: Input,
            _ mean: Input, _ first: Output, _ second: Output, _ sums: UnsafeMutablePointer<Double>,
            _ products: UnsafeMutablePointer<Double>
        ) -> Void
    let gradient:
        @Sendable (
            _ count: Int, _ period: Int, _ x: Input, _ factor: Input, _ offset: Input, _ gate: Input?, _ dy: Input,
            _ mean: Input, _ a: Input, _ b: Input, _ c: Input, _ dx: Output
        ) -> Void

    static func table(for set: InstructionSet) -> SwishNormKernels {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512, .avx512BF16: avx512
        }
    }

    private static let baseline = SwishNormKernels(
        apply: MicroKernels.normaliseSwish, addSums: MicroKernels.addSwishSums,
        gradient: MicroKernels.swishNormGradient)

    private static let avx2 = SwishNormKernels(
        apply: MicroKernelsAVX2.normaliseSwish, addSums: MicroKernelsAVX2.addSwishSums,
        gradient: MicroKernelsAVX2.swishNormGradient)

    private static let avx512 = SwishNormKernels(
        apply: MicroKernelsAVX512.normaliseSwish, addSums: MicroKernelsAVX512.addSwishSums,
        gradient: MicroKernelsAVX512.swishNormGradient)
}

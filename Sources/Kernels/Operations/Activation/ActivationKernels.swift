import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The entry points of one instruction set's micro-kernels for activations, softmax and sums over channels;
/// `Sources/Kernels/Micro/ActivationLoops.swift` and `ChannelLoops.swift` say what each does.
struct ActivationKernels: Sendable {
    typealias Input = UnsafePointer<Float>
    typealias Output = UnsafeMutablePointer<Float>

    let swish: @Sendable (_ count: Int, _ x: Input, _ y: Output) -> Void
    let swishBackward: @Sendable (_ count: Int, _ x: Input, _ dy: Input, _ dx: Output) -> Void
    let sigmoid: @Sendable (_ count: Int, _ x: Input, _ y: Output) -> Void
    let sigmoidBackward: @Sendable (_ count: Int, _ y: Input, _ dy: Input, _ dx: Output) -> Void
    let scale: @Sendable (_ count: Int, _ factor: Float, _ x: Input, _ y: Output) -> Void
    let softmax: @Sendable (_ count: Int, _ factor: Float, _ x: Output) -> Void
    let softmaxBackward: @Sendable (_ count: Int, _ factor: Float, _ y: Input, _ dy: Output) -> Void
    let addColumns:
        @Sendable (_ rows: Int, _ period: Int, _ x: Input, _ work: Output, _ sums: UnsafeMutablePointer<Double>) -> Void
    let addColumnProducts:
        @Sendable (
            _ rows: Int, _ period: Int, _ x: Input, _ y: Input, _ work: Output, _ sums: UnsafeMutablePointer<Double>
        ) -> Void
    let maxPool: @Sendable (_ count: Int, _ places: UnsafePointer<Int>, _ columns: Int, _ x: Input, _ y: Output) -> Void
    let maxPoolBackward:
        @Sendable (
            _ count: Int, _ places: UnsafePointer<Int>, _ columns: Int, _ x: Input, _ y: Input, _ dy: Input,
            _ dx: Output
        ) -> Void

    static func table(for set: InstructionSet) -> ActivationKernels {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512, .avx512BF16: avx512
        }
    }

    private static let baseline = ActivationKernels(
        swish: MicroKernels.swish, swishBackward: MicroKernels.swishBackward, sigmoid: MicroKernels.sigmoid,
        sigmoidBackward: MicroKernels.sigmoidBackward, scale: MicroKernels.scale, softmax: MicroKernels.softmax,
        softmaxBackward: MicroKernels.softmaxBackward, addColumns: MicroKernels.addColumns,
        addColumnProducts: MicroKernels.addColumnProducts, maxPool: MicroKernels.maxPool,
        maxPoolBackward: MicroKernels.maxPoolBackward)

    private static let avx2 = ActivationKernels(
        swish: MicroKernelsAVX2.swish, swishBackward: MicroKernelsAVX2.swishBackward,
        sigmoid: MicroKernelsAVX2.sigmoid, sigmoidBackward: MicroKernelsAVX2.sigmoidBackward,
        scale: MicroKernelsAVX2.scale, softmax: MicroKernelsAVX2.softmax,
        softmaxBackward: MicroKernelsAVX2.softmaxBackward, addColumns: MicroKernelsAVX2.addColumns,
        addColumnProducts: MicroKernelsAVX2.addColumnProducts, maxPool: MicroKernelsAVX2.maxPool,
        maxPoolBackward: MicroKernelsAVX2.maxPoolBackward)

    private static let avx512 = ActivationKernels(
        swish: MicroKernelsAVX512.swish, swishBackward: MicroKernelsAVX512.swishBackward,
        sigmoid: MicroKernelsAVX512.sigmoid, sigmoidBackward: MicroKernelsAVX512.sigmoidBackward,
        scale: MicroKernelsAVX512.scale, softmax: MicroKernelsAVX512.softmax,
        softmaxBackward: MicroKernelsAVX512.softmaxBackward, addColumns: MicroKernelsAVX512.addColumns,
        addColumnProducts: MicroKernelsAVX512.addColumnProducts, maxPool: MicroKernelsAVX512.maxPool,
        maxPoolBackward: MicroKernelsAVX512.maxPoolBackward)
}

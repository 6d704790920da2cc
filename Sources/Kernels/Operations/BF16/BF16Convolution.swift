/// The direct convolution of factors rounded to bfloat16, with sums in f32: everything but stems, which have few channels,
/// and groups.
enum BF16Convolution: ConvolutionImplementation {
    static let name = "bf16"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        guard instructionSet.compute == .bf16, takes(shape) else { return nil }
        return BF16Product(shape, pass, emulated: false)
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        guard instructionSet.compute == .bf16, takes(shape) else { return nil }
        return BF16WeightGradient(shape, emulated: false)
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool { true }

    static func takes(_ shape: ConvolutionShape) -> Bool { shape.groups == 1 && shape.C >= 16 && shape.K >= 16 }
}

/// The same without the instruction, for AVX-512: what `vdpbf16ps` is defined to do, in several others. By name only, for
/// tests on machines that lack it; it computes the bits that those have that do not.
enum EmulatedBF16Convolution: ConvolutionImplementation {
    static let name = "bf16-emulated"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        guard instructionSet >= .avx512, BF16Convolution.takes(shape) else { return nil }
        return BF16Product(shape, pass, emulated: true)
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        guard instructionSet >= .avx512, BF16Convolution.takes(shape) else { return nil }
        return BF16WeightGradient(shape, emulated: true)
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool { false }
}

/// Depthwise convolution: every output channel sees one input channel, its own. Bound by memory, not by arithmetic.
enum DepthwiseConvolution: ConvolutionImplementation {
    static let name = "depthwise"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        takes(shape) ? DepthwiseProduct(shape, pass, instructionSet: instructionSet) : nil
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        takes(shape) ? DepthwiseGradient(shape, instructionSet: instructionSet) : nil
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool { true }

    private static func takes(_ shape: ConvolutionShape) -> Bool {
        shape.groups > 1 && shape.groups == shape.C && shape.K == shape.C
    }
}

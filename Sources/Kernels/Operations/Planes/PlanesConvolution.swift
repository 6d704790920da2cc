/// Convolution from few input channels, as the first layers of networks have: each channel's pixels lie one after another
/// in a plane, and a vector is neighbouring pixels.
///
/// So vectors are full whatever the channels are, and all taps of a row are read where they lie, without gathering.
enum PlanesConvolution: ConvolutionImplementation {
    static let name = "planes"

    /// With more channels than this, pixels are gathered as well.
    private static let mostChannels = 4
    /// Output channels that it is worth it for: of fewer, several pixels fill a vector; with more, vectors of channels are as
    /// fast, and in a gradient they need no turning.
    private static let forward = 5...24
    private static let backwardWeights = 5...8
    /// Lanes of the widest vector.
    private static let widest = 16

    private static func takes(_ s: ConvolutionShape) -> Bool {
        s.groups == 1 && s.C <= mostChannels && s.C * s.kernel.h * s.kernel.w >= PlanesGradient.tapsTogether
    }

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        guard takes(shape) else { return nil }
        switch pass {
        case .forward: return PlanesProduct(shape, instructionSet: instructionSet)
        // Its output channels are the few ones.
        case .backwardData: return DirectConvolution.product(shape, pass, instructionSet: instructionSet)
        }
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        takes(shape) ? PlanesGradient(shape, instructionSet: instructionSet) : nil
    }

    /// Where rows have several taps and hardly a vector is half empty.
    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool {
        let filled = (shape.output.w + widest - 1) / widest * widest
        guard shape.kernel.w >= 3, 4 * shape.output.w >= 3 * filled else { return false }
        switch pass {
        case .forward: return forward.contains(shape.K)
        case .backwardData: return false
        case nil: return backwardWeights.contains(shape.K)
        }
    }
}

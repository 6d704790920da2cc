/// Winograd's convolution F(4, 3) (Lavin and Gray, CVPR 2016): a quarter of the multiplications of 1x3x3 and 3x3x3
/// kernels, half of those of 3x1x1; with F(4, 2) nine sixteenths of those of 1x3x3 with strides of two. Every value depends
/// on its own tile alone, so not on the batch.
enum WinogradConvolution: ConvolutionImplementation {
    static let name = "winograd"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        // Of phases more weights would be read from memory for every block: a hundred floats for each pair of channels.
        guard let plan = WinogradPlan(shape, pass), plan.tiling != .phases || WinogradProduct.holdsWeights(of: plan)
        else { return nil }
        return isLate(plan)
            ? WinogradLateProduct(plan, pass, instructionSet: instructionSet)
            : WinogradProduct(plan, pass, instructionSet: instructionSet)
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        // That of phases would transform the gradient four times: docs/performance.md.
        guard let plan = WinogradPlan(shape, .forward), plan.tiling != .phases else { return nil }
        return WinogradWeightGradient(plan, instructionSet: instructionSet)
    }

    /// Late layers have few tiles for their large weights, which the transform makes larger still.
    private static func isLate(_ plan: WinogradPlan) -> Bool {
        plan.tiling == .space && (isSmall(plan.target) || plan.rowsOfClip <= fewRows && plan.C * plan.K >= manyWeights)
    }

    /// Maps of fewer rows or columns are those of late layers.
    private static func isSmall(_ map: Extent3) -> Bool { min(map.h, map.w) < 12 }
    /// Larger maps are, where a clip has at most so many tiles, frames included, for at least so many pairs of channels.
    private static let (fewRows, manyWeights) = (32, 256 * 256)

    /// Whether direct products of bf16 are faster than Winograd's of f32 along time: where there are many target channels to
    /// pay for the rounding of the source; a weight gradient, where Winograd's sums are larger than its input.
    private static func pairsPay(_ shape: ConvolutionShape, _ pass: Convolution.Pass?) -> Bool {
        switch pass {
        case .forward: shape.K >= 128
        case .backwardData: shape.C >= 128
        case nil: isSmall(shape.output)
        }
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool {
        guard let plan = WinogradPlan(shape, .forward) else { return false }
        switch plan.tiling {
        case .time:
            guard shape.output.t >= 4, shape.output.count >= 256 else { return false }
            return compute == .f32 || !pairsPay(shape, pass)
        // With bf16 direct products are faster.
        case .phases: return compute == .f32 && !isSmall(plan.target)
        case .space: break
        }
        guard isSmall(plan.target) else { return true }
        // The sums of a weight gradient are larger than its input by far. Forward and backward-data pay where tiles do half
        // the work at most, and a clip has some tiles and channels to share the transforms.
        return pass != nil && min(shape.C, shape.K) >= 64 && plan.rowsOfClip >= 4
            && 9 * shape.output.h * shape.output.w >= 2 * plan.points * plan.grid.h * plan.grid.w
    }
}

import MicroKernels
import MicroKernelsAVX2
import MicroKernelsAVX512

/// The entry points of one instruction set's micro-kernels; `Sources/Kernels/Micro` says what each does.
struct MicroKernelTable: Sendable {
    typealias Input = UnsafePointer<Float>
    typealias Output = UnsafeMutablePointer<Float>
    typealias Rows = UnsafePointer<UnsafePointer<Float>>
    typealias GatherTile =
        @Sendable (
            _ a: Rows, _ aOffset: Int, _ taps: UnsafePointer<Int32>, _ tapCount: Int, _ length: Int,
            _ b: UnsafePointer<Float>, _ bTapStride: Int, _ ahead: Input,
            _ c: UnsafePointer<UnsafeMutablePointer<Float>>, _ cOffset: Int, _ accumulate: Bool
        ) -> Void
    typealias WeightTile =
        @Sendable (
            _ runs: UnsafePointer<Int>, _ runCount: Int, _ a: Input, _ aStep: Int, _ b: Input, _ ahead: Input,
            _ aheadStep: Int, _ c: Output, _ accumulate: Bool
        ) -> Void

    /// Floats in a vector.
    let lanes: Int
    /// Rows of a tile.
    let rows: Int
    // Tiles of one, two and three vectors; not in arrays, whose elements are called through one more function.
    private var gatherTile1: GatherTile
    private var gatherTile2: GatherTile
    private var gatherTile3: GatherTile
    private var askingTile1: GatherTile
    private var askingTile2: GatherTile
    private var askingTile3: GatherTile
    private var weightTile1: WeightTile
    private var weightTile2: WeightTile
    private var weightTile3: WeightTile
    let putRows:
        @Sendable (
            _ rows: Int, _ columns: Int, _ valid: Int, _ from: Input, _ to: UnsafePointer<UnsafeMutablePointer<Float>>,
            _ toOffset: Int, _ accumulate: Bool
        ) -> Void
    let gatherPointers:
        @Sendable (
            _ taps: UnsafePointer<Int>, _ tapCount: Int, _ rows: UnsafePointer<Int>, _ T: Int, _ H: Int, _ W: Int,
            _ pitch: Int, _ source: Input, _ zeros: Input, _ pointers: UnsafeMutablePointer<UnsafePointer<Float>>,
            _ numbers: UnsafeMutablePointer<Int32>, _ indices: UnsafeMutablePointer<Int32>
        ) -> Int
    /// Rows of a weight tile that is so many vectors wide.
    let weightRows: @Sendable (_ width: Int) -> Int
    let dealRows:
        @Sendable (
            _ pixels: Int, _ from: Input, _ step: Int, _ distance: Int, _ tiles: Int, _ places: UnsafePointer<Int>,
            _ rows: Int, _ to: Output, _ tilePitch: Int
        ) -> Void
    let copyPanel:
        @Sendable (_ pixels: Int, _ width: Int, _ from: Input, _ step: Int, _ distance: Int, _ to: Output) -> Void
    let transposeSquare:
        @Sendable (
            _ from: Rows, _ fromOffset: Int, _ to: UnsafePointer<UnsafeMutablePointer<Float>>, _ toOffset: Int
        ) -> Void
    let addStatistics:
        @Sendable (
            _ rows: Int, _ period: Int, _ x: Input, _ means: Output, _ spreads: Output,
            _ sums: UnsafeMutablePointer<Double>, _ squares: UnsafeMutablePointer<Double>
        ) -> Void
    let addGradientSums:
        @Sendable (
            _ rows: Int, _ period: Int, _ x: Input, _ y: Input?, _ factor: Input?, _ offset: Input?, _ dy: Input,
            _ mean: Input, _ first: Output, _ second: Output, _ sums: UnsafeMutablePointer<Double>,
            _ products: UnsafeMutablePointer<Double>
        ) -> Void
    let normalise:
        @Sendable (
            _ count: Int, _ period: Int, _ x: Input, _ factor: Input, _ offset: Input, _ residual: Input?,
            _ relu: Bool, _ y: Output
        ) -> Void
    let batchNormGradient:
        @Sendable (
            _ count: Int, _ period: Int, _ x: Input, _ y: Input?, _ factor: Input?, _ offset: Input?, _ dy: Input,
            _ mean: Input, _ a: Input, _ b: Input, _ c: Input, _ dx: Output, _ dresidual: Output?
        ) -> Void
    let finishPixels:
        @Sendable (
            _ rows: Int, _ columns: Int, _ pitch: Int, _ bias: Input?, _ residual: Input?, _ relu: Bool, _ y: Output
        ) -> Void
    let addPixelStatistics:
        @Sendable (
            _ rows: Int, _ columns: Int, _ pitch: Int, _ x: Input, _ work: Output,
            _ sums: UnsafeMutablePointer<Double>, _ squares: UnsafeMutablePointer<Double>
        ) -> Void
    let relu: @Sendable (_ count: Int, _ x: Input, _ y: Output) -> Void
    let reluBackward: @Sendable (_ count: Int, _ y: Input, _ dy: Input, _ dx: Output) -> Void
    let add: @Sendable (_ count: Int, _ a: Input, _ b: Input, _ y: Output) -> Void
    let addScaled: @Sendable (_ count: Int, _ factor: Float, _ x: Input, _ y: Output) -> Void
    let multiplyAddChains: @Sendable (_ rounds: Int, _ seed: Float) -> Float

    /// The tile that is `width` vectors wide, asking for the weights that come next or not.
    func gatherTile(_ width: Int, asks: Bool) -> GatherTile {
        switch width {
        case 3: asks ? askingTile3 : gatherTile3
        case 2: asks ? askingTile2 : gatherTile2
        default: asks ? askingTile1 : gatherTile1
        }
    }

    /// The tile that is `width` vectors wide.
    func weightTile(_ width: Int) -> WeightTile { width == 3 ? weightTile3 : width == 2 ? weightTile2 : weightTile1 }

    /// The loops that fewer channels than a vector of AVX-512 has fill: AVX2's then. In one that is half empty channels go one
    /// by one.
    func filled(by channels: Int) -> MicroKernelTable {
        lanes > Self.avx2.lanes && channels < lanes ? Self.avx2 : self
    }

    static func table(for set: InstructionSet) -> MicroKernelTable {
        switch set {
        case .baseline: baseline
        case .avx2: avx2
        case .avx512, .avx512BF16: avx512
        }
    }

    /// Those of AVX-512 with other matrix tiles.
    static func avx512(
        gatherTile1: @escaping GatherTile, gatherTile2: @escaping GatherTile, gatherTile3: @escaping GatherTile,
        askingTile1: @escaping GatherTile, askingTile2: @escaping GatherTile, askingTile3: @escaping GatherTile,
        weightTile1: @escaping WeightTile, weightTile2: @escaping WeightTile, weightTile3: @escaping WeightTile
    ) -> MicroKernelTable {
        var table = avx512
        (table.gatherTile1, table.gatherTile2, table.gatherTile3) = (gatherTile1, gatherTile2, gatherTile3)
        (table.askingTile1, table.askingTile2, table.askingTile3) = (askingTile1, askingTile2, askingTile3)
        (table.weightTile1, table.weightTile2, table.weightTile3) = (weightTile1, weightTile2, weightTile3)
        return table
    }

    private static let baseline = MicroKernelTable(
        lanes: MicroKernels.vectorLanes(), rows: MicroKernels.matrixRows(),
        gatherTile1: MicroKernels.gatherTile1, gatherTile2: MicroKernels.gatherTile2,
        gatherTile3: MicroKernels.gatherTile3,
        askingTile1: MicroKernels.askingTile1, askingTile2: MicroKernels.askingTile2,
        askingTile3: MicroKernels.askingTile3,
        weightTile1: MicroKernels.weightTile1, weightTile2: MicroKernels.weightTile2,
        weightTile3: MicroKernels.weightTile3,
        putRows: MicroKernels.putRows, gatherPointers: MicroKernels.gatherPointers,
        weightRows: MicroKernels.weightRows, dealRows: MicroKernels.dealRows,
        copyPanel: MicroKernels.copyPanel,
        transposeSquare: MicroKernels.transposeSquare, addStatistics: MicroKernels.addStatistics,
        addGradientSums: MicroKernels.addGradientSums,
        normalise: MicroKernels.normalise, batchNormGradient: MicroKernels.batchNormGradient,
        finishPixels: MicroKernels.finishPixels, addPixelStatistics: MicroKernels.addPixelStatistics,
        relu: MicroKernels.relu, reluBackward: MicroKernels.reluBackward, add: MicroKernels.add,
        addScaled: MicroKernels.addScaled,
        multiplyAddChains: MicroKernels.multiplyAddChains)

    private static let avx2 = MicroKernelTable(
        lanes: MicroKernelsAVX2.vectorLanes(), rows: MicroKernelsAVX2.matrixRows(),
        gatherTile1: MicroKernelsAVX2.gatherTile1, gatherTile2: MicroKernelsAVX2.gatherTile2,
        gatherTile3: MicroKernelsAVX2.gatherTile3,
        askingTile1: MicroKernelsAVX2.askingTile1, askingTile2: MicroKernelsAVX2.askingTile2,
        askingTile3: MicroKernelsAVX2.askingTile3,
        weightTile1: MicroKernelsAVX2.weightTile1, weightTile2: MicroKernelsAVX2.weightTile2,
        weightTile3: MicroKernelsAVX2.weightTile3,
        putRows: MicroKernelsAVX2.putRows, gatherPointers: MicroKernelsAVX2.gatherPointers,
        weightRows: MicroKernelsAVX2.weightRows, dealRows: MicroKernelsAVX2.dealRows,
        copyPanel: MicroKernelsAVX2.copyPanel,
        transposeSquare: MicroKernelsAVX2.transposeSquare, addStatistics: MicroKernelsAVX2.addStatistics,
        addGradientSums: MicroKernelsAVX2.addGradientSums,
        normalise: MicroKernelsAVX2.normalise, batchNormGradient: MicroKernelsAVX2.batchNormGradient,
        finishPixels: MicroKernelsAVX2.finishPixels, addPixelStatistics: MicroKernelsAVX2.addPixelStatistics,
        relu: MicroKernelsAVX2.relu, reluBackward: MicroKernelsAVX2.reluBackward, add: MicroKernelsAVX2.add,
        addScaled: MicroKernelsAVX2.addScaled,
        multiplyAddChains: MicroKernelsAVX2.multiplyAddChains)

    private static let avx512 = MicroKernelTable(
        lanes: MicroKernelsAVX512.vectorLanes(), rows: MicroKernelsAVX512.matrixRows(),
        gatherTile1: MicroKernelsAVX512.gatherTile1, gatherTile2: MicroKernelsAVX512.gatherTile2,
        gatherTile3: MicroKernelsAVX512.gatherTile3,
        askingTile1: MicroKernelsAVX512.askingTile1, askingTile2: MicroKernelsAVX512.askingTile2,
        askingTile3: MicroKernelsAVX512.askingTile3,
        weightTile1: MicroKernelsAVX512.weightTile1, weightTile2: MicroKernelsAVX512.weightTile2,
        weightTile3: MicroKernelsAVX512.weightTile3,
        putRows: MicroKernelsAVX512.putRows, gatherPointers: MicroKernelsAVX512.gatherPointers,
        weightRows: MicroKernelsAVX512.weightRows,
        dealRows: MicroKernelsAVX512.dealRows,
        copyPanel: MicroKernelsAVX512.copyPanel,
        transposeSquare: MicroKernelsAVX512.transposeSquare, addStatistics: MicroKernelsAVX512.addStatistics,
        addGradientSums: MicroKernelsAVX512.addGradientSums,
        normalise: MicroKernelsAVX512.normalise, batchNormGradient: MicroKernelsAVX512.batchNormGradient,
        finishPixels: MicroKernelsAVX512.finishPixels, addPixelStatistics: MicroKernelsAVX512.addPixelStatistics,
        relu: MicroKernelsAVX512.relu, reluBackward: MicroKernelsAVX512.reluBackward, add: MicroKernelsAVX512.add,
        addScaled: MicroKernelsAVX512.addScaled,
        multiplyAddChains: MicroKernelsAVX512.multiplyAddChains)
}

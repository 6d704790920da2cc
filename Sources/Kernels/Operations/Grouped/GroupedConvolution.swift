/// Convolution in groups: each group's channels are brought together and go through the direct convolution.
///
/// The copies are two passes over memory; a group's products, with few columns to fill the vectors, take longer.
enum GroupedConvolution: ConvolutionImplementation {
    static let name = "grouped"

    static func product(
        _ shape: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet
    ) -> (any ConvolutionProduct)? {
        shape.groups > 1 ? GroupedProduct(shape, pass, instructionSet: instructionSet) : nil
    }

    static func weightGradient(
        _ shape: ConvolutionShape, instructionSet: InstructionSet
    ) -> (any ConvolutionWeightGradient)? {
        shape.groups > 1 ? GroupedGradient(shape, instructionSet: instructionSet) : nil
    }

    static func isChosen(_ shape: ConvolutionShape, _ pass: Convolution.Pass?, _ compute: Compute) -> Bool { true }

    /// The convolution that a group is.
    fileprivate static func group(_ s: ConvolutionShape) -> ConvolutionShape {
        ConvolutionShape(
            C: s.C / s.groups, K: s.K / s.groups, kernel: s.kernel, stride: s.stride, padding: s.padding,
            input: s.input)
    }
}

/// Forward or backward-data, group after group.
struct GroupedProduct: ConvolutionProduct {
    private let groups: Int
    private let direct: DirectProduct
    /// Floats of a group's weights, as they are and packed.
    private let weightCount: Int
    private let packedPitch: Int
    private let source: GroupChannels
    private let target: GroupChannels

    init(_ s: ConvolutionShape, _ pass: Convolution.Pass, instructionSet: InstructionSet) {
        let group = GroupedConvolution.group(s)
        groups = s.groups
        direct = DirectProduct(group, pass, instructionSet: instructionSet)
        weightCount = group.weightCount
        packedPitch = Carving.rounded(direct.packedCount)
        let (x, y) = (
            GroupChannels(channels: group.C, groups: groups, pixels: s.input.count),
            GroupChannels(channels: group.K, groups: groups, pixels: s.output.count)
        )
        (source, target) = pass == .forward ? (x, y) : (y, x)
    }

    var packedCount: Int { groups * packedPitch }

    func scratchCount(N: Int, threads: Int) -> Int {
        source.count(N: N) + target.count(N: N) + direct.scratchCount(N: N, threads: threads)
    }

    func pack(weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, pool: ThreadPool) {
        for group in 0..<groups {
            direct.pack(weights: weights + group * weightCount, into: packed + group * packedPitch, pool: pool)
        }
    }

    func run(
        N: Int, source x: UnsafePointer<Float>, packed: UnsafePointer<Float>, target y: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let from: UnsafeMutablePointer<Float> = carving.take(source.count(N: N))
        let to: UnsafeMutablePointer<Float> = carving.take(target.count(N: N))
        for group in 0..<groups {
            source.gather(group, N: N, from: x, to: from, pool: pool)
            direct.run(
                N: N, source: from, packed: packed + group * packedPitch, target: to, accumulate: false,
                scratch: carving.rest, pool: pool)
            target.scatter(group, N: N, from: to, to: y, accumulate: accumulate, pool: pool)
        }
    }
}

/// Backward-weights, group after group: the gradient of a group's weights is a piece of the whole.
struct GroupedGradient: ConvolutionWeightGradient {
    private let groups: Int
    private let direct: WeightGradient
    private let weightCount: Int
    private let input: GroupChannels
    private let output: GroupChannels

    init(_ s: ConvolutionShape, instructionSet: InstructionSet) {
        let group = GroupedConvolution.group(s)
        groups = s.groups
        direct = WeightGradient(group, instructionSet: instructionSet)
        weightCount = group.weightCount
        input = GroupChannels(channels: group.C, groups: groups, pixels: s.input.count)
        output = GroupChannels(channels: group.K, groups: groups, pixels: s.output.count)
    }

    func scratchCount(N: Int, threads: Int) -> Int {
        input.count(N: N) + output.count(N: N) + direct.scratchCount(N: N, threads: threads)
    }

    func run(
        N: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        var carving = Carving(scratch)
        let inputs: UnsafeMutablePointer<Float> = carving.take(input.count(N: N))
        let gradients: UnsafeMutablePointer<Float> = carving.take(output.count(N: N))
        for group in 0..<groups {
            input.gather(group, N: N, from: x, to: inputs, pool: pool)
            output.gather(group, N: N, from: dy, to: gradients, pool: pool)
            direct.run(
                N: N, x: inputs, dy: gradients, dw: dw + group * weightCount, scratch: carving.rest, pool: pool)
        }
    }
}

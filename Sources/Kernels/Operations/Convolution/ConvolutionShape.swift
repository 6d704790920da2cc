/// Three lengths: time, height, width.
public struct Extent3: Sendable, Hashable, CustomStringConvertible {
    public var t: Int
    public var h: Int
    public var w: Int

    public init(_ t: Int, _ h: Int, _ w: Int) {
        self.t = t
        self.h = h
        self.w = w
    }

    /// `t * h * w`.
    public var count: Int { t * h * w }
    public var description: String { "\(t)x\(h)x\(w)" }
}

/// A 3D convolution without bias: C input channels, K output channels. The batch size is not part of it, so that what is
/// chosen for a shape does not depend on it.
public struct ConvolutionShape: Sendable, Hashable, CustomStringConvertible {
    public let C: Int
    public let K: Int
    /// Output channel k sees the C / groups input channels of its own group; 1: all. Depthwise: groups = C.
    public let groups: Int
    public let kernel: Extent3
    public let stride: Extent3
    public let padding: Extent3
    /// T, H and W of the input.
    public let input: Extent3
    /// T, H and W of the output: `(input + 2 padding - kernel) / stride + 1`, rounded down.
    public let output: Extent3

    /// Every length is at least 1, paddings at least 0, the padded input at least as large as the kernel, and both
    /// channel counts are multiples of `groups`.
    public init(
        C: Int, K: Int, kernel: Extent3, stride: Extent3 = Extent3(1, 1, 1), padding: Extent3 = Extent3(0, 0, 0),
        input: Extent3, groups: Int = 1
    ) {
        func length(_ input: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int {
            precondition(input >= 1 && kernel >= 1 && stride >= 1 && padding >= 0, "a convolution of length 0")
            precondition(input + 2 * padding >= kernel, "a kernel of \(kernel) in \(input) + 2 * \(padding)")
            return (input + 2 * padding - kernel) / stride + 1
        }
        precondition(C >= 1 && K >= 1, "a convolution of \(C) to \(K) channels")
        precondition(groups >= 1 && C % groups == 0 && K % groups == 0, "\(C) to \(K) channels in \(groups) groups")
        self.C = C
        self.K = K
        self.groups = groups
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.input = input
        output = Extent3(
            length(input.t, kernel.t, stride.t, padding.t), length(input.h, kernel.h, stride.h, padding.h),
            length(input.w, kernel.w, stride.w, padding.w))
    }

    /// Multiplications of one clip's forward pass, counted as if nothing were padded away (as the papers do).
    public var macs: Int { output.count * weightCount }
    /// Values of the weights, `[K][C / groups][t][h][w]`.
    public var weightCount: Int { K * (C / groups) * kernel.count }
    /// Values of one clip's input, `[T][H][W][C]`.
    public var inputCount: Int { input.count * C }
    /// Values of one clip's output, `[T][H][W][K]`.
    public var outputCount: Int { output.count * K }

    /// Whether each output pixel sees one input pixel, its own.
    var isPointwise: Bool { kernel.count == 1 && output == input && padding == Extent3(0, 0, 0) }

    /// The same pointwise layer on a map whose rows are as long as can be, up to `limit`.
    func inRows(ofAtMost limit: Int) -> ConvolutionShape {
        let longest = (1...limit).last { input.count.isMultiple(of: $0) } ?? 1
        guard longest > input.w else { return self }
        return ConvolutionShape(
            C: C, K: K, kernel: kernel, input: Extent3(1, input.count / longest, longest), groups: groups)
    }

    public var description: String {
        "\(C)->\(K) \(kernel) stride \(stride) padding \(padding) on \(input)"
            + (groups == 1 ? "" : " in \(groups) groups")
    }
}

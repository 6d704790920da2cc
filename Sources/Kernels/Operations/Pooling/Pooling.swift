/// A pooling window over `x[N][T][H][W][C]`, giving `y[N][T][H][W][C]`.
public struct PoolingShape: Sendable, Hashable {
    public let C: Int
    public let kernel: Extent3
    public let stride: Extent3
    public let padding: Extent3
    public let input: Extent3
    public let output: Extent3

    /// Lengths as in `ConvolutionShape`; the padding is at most half the kernel.
    public init(
        C: Int, kernel: Extent3, stride: Extent3, padding: Extent3 = Extent3(0, 0, 0), input: Extent3
    ) {
        precondition(
            2 * padding.t <= kernel.t && 2 * padding.h <= kernel.h && 2 * padding.w <= kernel.w,
            "a pooling kernel of \(kernel) padded by \(padding)")
        let shape = ConvolutionShape(C: C, K: C, kernel: kernel, stride: stride, padding: padding, input: input)
        self.C = C
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.input = input
        output = shape.output
    }

    /// The mean of each clip's channels over all pixels: the head of most networks.
    public static func global(C: Int, input: Extent3) -> PoolingShape {
        PoolingShape(C: C, kernel: input, stride: Extent3(1, 1, 1), input: input)
    }

    /// Whether there is one window, and that the whole input.
    public var isGlobal: Bool { kernel == input && output.count == 1 && padding == Extent3(0, 0, 0) }

    /// The input pixels under the window of output pixel (t, h, w), clipped to the input.
    func window(t: Int, h: Int, w: Int) -> (t: Range<Int>, h: Range<Int>, w: Range<Int>) {
        func clip(_ o: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ input: Int) -> Range<Int> {
            let begin = o * stride - padding
            return max(begin, 0)..<min(begin + kernel, input)
        }
        return (
            clip(t, kernel.t, stride.t, padding.t, input.t), clip(h, kernel.h, stride.h, padding.h, input.h),
            clip(w, kernel.w, stride.w, padding.w, input.w)
        )
    }

    /// Calls `body` with the offset, in pixels of the whole batch, of each input pixel under output pixel `pixel`.
    @inline(__always)
    func eachInput(ofOutput pixel: Int, _ body: (Int) -> Void) {
        let n = pixel / output.count
        let range = window(
            t: pixel / (output.h * output.w) % output.t, h: pixel / output.w % output.h, w: pixel % output.w)
        for t in range.t {
            for h in range.h {
                for w in range.w { body(((n * input.t + t) * input.h + h) * input.w + w) }
            }
        }
    }
}

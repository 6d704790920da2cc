import Kernels

/// The bottleneck block of PySlowFast and pytorchvideo: a convolution in time, one in space, one that widens.
extension NetworkBuilder {
    /// How an origin names the layers of a block.
    struct BlockNames {
        /// Of the block.
        var block: String
        var shortcut: Names
        var a: Names
        var b: Names
        var c: Names
    }

    /// Convolution a sees `frames` frames, b sees 1 x 3 x 3 and has the stride, c sees a point.
    ///
    /// - Parameters:
    ///   - inner: channels between a and c.
    ///   - K: channels of the result.
    mutating func bottleneck(
        _ x: Int, _ names: BlockNames, frames: Int, inner: Int, K: Int, spatialStride: Int
    ) -> Int {
        let stride = Extent3(1, spatialStride, spatialStride)
        return bottleneck(x, names, frames: frames, inner: inner, K: K, stride: stride) { net, x in
            net.convolutionNorm(x, names.b, K: inner, kernel: Extent3(1, 3, 3), stride: stride)
        }
    }

    /// The same with a `middle` of its own in place of b, its batch norm and its ReLU. The last scale starts with 0: the
    /// block begins as its shortcut.
    mutating func bottleneck(
        _ x: Int, _ names: BlockNames, frames: Int = 1, inner: Int, K: Int, stride: Extent3,
        middle: (inout NetworkBuilder, Int) -> Int
    ) -> Int {
        var shortcut = x
        if map(x).C != K || stride != .one {
            shortcut = convolutionNorm(x, names.shortcut, K: K, kernel: .one, stride: stride, relu: false)
        }
        let a = convolutionNorm(x, names.a, K: inner, kernel: Extent3(frames, 1, 1))
        let c = convolutionNorm(middle(&self, a), names.c, K: K, kernel: .one, relu: false, scaleStart: 0)
        return join(c, shortcut, "\(names.block).add")
    }

    /// A non-local block: what each place sees of all places, weighed by likeness, is added to it (Wang et al.,
    /// "Non-local Neural Networks", CVPR 2018). `x` has two rows and two columns at least: phi and g see every 2 x 2
    /// of them as one.
    mutating func nonLocal(_ x: Int, _ name: String, normalisation: Operation.AttentionNormalisation) -> Int {
        let C = map(x).C
        let window = Extent3(1, 2, 2)
        let theta = convolution(x, "\(name).conv_theta", K: C / 2, kernel: .one, bias: true)
        let pooled = maxPool(x, "\(name).pool", kernel: window, stride: window, padding: Extent3(0, 0, 0))
        let phi = convolution(pooled, "\(name).conv_phi", K: C / 2, kernel: .one, bias: true)
        let g = convolution(pooled, "\(name).conv_g", K: C / 2, kernel: .one, bias: true)
        let seen = attention(theta: theta, phi: phi, g: g, "\(name).attention", normalisation: normalisation)
        let out = convolution(seen, "\(name).conv_out", K: C, kernel: .one, bias: true)
        return add(batchNorm(out, "\(name).bn", scaleStart: 0), x, "\(name).add")
    }
}

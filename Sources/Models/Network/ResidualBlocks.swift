package import Kernels

/// What the residual families share: a convolution with its batch norm, a (2+1)D convolution, the join of a block.
extension NetworkBuilder {
    /// A convolution's name and that of the batch norm behind it.
    package struct Names {
        package var convolution: String
        package var norm: String

        package init(convolution: String, norm: String) {
            self.convolution = convolution
            self.norm = norm
        }
    }

    /// Convolution, batch norm and, except at the end of a branch, ReLU.
    ///
    /// - Parameter scaleStart: the batch norm's first scale; 0 where a branch is to start as nothing.
    package mutating func convolutionNorm(
        _ x: Int, _ names: Names, K: Int, kernel: Extent3, stride: Extent3 = .one, groups: Int = 1, relu: Bool = true,
        scaleStart: Float = 1
    ) -> Int {
        let product = convolution(x, names.convolution, K: K, kernel: kernel, stride: stride, groups: groups)
        let normal = batchNorm(product, names.norm, scaleStart: scaleStart)
        return relu ? self.relu(normal) : normal
    }

    /// A 3D convolution taken apart: 1 x kh x kw to `middle` channels, batch norm and ReLU, then kt x 1 x 1
    /// (Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018).
    package mutating func spaceThenTime(
        _ x: Int, space: Names, time: Names, middle: Int, K: Int, kernel: Extent3, stride: Extent3 = .one,
        relu: Bool = true
    ) -> Int {
        let middle = convolutionNorm(
            x, space, K: middle, kernel: Extent3(1, kernel.h, kernel.w),
            stride: Extent3(1, stride.h, stride.w))
        return convolutionNorm(
            middle, time, K: K, kernel: Extent3(kernel.t, 1, 1), stride: Extent3(stride.t, 1, 1),
            relu: relu)
    }

    /// ReLU of branch + shortcut.
    package mutating func join(_ branch: Int, _ shortcut: Int, _ name: String) -> Int {
        relu(add(branch, shortcut, name))
    }

    /// The max pool of ResNet's stem: 1 x 3 x 3, every second row and column.
    mutating func stemPool(_ x: Int, _ name: String) -> Int {
        maxPool(x, name, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2), padding: Extent3(0, 1, 1))
    }

    /// The mean over a window that is moved one place at a time, and cut to the map where that is smaller.
    mutating func windowAverage(_ x: Int, _ name: String, window: Extent3) -> Int {
        let map = map(x).extent
        return averagePool(
            x, name, kernel: Extent3(min(window.t, map.t), min(window.h, map.h), min(window.w, map.w)))
    }
}

/// The channels between the two halves of a (2+1)D convolution from `C` to `K` channels that give it about as many
/// weights as the 3 x 3 x 3 one has.
func middleChannels(_ C: Int, _ K: Int) -> Int { 27 * C * K / (9 * C + 3 * K) }

import Kernels
import Models

/// A small network that has every operation, for clips of 4 frames of 8 x 8.
func everyOperation(ending head: Ending) -> NetworkDescription {
    var net = NetworkBuilder(.torchvision)
    let clip = net.input(frames: 4, size: 8)
    let half = Extent3(1, 2, 2)
    var fast = net.convolution(clip, "fast", K: 8, kernel: Extent3(3, 3, 3), stride: half, bias: true)
    fast = net.relu(net.batchNorm(fast, "fast_bn"))
    fast = net.maxPool(
        fast, "fast_pool", kernel: Extent3(3, 1, 1), stride: Extent3(2, 1, 1), padding: Extent3(1, 0, 0))
    var slow = net.selectFrames(clip, "slow_frames", [3, 0])
    slow = net.convolution(slow, "slow", K: 8, kernel: Extent3(1, 3, 3), stride: half)
    slow = net.swish(net.batchNorm(slow, "slow_bn"))
    var x = net.concatenate([net.add(fast, slow, "sum"), slow], "both")
    x = net.convolution(x, "depthwise", K: 16, kernel: Extent3(3, 3, 3), groups: 16)
    var gate = net.globalAveragePool(x, "squeeze_pool")
    gate = net.relu(net.linear(gate, "squeeze", out: 4))
    gate = net.sigmoid(net.linear(gate, "excite", out: 16))
    x = net.multiplyChannels(x, by: gate, "excited")
    for (name, normalisation) in [("softmax", Operation.AttentionNormalisation.softmax), ("dot", .positions)] {
        let theta = net.convolution(x, "\(name)_theta", K: 6, kernel: .one)
        let small = net.maxPool(x, "\(name)_pool", kernel: half, stride: half, padding: Extent3(0, 0, 0))
        let phi = net.convolution(small, "\(name)_phi", K: 6, kernel: .one)
        let g = net.convolution(small, "\(name)_g", K: 5, kernel: .one)
        let y = net.attention(theta: theta, phi: phi, g: g, "\(name)_attention", normalisation: normalisation)
        x = net.add(x, net.convolution(y, "\(name)_out", K: 16, kernel: .one), "\(name)_sum")
    }
    x = net.averagePool(x, "pool", kernel: Extent3(1, 3, 3), stride: .one, padding: Extent3(0, 1, 1))
    x = net.dropout(x, "dropout", probability: 0.5)
    switch head {
    case .linearOverMap: x = net.linearOverMap(x, "fc", out: 7)
    case .scores(let joint): x = net.softmaxMean(net.linear(x, "fc", out: 7), "scores", joint: joint)
    }
    return net.network(named: "every-operation")
}

enum Ending: Sendable {
    case linearOverMap
    case scores(joint: Bool)
}

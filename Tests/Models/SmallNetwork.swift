import Kernels
import Models

/// Small networks that hold every operation, every way of joining and every way gradients meet.
enum SmallNetwork: String, CaseIterable, Sendable {
    /// Stem, max pool, blocks with and without projection, head: a residual network.
    case residual
    /// (2+1)D convolutions, strides in time.
    case spaceThenTime
    /// A tensor that four layers read, two norms without ReLU, a sum of a tensor with itself, a norm on the clip.
    case tangled
    /// Two pathways of different frames from one clip, lateral convolutions, concatenation, dropout.
    case pathways
    /// Depthwise convolutions, squeeze-and-excitation, Swish, biases, a linear layer over a map.
    case squeezed
    /// Non-local blocks of both kinds behind pools.
    case nonLocal

    var network: NetworkDescription {
        switch self {
        case .residual, .spaceThenTime, .tangled: plain
        case .pathways: Self.twoPathways
        case .squeezed: Self.squeezedNetwork
        case .nonLocal: Self.nonLocalNetwork
        }
    }

    private var plain: NetworkDescription {
        var net = NetworkBuilder(self == .residual ? .torchvision : .vmz)
        let three = Extent3(3, 3, 3)
        let two = Extent3(2, 2, 2)
        var x = net.input(frames: 4, size: 9)
        func names(_ name: String) -> NetworkBuilder.Names { .init(convolution: name, norm: "\(name).norm") }
        switch self {
        case .residual:
            x = net.convolutionNorm(x, names("stem"), K: 5, kernel: Extent3(3, 5, 5), stride: Extent3(1, 2, 2))
            x = net.maxPool(x, "pool", kernel: Extent3(1, 3, 3), stride: .one, padding: Extent3(0, 1, 1))
            for (index, K) in [5, 7].enumerated() {
                let stride = index == 0 ? Extent3.one : two
                var branch = net.convolutionNorm(x, names("b\(index).1"), K: K, kernel: three, stride: stride)
                branch = net.convolutionNorm(branch, names("b\(index).2"), K: K, kernel: three, relu: false)
                let shortcut =
                    index == 0
                    ? x : net.convolutionNorm(x, names("p\(index)"), K: K, kernel: .one, stride: stride, relu: false)
                x = net.join(branch, shortcut, "join\(index)")
            }
        case .spaceThenTime:
            for (index, stride) in [Extent3.one, two].enumerated() {
                x = net.spaceThenTime(
                    x, space: names("space\(index)"), time: names("time\(index)"), middle: 4 + index, K: 6,
                    kernel: three, stride: stride)
            }
        case .tangled:
            x = net.batchNorm(x, "clip.norm")
            let a = net.convolution(x, "a", K: 4, kernel: Extent3(1, 3, 3))
            let norm = net.batchNorm(a, "a.norm")
            let relu = net.relu(norm)
            let b = net.batchNorm(net.convolution(relu, "b", K: 4, kernel: Extent3(3, 1, 1)), "b.norm")
            let sum = net.add(norm, b, "sum")
            let twice = net.add(sum, sum, "twice")
            let c = net.relu(net.add(net.convolution(norm, "c", K: 4, kernel: .one), twice, "third"))
            x = net.join(net.batchNorm(c, "c.norm"), norm, "last")
        case .pathways, .squeezed, .nonLocal: break
        }
        _ = net.linear(net.globalAveragePool(x, "average"), "head", out: 5)
        return net.network(named: rawValue)
    }

    private static var twoPathways: NetworkDescription {
        var net = NetworkBuilder(.torchvision)
        let clip = net.input(frames: 4, size: 6)
        func names(_ name: String) -> NetworkBuilder.Names { .init(convolution: name, norm: "\(name).norm") }
        var slow = net.selectFrames(clip, "slow", [0, 3])
        slow = net.convolutionNorm(slow, names("slow.stem"), K: 6, kernel: Extent3(1, 3, 3))
        var fast = net.convolutionNorm(clip, names("fast.stem"), K: 3, kernel: Extent3(3, 3, 3))
        let lateral = net.convolutionNorm(
            fast, names("lateral"), K: 5, kernel: Extent3(3, 1, 1), stride: Extent3(2, 1, 1))
        slow = net.concatenate([slow, lateral], "fuse")
        slow = net.convolutionNorm(slow, names("slow.a"), K: 7, kernel: .one, stride: Extent3(1, 2, 2))
        fast = net.convolutionNorm(fast, names("fast.a"), K: 4, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2))
        // Frames that several places ask for, of a tensor that something else reads too.
        let frames = net.convolution(
            net.selectFrames(fast, "twice", [2, 1, 1, 3]), "frames", K: 4, kernel: Extent3(1, 1, 3), bias: true)
        fast = net.concatenate([fast, net.relu(frames), fast], "thrice")
        var pools = [net.globalAveragePool(slow, "slow.pool")]
        pools.append(
            net.globalAveragePool(
                net.averagePool(fast, "means", kernel: Extent3(2, 2, 2), padding: Extent3(0, 1, 1)), "fast.pool"))
        let features = net.dropout(net.concatenate(pools, "features"), "dropout", probability: 0.5)
        _ = net.linear(features, "head", out: 5)
        return net.network(named: "pathways")
    }

    private static var squeezedNetwork: NetworkDescription {
        var net = NetworkBuilder(.torchvision)
        var x = net.input(frames: 3, size: 6)
        x = net.relu(net.batchNorm(net.convolution(x, "stem", K: 4, kernel: Extent3(1, 3, 3)), "stem.norm"))
        for (index, squeezes) in [true, false].enumerated() {
            let name = "block\(index)"
            var branch = net.convolutionNorm(
                x, .init(convolution: "\(name).a", norm: "\(name).a.norm"), K: 9, kernel: .one)
            branch = net.convolution(
                branch, "\(name).b", K: 9, kernel: Extent3(3, 3, 3), stride: Extent3(1, 1 + index, 1 + index),
                groups: 9)
            branch = net.batchNorm(branch, "\(name).b.norm")
            if squeezes {
                var s = net.globalAveragePool(branch, "\(name).pool")
                s = net.relu(net.convolution(s, "\(name).fc1", K: 8, kernel: .one, bias: true))
                s = net.sigmoid(net.convolution(s, "\(name).fc2", K: 9, kernel: .one, bias: true))
                branch = net.multiplyChannels(branch, by: s, "\(name).se")
            }
            branch = net.convolution(net.swish(branch), "\(name).c", K: 4, kernel: .one)
            branch = net.batchNorm(branch, "\(name).c.norm", scaleStart: 0)
            let shortcut =
                index == 0
                ? x : net.convolution(x, "shortcut", K: 4, kernel: .one, stride: Extent3(1, 2, 2), bias: true)
            x = net.relu(net.add(branch, shortcut, "\(name).add"))
        }
        // A convolution with a bias before its batch norm, as C3D has them.
        x = net.swish(net.batchNorm(net.convolution(x, "last", K: 6, kernel: .one, bias: true), "last.norm"))
        x = net.dropout(net.relu(net.linearOverMap(x, "fc6", out: 11)), "drop", probability: 0.25)
        _ = net.linear(net.linear(x, "fc7", out: 7, bias: false), "head", out: 5)
        return net.network(named: "squeezed")
    }

    private static var nonLocalNetwork: NetworkDescription {
        var net = NetworkBuilder(.torchvision)
        var x = net.input(frames: 2, size: 6)
        x = net.convolutionNorm(
            x, .init(convolution: "stem", norm: "stem.norm"), K: 7, kernel: Extent3(1, 3, 3), stride: Extent3(1, 2, 2))
        for (index, normalisation) in [Operation.AttentionNormalisation.softmax, .positions].enumerated() {
            let name = "nonlocal\(index)"
            let theta = net.convolution(x, "\(name).theta", K: 5, kernel: .one, bias: true)
            let pooled = net.maxPool(
                x, "\(name).pool", kernel: Extent3(1, 2, 2), stride: Extent3(1, 2, 2), padding: Extent3(0, 0, 0))
            let phi = net.convolution(pooled, "\(name).phi", K: 5, kernel: .one)
            let g = net.convolution(pooled, "\(name).g", K: 6, kernel: .one, bias: true)
            var y = net.attention(theta: theta, phi: phi, g: g, name, normalisation: normalisation)
            y = net.batchNorm(net.convolution(y, "\(name).out", K: 7, kernel: .one), "\(name).norm", scaleStart: 0)
            x = net.add(x, y, "\(name).add")
        }
        _ = net.linear(net.globalAveragePool(x, "average"), "head", out: 5)
        return net.network(named: "nonLocal")
    }
}

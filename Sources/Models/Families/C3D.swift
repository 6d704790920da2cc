import Faults
import Kernels

/// C3D with batch norm, under VMZ's blob names (Tran et al., "Learning Spatiotemporal Features with 3D Convolutional
/// Networks", ICCV 2015).
struct C3DNetwork: NetworkFamily {
    static let names = ["c3d"]

    static func publishedClip(_: String) -> PublishedClip { PublishedClip(frames: 16, size: 112) }

    static func describe(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        try request.options.check(for: request.name, known: [.dropout])
        guard request.frames == 16, request.height == 112, request.width == 112 else {
            throw Fault(
                .usage, request.name,
                "takes clips of 16x112x112, not \(request.clip): "
                    + "its linear layers see the whole map",
                mend: "set input.frames = 16 and input.crop = 112")
        }
        let dropout = request.options.dropout ?? 0.5
        var net = NetworkBuilder(.vmz)
        var x = net.input(request)
        for (stage, letters, K) in [
            (1, ["a"], 64), (2, ["a"], 128), (3, ["a", "b"], 256), (4, ["a", "b"], 512), (5, ["a", "b"], 512),
        ] {
            for letter in letters {
                let name = "conv\(stage)\(letter)"
                x = net.convolution(
                    x, name, K: K, kernel: Extent3(3, 3, 3), bias: true, initialiser: .normal(deviation: 0.01))
                x = net.relu(net.batchNorm(x, "\(name)_bn"))
            }
            let window = Extent3(stage == 1 ? 1 : 2, 2, 2)
            x = net.maxPool(x, "pool\(stage)", kernel: window, stride: window, padding: Extent3(0, 0, 0))
        }
        for name in ["fc6", "fc7"] {
            x = net.relu(net.linearOverMap(x, name, out: 4096, initialiser: .normal(deviation: 0.005)))
            x = net.dropout(x, "\(name)_dropout", probability: dropout)
        }
        _ = net.linear(x, "last_out_L\(request.classes)", out: request.classes)
        return net.network(named: request.name)
    }
}

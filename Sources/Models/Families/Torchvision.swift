import Faults
import Kernels

/// The video ResNets of torchvision.models.video, under the keys of their `state_dict`.
struct TorchvisionNetwork: NetworkFamily {
    enum Kind: String, CaseIterable {
        case r3d_18
        case mc3_18
        case r2plus1d_18
    }

    /// What stands for each 3 x 3 x 3 convolution of a stage.
    private enum Convolution {
        case full
        case spaceOnly
        case spaceThenTime
    }

    static let names = Kind.allCases.map { "torchvision/\($0.rawValue)" }

    static func publishedClip(_: String) -> PublishedClip { PublishedClip(frames: 16, size: 112) }

    static func describe(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        try request.options.check(for: request.name, known: [])
        guard let kind = Kind.allCases.first(where: { "torchvision/\($0.rawValue)" == request.name }) else {
            preconditionFailure("\(request.name) is not torchvision's")
        }
        return TorchvisionNetwork(kind).described(request)
    }

    private let kind: Kind
    private var net = NetworkBuilder(.torchvision)

    private init(_ kind: Kind) { self.kind = kind }

    private consuming func described(_ request: NetworkRequest) -> NetworkDescription {
        var x = stem(net.input(request))
        for (stage, planes) in [64, 128, 256, 512].enumerated() {
            let convolution: Convolution =
                switch kind {
                case .r3d_18: .full
                case .mc3_18: stage == 0 ? .full : .spaceOnly
                case .r2plus1d_18: .spaceThenTime
                }
            for index in 0..<2 {
                x = block(
                    x, "layer\(stage + 1).\(index)", planes: planes, convolution,
                    stride: stage > 0 && index == 0 ? 2 : 1)
            }
        }
        _ = net.linear(net.globalAveragePool(x, "avgpool"), "fc", out: request.classes)
        return net.network(named: request.name)
    }

    private mutating func stem(_ x: Int) -> Int {
        let kernel = Extent3(3, 7, 7)
        let stride = Extent3(1, 2, 2)
        let first = names("stem", 0, 1)
        guard kind == .r2plus1d_18 else { return net.convolutionNorm(x, first, K: 64, kernel: kernel, stride: stride) }
        return net.spaceThenTime(
            x, space: first, time: names("stem", 3, 4), middle: 45, K: 64, kernel: kernel, stride: stride)
    }

    /// Two convolutions; the middle channels of both come from the block's own width, unlike VMZ's.
    private mutating func block(
        _ x: Int, _ name: String, planes: Int, _ convolution: Convolution, stride: Int
    ) -> Int {
        let C = net.map(x).C
        let down = Extent3(convolution == .spaceOnly ? 1 : stride, stride, stride)
        let middle = middleChannels(C, planes)
        var branch = half(x, "\(name).conv1", stride: down, relu: true)
        branch = half(branch, "\(name).conv2", stride: .one, relu: false)
        var shortcut = x
        if stride != 1 || C != planes {
            shortcut = net.convolutionNorm(
                x, names("\(name).downsample", 0, 1), K: planes, kernel: .one, stride: down, relu: false)
        }
        return net.join(branch, shortcut, "\(name).add")

        func half(_ x: Int, _ name: String, stride: Extent3, relu: Bool) -> Int {
            switch convolution {
            case .full, .spaceOnly:
                let kernel = Extent3(convolution == .full ? 3 : 1, 3, 3)
                return net.convolutionNorm(x, names(name, 0, 1), K: planes, kernel: kernel, stride: stride, relu: relu)
            case .spaceThenTime:
                return net.spaceThenTime(
                    x, space: names("\(name).0", 0, 1), time: .init(convolution: "\(name).0.3", norm: "\(name).1"),
                    middle: middle, K: planes, kernel: Extent3(3, 3, 3), stride: stride, relu: relu)
            }
        }
    }

    /// Members of a `Sequential`: the convolution's place and its batch norm's.
    private func names(_ sequence: String, _ convolution: Int, _ norm: Int) -> NetworkBuilder.Names {
        .init(convolution: "\(sequence).\(convolution)", norm: "\(sequence).\(norm)")
    }
}

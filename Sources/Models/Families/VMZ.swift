import Faults
import Kernels

/// The residual networks of facebookresearch/VMZ, under its blob names: R2D, frame-wise R2D, MCx, rMCx, R3D and R(2+1)D
/// (Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018), ir-CSN and ip-CSN
/// (Tran et al., "Video Classification with Channel-Separated Convolutional Networks", ICCV 2019).
struct VMZNetwork: NetworkFamily {
    enum Kind: String, CaseIterable {
        /// The first convolution sees all frames and leaves one.
        case r2d
        /// Each frame by itself, until the mean over all.
        case r2df
        /// 3D up to the stage before the number, 2D from there.
        case mc2, mc3, mc4, mc5
        /// The other way round.
        case rmc2, rmc3, rmc4, rmc5
        case r3d
        case r2plus1d
        case irCSN = "ir-csn"
        case ipCSN = "ip-csn"

        /// Whether the kind is 3D in every stage; VMZ builds these with one function, which takes all options.
        fileprivate var isFully3D: Bool { [.r3d, .r2plus1d, .irCSN, .ipCSN].contains(self) }

        /// Whether residual stage 2, 3, 4 or 5 sees several frames at once.
        fileprivate func is3D(stage: Int) -> Bool {
            switch self {
            case .r2d, .r2df: false
            case .mc2, .mc3, .mc4, .mc5: stage < level
            case .rmc2, .rmc3, .rmc4, .rmc5: stage >= level
            case .r3d, .r2plus1d, .irCSN, .ipCSN: true
            }
        }

        private var level: Int { rawValue.last?.wholeNumberValue ?? 0 }

        /// Whether stages are mixed 2D and 3D; VMZ builds these of simple blocks at any depth.
        fileprivate var isMixed: Bool { rawValue.contains("mc") }
    }

    /// Blocks in each of the four stages.
    private static let blocks: KeyValuePairs = [
        10: [1, 1, 1, 1], 16: [2, 2, 2, 1], 18: [2, 2, 2, 2], 26: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3],
        101: [3, 4, 23, 3], 152: [3, 8, 36, 3],
    ]

    static let names = Kind.allCases.flatMap { kind in
        blocks.filter { kind != .irCSN || hasBottlenecks(kind, depth: $0.key) }.map { "\(kind.rawValue)-\($0.key)" }
    }

    static func publishedClip(_ name: String) -> PublishedClip {
        name.contains("csn") ? PublishedClip(frames: 32, size: 224) : PublishedClip(frames: 8, size: 112)
    }

    static func describe(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        let dash = request.name.lastIndex(of: "-") ?? request.name.endIndex
        guard let kind = Kind(rawValue: String(request.name[..<dash])),
            let depth = Int(request.name[dash...].dropFirst()), let blocks = blocks.first(where: { $0.key == depth })
        else { preconditionFailure("\(request.name) is not VMZ's") }
        let known: Set<NetworkOptions.Key> =
            kind.isFully3D ? Set(NetworkOptions.Key.allCases) : kind == .r2d ? [.pool1] : []
        try request.options.check(for: request.name, known: known)
        return try VMZNetwork(kind, depth: depth, request).described(blocks: blocks.value)
    }

    /// Depth 26 is 18 with bottlenecks, which do not widen.
    private static func hasBottlenecks(_ kind: Kind, depth: Int) -> Bool {
        depth > 34 ? !kind.isMixed : depth == 26 && (kind.isFully3D || kind == .r2d)
    }

    private let kind: Kind
    private let depth: Int
    private let request: NetworkRequest
    private var options: NetworkOptions { request.options }
    private var net = NetworkBuilder(.vmz)

    private init(_ kind: Kind, depth: Int, _ request: NetworkRequest) {
        self.kind = kind
        self.depth = depth
        self.request = request
    }

    private consuming func described(blocks: [Int]) throws(Fault) -> NetworkDescription {
        var x = stem(net.input(request))
        if options.pool1 { x = net.stemPool(x, "pool1") }
        let expansion = depth > 34 && !kind.isMixed ? 4 : 1
        var index = 0
        for (stage, count) in blocks.enumerated() {
            let base = Double(64 << stage) * options.channelMultiplier
            let K = Int(base * Double(expansion))
            let inner = Int(Double(Int(base)) * options.bottleneckMultiplier)
            guard K >= 1, inner >= 1 else {
                throw Fault(.usage, request.name, "its multipliers leave stage \(stage + 2) without channels")
            }
            for number in 0..<count {
                x = block(x, index, stage: stage + 2, inner: inner, K: K, isFirst: number == 0)
                index += 1
            }
        }
        head(x)
        return net.network(named: request.name)
    }

    private mutating func stem(_ x: Int) -> Int {
        let names = NetworkBuilder.Names(convolution: "conv1", norm: "conv1_spatbn_relu")
        let stride = Extent3(options.conv1TemporalStride, 2, 2)
        switch kind {
        case .r2plus1d:
            return net.spaceThenTime(
                x, space: .init(convolution: "conv1_middle", norm: "conv1_middle_spatbn_relu"), time: names, middle: 45,
                K: 64, kernel: Extent3(options.conv1TemporalKernel, 7, 7), stride: stride)
        case .r2d:
            let all = net.convolution(
                x, names.convolution, K: 64, kernel: Extent3(request.frames, 7, 7), stride: stride,
                padding: Extent3(0, 3, 3))
            return net.relu(net.batchNorm(all, names.norm))
        case .r2df, .rmc2, .rmc3, .rmc4, .rmc5:
            return net.convolutionNorm(x, names, K: 64, kernel: Extent3(1, 7, 7), stride: stride)
        case .mc2, .mc3, .mc4, .mc5, .r3d, .irCSN, .ipCSN:
            return net.convolutionNorm(
                x, names, K: 64, kernel: Extent3(options.conv1TemporalKernel, 7, 7), stride: stride)
        }
    }

    /// Two convolutions of the kind, or a bottleneck with one in the middle.
    private mutating func block(_ x: Int, _ index: Int, stage: Int, inner: Int, K: Int, isFirst: Bool) -> Int {
        // Clips too short to be halved once more keep their frames in the last stages.
        let isShort = kind.isFully3D && request.frames < [4: 4, 5: 8][stage, default: 0]
        let halves = kind.is3D(stage: stage) && !isShort
        let stride = isFirst && stage > 2 ? Extent3(halves ? 2 : 1, 2, 2) : .one
        var branch = x
        var j = 1
        if Self.hasBottlenecks(kind, depth: depth) {
            branch = net.convolutionNorm(branch, names(index, 1), K: inner, kernel: .one)
            // VMZ counts ir-CSN's depthwise convolution twice.
            j = kind == .irCSN ? 3 : 2
            branch = convolution(branch, index, j, stage: stage, K: inner, stride: stride, relu: true)
            j += 1
            branch = net.convolutionNorm(branch, names(index, j), K: K, kernel: .one, relu: false)
        } else {
            branch = convolution(branch, index, 1, stage: stage, K: K, stride: stride, relu: true)
            j = 2
            branch = convolution(branch, index, 2, stage: stage, K: K, stride: .one, relu: false)
        }
        var shortcut = x
        if net.map(x).C != K || isFirst && stage > 2 {
            let name = "shortcut_projection_\(index)"
            shortcut = net.convolutionNorm(
                x, .init(convolution: name, norm: "\(name)_spatbn"), K: K, kernel: .one, stride: stride, relu: false)
        }
        return net.join(branch, shortcut, "comp_\(index)_sum_\(j)")
    }

    /// What stands for a 3 x 3 x 3 convolution.
    private mutating func convolution(
        _ x: Int, _ index: Int, _ j: Int, stage: Int, K: Int, stride: Extent3, relu: Bool
    ) -> Int {
        let kernel = Extent3(kind.is3D(stage: stage) ? 3 : 1, 3, 3)
        switch kind {
        case .r2plus1d:
            return net.spaceThenTime(
                x, space: names(index, j, "_middle"), time: names(index, j), middle: middleChannels(net.map(x).C, K),
                K: K, kernel: kernel, stride: stride, relu: relu)
        case .irCSN:  // interactions between channels reduced
            return net.convolutionNorm(
                x, names(index, j), K: K, kernel: kernel, stride: stride, groups: K, relu: relu)
        case .ipCSN:  // interactions between channels preserved; no ReLU between the two
            let point = net.convolutionNorm(x, names(index, j, "_middle"), K: K, kernel: .one, relu: false)
            return net.convolutionNorm(
                point, names(index, j), K: K, kernel: kernel, stride: stride, groups: K, relu: relu)
        default:
            return net.convolutionNorm(x, names(index, j), K: K, kernel: kernel, stride: stride, relu: relu)
        }
    }

    /// VMZ's convolutional head takes one softmax over classes and places together, then the mean over the places.
    private mutating func head(_ x: Int) {
        let name = "last_out_L\(request.classes)"
        func forgetting(_ x: Int) -> Int {
            options.dropout.map { net.dropout(x, "dropout", probability: $0) } ?? x
        }
        switch options.head {
        case .linear:
            _ = net.linear(forgetting(net.globalAveragePool(x, "final_avg")), name, out: request.classes)
        case .convolutional:
            let side =
                options.trainedCrop.map { ($0 + 15) / 16 / (options.pool1 ? 2 : 1) }
                ?? (min(request.height, request.width) >= 224 && !options.pool1 ? 14 : 7)
            let window = Extent3(max(1, request.frames / 8 / options.conv1TemporalStride), side, side)
            let places = net.convolution(
                forgetting(net.windowAverage(x, "final_avg", window: window)), name, K: request.classes, kernel: .one,
                bias: true)
            _ = net.softmaxMean(places, "softmax", joint: true)
        }
    }

    private func names(_ index: Int, _ j: Int, _ suffix: String = "") -> NetworkBuilder.Names {
        .init(convolution: "comp_\(index)_conv_\(j)\(suffix)", norm: "comp_\(index)_spatbn_\(j)\(suffix)")
    }
}

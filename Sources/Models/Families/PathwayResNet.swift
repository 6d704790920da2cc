import Faults
import Kernels

/// SlowFast and its relatives of one pathway: C2D, I3D, Slow (Feichtenhofer et al., "SlowFast Networks for Video
/// Recognition", ICCV 2019; Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017; Wang et al., "Non-local
/// Neural Networks", CVPR 2018). One design; PySlowFast and pytorchvideo name its layers each in their own way.
struct PathwayResNet {
    /// What distinguishes the networks.
    struct Design: Sendable {
        /// 50 or 101.
        var depth = 50
        /// The slow pathway, or the only one.
        var slow: Pathway
        var fast: Pathway?
        /// Whether pairs of frames become one behind stage 2.
        var halvesFrames = false
        /// Non-local blocks on the slow pathway: behind which blocks of a stage.
        var nonLocal: [Int: [Int]] = [:]
        var normalisation = Operation.AttentionNormalisation.positions
        var clip = PublishedClip(frames: 8, size: 224)
        var lateral = Lateral(alpha: 8, kernel: 5)
    }

    /// Frames that the convolutions of a pathway see.
    struct Pathway: Sendable {
        /// Of the stem's.
        var stem: Int
        /// Of convolution a in stages 2 to 5: repeated over the blocks.
        var stages: [[Int]]
        /// How many blocks of stage 4 see more than a frame; the rest are 2D.
        var stage4Limit = Int.max

        func frames(stage: Int, block: Int) -> Int {
            let cycle = stages[stage - 2]
            return stage == 4 && block >= stage4Limit ? 1 : cycle[block % cycle.count]
        }
    }

    /// The convolution that carries the fast pathway's map to the slow one.
    struct Lateral: Sendable {
        /// How many frames the fast pathway has for one of the slow.
        var alpha: Int
        /// Frames it sees.
        var kernel: Int
    }

    let design: Design
    let names: any PathwayNames
    private var net: NetworkBuilder

    init(_ design: Design, _ names: any PathwayNames, _ conventions: FamilyConventions) {
        self.design = design
        self.names = names
        net = NetworkBuilder(conventions)
    }

    consuming func described(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        try check(request)
        let clip = net.input(request)
        var slow = clip
        if design.fast != nil { slow = net.selectFrames(clip, "slow", slowFrames(request.frames)) }
        slow = stem(slow, design.slow, pathway: 0)
        var fast = design.fast.map { stem(clip, $0, pathway: 1) }
        for stage in 2...5 {
            if let map = fast { slow = fuse(slow, map, after: stage - 1) }
            slow = self.stage(slow, design.slow, stage: stage, pathway: 0)
            fast = fast.flatMap { map in design.fast.map { self.stage(map, $0, stage: stage, pathway: 1) } }
            if stage == 2 && design.halvesFrames {
                let pair = Extent3(2, 1, 1)
                slow = net.maxPool(slow, names.framePool, kernel: pair, stride: pair, padding: Extent3(0, 0, 0))
            }
        }
        head([slow] + (fast.map { [$0] } ?? []), request)
        return net.network(named: request.name)
    }

    private func check(_ request: NetworkRequest) throws(Fault) {
        try request.options.check(for: request.name, known: [.dropout, .convolutionalHead])
        let clip = "clips of \(request.clip)"
        if design.fast != nil, !request.frames.isMultiple(of: design.lateral.alpha) {
            throw Fault(
                .usage, request.name, "cannot take \(clip): its slow pathway sees one frame of \(design.lateral.alpha)",
                mend: "choose a multiple of \(design.lateral.alpha) frames")
        }
        if design.halvesFrames, request.frames < 2 {
            throw Fault(.usage, request.name, "cannot take \(clip): it makes pairs of frames", mend: "choose 2 or more")
        }
        if !design.nonLocal.isEmpty, min(request.height, request.width) < 17 {
            throw Fault(
                .usage, request.name, "cannot take \(clip): its non-local blocks need maps of 2x2",
                mend: "choose 17 pixels or more")
        }
    }

    /// Evenly spread from the first to the last, as PyTorch's `linspace` in f32 cut to whole numbers.
    private func slowFrames(_ T: Int) -> [Int] {
        let count = T / design.lateral.alpha
        guard count > 1 else { return [0] }
        let step = Float(T - 1) / Float(count - 1)
        return (0..<count).map { i in
            Int(i < count / 2 ? step * Float(i) : Float(T - 1) - step * Float(count - 1 - i))
        }
    }

    /// Channels of the stem: an eighth on the fast pathway.
    private func width(_ pathway: Int) -> Int { pathway == 0 ? 64 : 8 }

    private mutating func stem(_ x: Int, _ design: Pathway, pathway: Int) -> Int {
        let first = net.convolutionNorm(
            x, names.stem(pathway: pathway), K: width(pathway), kernel: Extent3(design.stem, 7, 7),
            stride: Extent3(1, 2, 2))
        return net.stemPool(first, names.stemPool(pathway: pathway))
    }

    private mutating func stage(_ x: Int, _ pathway: Pathway, stage: Int, pathway number: Int) -> Int {
        let inner = width(number) << (stage - 2)
        var x = x
        for block in 0..<[3, 4, design.depth == 50 ? 6 : 23, 3][stage - 2] {
            x = net.bottleneck(
                x, names.block(stage: stage, pathway: number, block),
                frames: pathway.frames(stage: stage, block: block),
                inner: inner, K: 4 * inner, spatialStride: block == 0 && stage > 2 ? 2 : 1)
            if number == 0, design.nonLocal[stage, default: []].contains(block) {
                x = net.nonLocal(x, names.nonLocal(stage: stage, block), normalisation: design.normalisation)
            }
        }
        return x
    }

    /// The slow map with twice the fast map's channels behind its own.
    private mutating func fuse(_ slow: Int, _ fast: Int, after stage: Int) -> Int {
        let names = names.lateral(after: stage)
        let carried = net.convolutionNorm(
            fast, names, K: 2 * net.map(fast).C, kernel: Extent3(design.lateral.kernel, 1, 1),
            stride: Extent3(design.lateral.alpha, 1, 1))
        return net.concatenate([slow, carried], "\(names.convolution).concatenate")
    }

    /// The windows of the convolutional head cover all frames, and as many pixels as a crop of training has.
    private mutating func head(_ maps: [Int], _ request: NetworkRequest) {
        let side = max(1, (request.options.trainedCrop ?? design.clip.size) / 32)
        let means = maps.enumerated().map { pathway, map in
            let window =
                request.options.head == .linear ? net.map(map).extent : Extent3(net.map(map).extent.t, side, side)
            return net.windowAverage(map, names.average(pathway: pathway), window: window)
        }
        let features = means.count == 1 ? means[0] : net.concatenate(means, "\(names.head).concatenate")
        let kept = net.dropout(
            features, "\(names.head).dropout", probability: request.options.dropout ?? 0.5)
        let places = net.linear(kept, names.head, out: request.classes)
        if request.options.head == .convolutional { names.scores(places, &net) }
    }
}

/// How an origin names the layers of a `PathwayResNet`, and how it averages the places of a convolutional head. Stages
/// count from 1, the stem, to 5; pathway 0 is the slow one.
protocol PathwayNames: Sendable {
    func stem(pathway: Int) -> NetworkBuilder.Names
    func stemPool(pathway: Int) -> String
    func block(stage: Int, pathway: Int, _ index: Int) -> NetworkBuilder.BlockNames
    func nonLocal(stage: Int, _ block: Int) -> String
    func lateral(after stage: Int) -> NetworkBuilder.Names
    /// Of the pool behind stage 2.
    var framePool: String { get }
    func average(pathway: Int) -> String
    var head: String { get }
    /// Ends the network from the logits of several places.
    func scores(_ places: Int, _ net: inout NetworkBuilder)
}

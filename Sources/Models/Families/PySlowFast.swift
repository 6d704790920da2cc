import Faults

/// The networks of facebookresearch/SlowFast by the names of its configurations, under the keys of its `state_dict`.
/// Without an origin's own weights they start as there: the last scale of each branch with 0.
struct PySlowFastNetwork: NetworkFamily {
    private enum Design {
        case resNet(PathwayResNet.Design)
        case x3d(X3DNetwork.Size)
    }

    private static let designs: KeyValuePairs<String, Design> = {
        let c2d = PathwayResNet.Design(slow: .c2d, halvesFrames: true, normalisation: .softmax)
        var c2dNoPool = c2d
        c2dNoPool.halvesFrames = false
        let i3d = PathwayResNet.Design(slow: .i3d, halvesFrames: true, normalisation: .softmax)
        let slow = PathwayResNet.Design(slow: .slow)
        let slow4 = slow.frames(4)
        let slowFast = PathwayResNet.Design(slow: .slow, fast: .fast).frames(32)
        let slowFast8 = slowFast.lateral(alpha: 4, kernel: 7)
        // All configurations but the first 8x8 have a lateral kernel of 5.
        let wide8 = slowFast.lateral(alpha: 4, kernel: 5)
        let wide16 = wide8.frames(64).deep(slow: 6, fast: 6)
        return [
            "C2D_8x8_R50": .resNet(c2d),
            "C2D_NOPOOL_8x8_R50": .resNet(c2dNoPool),
            "C2D_NLN_8x8_R50": .resNet(c2d.nonLocal()),
            "I3D_8x8_R50": .resNet(i3d),
            "I3D_8x8_R101": .resNet(i3d.deep()),
            "I3D_NLN_8x8_R50": .resNet(i3d.nonLocal()),
            "I3D_NLN_8x8_R101": .resNet(i3d.deep().nonLocal()),
            "SLOW_4x16_R50": .resNet(slow4),
            "SLOW_8x8_R50": .resNet(slow),
            "SLOW_NLN_4x16_R50": .resNet(slow4.nonLocal()),
            "SLOW_NLN_8x8_R50": .resNet(slow.nonLocal()),
            "SLOWFAST_4x16_R50": .resNet(slowFast),
            "SLOWFAST_4x16_R101": .resNet(slowFast.deep()),
            "SLOWFAST_8x8_R50": .resNet(slowFast8),
            "SLOWFAST_8x8_R101": .resNet(wide8.deep()),
            "SLOWFAST_8x8_R101_101_101": .resNet(wide8.deep()),
            "SLOWFAST_8x8_R101_50_101": .resNet(wide8.deep(slow: 6)),
            "SLOWFAST_8x8_R101_50_50": .resNet(wide8.deep(slow: 6, fast: 6)),
            "SLOWFAST_16x8_R101_50_50": .resNet(wide16),
            "SLOWFAST_NLN_4x16_R50": .resNet(slowFast.nonLocal()),
            "SLOWFAST_NLN_8x8_R50": .resNet(wide8.nonLocal()),
            "SLOWFAST_NLN_16x8_R101_50_50": .resNet(wide16.nonLocal([4: [6, 13, 20]])),
            "X3D_XS": .x3d(.xs), "X3D_S": .x3d(.s), "X3D_M": .x3d(.m), "X3D_L": .x3d(.l),
        ]
    }()

    static let names = designs.map { "slowfast/\($0.key)" }

    static func publishedClip(_ name: String) -> PublishedClip {
        switch design(name) {
        case .resNet(let design): design.clip
        case .x3d(let size): size.clip
        }
    }

    static func describe(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        switch design(request.name) {
        case .resNet(let design): try PathwayResNet(design, Names(), .slowfast).described(request)
        case .x3d(let size): try X3DNetwork(size, .slowfast).described(request)
        }
    }

    private static func design(_ name: String) -> Design {
        guard let entry = designs.first(where: { "slowfast/\($0.key)" == name }) else {
            preconditionFailure("\(name) is not PySlowFast's")
        }
        return entry.value
    }

    private struct Names: PathwayNames {
        func stem(pathway: Int) -> NetworkBuilder.Names {
            .init(convolution: "s1.pathway\(pathway)_stem.conv", norm: "s1.pathway\(pathway)_stem.bn")
        }

        func stemPool(pathway: Int) -> String { "s1.pathway\(pathway)_stem.pool_layer" }

        func block(stage: Int, pathway: Int, _ index: Int) -> NetworkBuilder.BlockNames {
            let block = "s\(stage).pathway\(pathway)_res\(index)"
            func names(_ layer: String) -> NetworkBuilder.Names {
                .init(convolution: "\(block).\(layer)", norm: "\(block).\(layer)_bn")
            }
            return .init(
                block: block, shortcut: names("branch1"), a: names("branch2.a"), b: names("branch2.b"),
                c: names("branch2.c"))
        }

        func nonLocal(stage: Int, _ block: Int) -> String { "s\(stage).pathway0_nonlocal\(block)" }

        func lateral(after stage: Int) -> NetworkBuilder.Names {
            .init(convolution: "s\(stage)_fuse.conv_f2s", norm: "s\(stage)_fuse.bn")
        }

        var framePool: String { "pathway0_pool" }
        func average(pathway: Int) -> String { "head.pathway\(pathway)_avgpool" }
        var head: String { "head.projection" }

        /// Softmax at each place, then the mean.
        func scores(_ places: Int, _ net: inout NetworkBuilder) {
            _ = net.softmaxMean(places, "head.act", joint: false)
        }
    }
}

extension PathwayResNet.Pathway {
    static let c2d = Self(stem: 1, stages: [[1], [1], [1], [1]])
    static let i3d = Self(stem: 5, stages: [[3], [3, 1], [3, 1], [1, 3]])
    static let slow = Self(stem: 1, stages: [[1], [1], [3], [3]])
    static let fast = Self(stem: 5, stages: [[3], [3], [3], [3]])
}

extension PathwayResNet.Design {
    func frames(_ count: Int) -> Self {
        var design = self
        design.clip.frames = count
        return design
    }

    func lateral(alpha: Int, kernel: Int) -> Self {
        var design = self
        design.lateral = .init(alpha: alpha, kernel: kernel)
        return design
    }

    /// Depth 101; of its 23 blocks of stage 4 so many of each pathway see several frames.
    func deep(slow: Int = .max, fast: Int = .max) -> Self {
        var design = self
        design.depth = 101
        design.slow.stage4Limit = slow
        design.fast?.stage4Limit = fast
        return design
    }

    /// Non-local blocks in every second place of stages 3 and 4 of a ResNet-50.
    func nonLocal(_ places: [Int: [Int]] = [3: [1, 3], 4: [1, 3, 5]]) -> Self {
        var design = self
        design.nonLocal = places
        return design
    }
}

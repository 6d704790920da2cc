import Faults
import Kernels

/// The networks of pytorchvideo.models.hub, under the keys of their `state_dict`.
struct PyTorchVideoNetwork: NetworkFamily {
    private enum Design {
        case resNet(PathwayResNet.Design)
        case x3d(X3DNetwork.Size)
        case csn
        case r2plus1d
    }

    private static let designs: KeyValuePairs<String, Design> = {
        let slowFast = PathwayResNet.Design(slow: .slow, fast: .fast).frames(32).lateral(alpha: 4, kernel: 5)
        return [
            "slow_r50": .resNet(.init(slow: .slow)),
            "c2d_r50": .resNet(.init(slow: .c2d, halvesFrames: true)),
            "i3d_r50": .resNet(.init(slow: .i3d, halvesFrames: true)),
            "slowfast_r50": .resNet(slowFast.lateral(alpha: 4, kernel: 7)),
            "slowfast_r101": .resNet(slowFast.deep()),
            "slowfast_16x8_r101_50_50": .resNet(slowFast.frames(64).deep(slow: 6, fast: 6)),
            "csn_r101": .csn,
            "r2plus1d_r50": .r2plus1d,
            "x3d_xs": .x3d(.xs), "x3d_s": .x3d(.s), "x3d_m": .x3d(.m), "x3d_l": .x3d(.l),
        ]
    }()

    static let names = designs.map { "pytorchvideo/\($0.key)" }

    static func publishedClip(_ name: String) -> PublishedClip {
        switch design(name) {
        case .resNet(let design): design.clip
        case .x3d(let size): size.clip
        case .csn: PublishedClip(frames: 32, size: 224)
        case .r2plus1d: PublishedClip(frames: 16, size: 224)
        }
    }

    static func describe(_ request: NetworkRequest) throws(Fault) -> NetworkDescription {
        switch design(request.name) {
        case .resNet(let design):
            let names = PyTorchVideoNames(pathways: design.fast == nil ? 1 : 2, hasFramePool: design.halvesFrames)
            return try PathwayResNet(design, names, .pytorchvideo).described(request)
        case .x3d(let size): return try X3DNetwork(size, .pytorchvideo).described(request)
        case .csn: return try SeparatedResNet(.csn).described(request)
        case .r2plus1d: return try SeparatedResNet(.r2plus1d).described(request)
        }
    }

    private static func design(_ name: String) -> Design {
        guard let entry = designs.first(where: { "pytorchvideo/\($0.key)" == name }) else {
            preconditionFailure("\(name) is not pytorchvideo's")
        }
        return entry.value
    }
}

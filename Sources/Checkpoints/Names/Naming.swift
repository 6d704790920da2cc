/// How an origin names the tensors of its networks.
public enum Naming: String, Sendable, CaseIterable {
    /// Blobs of facebookresearch/VMZ: `comp_0_conv_1_w`.
    case vmz
    /// Keys of PySlowFast's `state_dict`: `s2.pathway0_res0.branch2.a.weight`.
    case slowfast
    /// Blobs of video-nonlocal-net and of PySlowFast's Caffe2 model zoo: `res2_0_branch2a_w`.
    case slowfastBlobs = "slowfast-blobs"
    /// Keys of pytorchvideo: `blocks.1.res_blocks.0.branch2.conv_a.weight`.
    case pytorchvideo
    /// Keys of torchvision's ResNets, of video and of pictures: `layer1.0.conv1.0.weight`.
    case torchvision

    /// The places of those names that the scheme knows. What a name means may depend on the others: VMZ counts blocks
    /// through all stages, pytorchvideo's numbers depend on the pools between them.
    package func places(of names: some Sequence<String>) -> [String: TensorPlace] {
        let names = Array(names)
        let place: (String) -> TensorPlace? =
            switch self {
            case .vmz: VMZNames(among: names).place
            case .slowfast: SlowFastKeys.place
            case .slowfastBlobs: SlowFastBlobs.place
            case .pytorchvideo: PytorchvideoNames(among: names).place
            case .torchvision: TorchvisionNames(among: names).place
            }
        var places: [String: TensorPlace] = [:]
        for name in names { places[name] = place(name) }
        return places
    }

    /// The scheme that knows most of `names`, or `nil` when none knows any. Of two the earlier one is taken.
    public static func recognising(_ names: some Sequence<String>) -> Naming? {
        let names = Array(names)
        var best: (naming: Naming, count: Int)?
        for naming in allCases {
            let count = naming.places(of: names).count
            if count > best?.count ?? 0 { best = (naming, count) }
        }
        return best?.naming
    }

    /// The suffixes of PyTorch's layers.
    static let torchWeights: KeyValuePairs<String, TensorPlace.Value> = ["weight": .weight, "bias": .bias]
    static let torchNorms: KeyValuePairs<String, TensorPlace.Value> = [
        "weight": .scale, "bias": .shift, "running_mean": .mean, "running_var": .variance,
    ]
    /// Of Caffe2's. `riv` holds the running variance, despite its name.
    static let caffe2Weights: KeyValuePairs<String, TensorPlace.Value> = ["w": .weight, "b": .bias]
    static let caffe2Norms: KeyValuePairs<String, TensorPlace.Value> = [
        "s": .scale, "b": .shift, "rm": .mean, "riv": .variance,
    ]
}

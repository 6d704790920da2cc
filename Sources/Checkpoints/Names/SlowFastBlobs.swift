/// The Caffe2 blobs of video-nonlocal-net and of PySlowFast's model zoo, the fast pathway's with a `t_` in front.
enum SlowFastBlobs {
    static func place(_ blob: String) -> TensorPlace? {
        var scanner = NameScanner(blob)
        if let layer = head(&scanner) {
            let value =
                layer == .widen && scanner.take("bn_")
                ? scanner.ends(Naming.caffe2Norms) : scanner.ends(Naming.caffe2Weights)
            return value.map { TensorPlace(.head, layer, $0) }
        }
        if scanner.take("nonlocal_conv") { return nonlocal(scanner) }
        let pathway = scanner.take("t_") ? 1 : 0
        if scanner.take("conv1_") {
            let layer: TensorPlace.Layer = scanner.take("xy_") ? .mainFirst : .main
            return scanner.ends(Naming.caffe2Weights).map { TensorPlace(.stem, pathway: pathway, layer, $0) }
        }
        if scanner.take("res_conv1_bn_") {
            return scanner.ends(Naming.caffe2Norms).map { TensorPlace(.stem, pathway: pathway, .main, $0) }
        }
        if pathway == 1, scanner.take("pool1_subsample_") { return lateral(scanner, stage: 1) }
        return block(scanner, pathway)
    }

    /// The blob of a place, or `nil` where there is none.
    ///
    /// - Parameter lastBlocks: by stage, the number of the fast pathway's last block, which the blobs of the lateral
    ///   convolution behind it carry.
    static func name(_ place: TensorPlace, lastBlocks: [Int: Int]) -> String? {
        let isOfNorm = place.value.isOfNorm
        let suffixes = isOfNorm ? Naming.caffe2Norms : Naming.caffe2Weights
        guard let suffix = suffixes.first(where: { $0.value == place.value })?.key else { return nil }
        let t = place.pathway == 1 ? "t_" : ""
        let norm = isOfNorm ? "bn_" : ""
        switch (place.site, place.layer) {
        case (.stem, .main): return t + (isOfNorm ? "res_conv1_bn_" : "conv1_") + suffix
        case (.stem, .mainFirst): return t + "conv1_xy_" + suffix
        case (.lateral(stage: 1), .main): return "t_pool1_subsample_" + norm + suffix
        case (.lateral(let stage), .main):
            return lastBlocks[stage].map { "t_res\(stage)_\($0)_branch2c_bn_subsample_" + norm + suffix }
        case (.block(let stage, let index), .shortcut): return t + "res\(stage)_\(index)_branch1_" + norm + suffix
        case (.block(let stage, let index), let layer):
            let inner: String
            switch layer {
            case .a, .b, .c: inner = layer.rawValue + "_" + norm
            case .squeeze: inner = "b_bn_fc1_"
            case .excite: inner = "b_bn_fc2_"
            default: return nil
            }
            return t + "res\(stage)_\(index)_branch2" + inner + suffix
        case (.nonlocal(let stage, let index), let layer):
            return "nonlocal_conv\(stage)_\(index)_" + (isOfNorm ? norm : layer.rawValue + "_") + suffix
        case (.head, .classes): return "pred_" + suffix
        case (.head, .widen): return "conv_5_" + norm + suffix
        case (.head, .widenMore): return "lin_5_" + suffix
        default: return nil
        }
    }

    private static func head(_ scanner: inout NameScanner) -> TensorPlace.Layer? {
        let layers: KeyValuePairs<String, TensorPlace.Layer> = [
            "pred_": .classes, "conv_5_": .widen, "lin_5_": .widenMore,
        ]
        for (text, layer) in layers where scanner.take(text) { return layer }
        return nil
    }

    private static func nonlocal(_ scanner: NameScanner) -> TensorPlace? {
        var scanner = scanner
        guard let stage = scanner.number(), scanner.take("_"), let index = scanner.number(), scanner.take("_") else {
            return nil
        }
        let site = TensorPlace.Site.nonlocal(stage: stage, index: index)
        if scanner.take("bn_") { return scanner.ends(Naming.caffe2Norms).map { TensorPlace(site, .out, $0) } }
        for layer in [TensorPlace.Layer.theta, .phi, .g, .out] where scanner.take(layer.rawValue + "_") {
            return scanner.ends(Naming.caffe2Weights).map { TensorPlace(site, layer, $0) }
        }
        return nil
    }

    private static func lateral(_ scanner: NameScanner, stage: Int) -> TensorPlace? {
        var scanner = scanner
        let value = scanner.take("bn_") ? scanner.ends(Naming.caffe2Norms) : scanner.ends(Naming.caffe2Weights)
        return value.map { TensorPlace(.lateral(stage: stage), .main, $0) }
    }

    private static func block(_ scanner: NameScanner, _ pathway: Int) -> TensorPlace? {
        var scanner = scanner
        guard scanner.take("res"), let stage = scanner.number(), scanner.take("_"), let index = scanner.number(),
            scanner.take("_branch")
        else { return nil }
        if pathway == 1, scanner.take("2c_bn_subsample_") { return lateral(scanner, stage: stage) }
        let layers: KeyValuePairs<String, TensorPlace.Layer> = [
            "1_": .shortcut, "2b_bn_fc1_": .squeeze, "2b_bn_fc2_": .excite, "2a_": .a, "2b_": .b, "2c_": .c,
        ]
        for (text, layer) in layers where scanner.take(text) {
            let value = scanner.take("bn_") ? scanner.ends(Naming.caffe2Norms) : scanner.ends(Naming.caffe2Weights)
            return value.map { TensorPlace(.block(stage: stage, index: index), pathway: pathway, layer, $0) }
        }
        return nil
    }
}

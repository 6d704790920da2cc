/// The keys of PySlowFast's video models: `s{stage}.pathway{p}_{stem, res{i}, nonlocal{i}}`, `s{stage}_fuse`, `head`.
enum SlowFastKeys {
    static func place(_ key: String) -> TensorPlace? {
        var scanner = NameScanner(key)
        if scanner.take("head.") { return head(scanner) }
        guard scanner.take("s"), let stage = scanner.number() else { return nil }
        if scanner.take("_fuse.") { return lateral(scanner, stage) }
        guard scanner.take(".pathway"), let pathway = scanner.number(), scanner.take("_") else { return nil }
        if scanner.take("stem.") { return stage == 1 ? stem(scanner, pathway) : nil }
        if scanner.take("res") { return block(scanner, stage, pathway) }
        if scanner.take("nonlocal") { return nonlocal(scanner, stage, pathway) }
        return nil
    }

    /// The key of a place, or `nil` where PySlowFast has none: it knows no convolution split in two but X3D's stem.
    static func name(_ place: TensorPlace) -> String? {
        guard let suffix = suffix(place.value) else { return nil }
        let norm = place.value.isOfNorm ? "_bn" : ""
        switch (place.site, place.layer) {
        case (.stem, .main):
            return "s1.pathway\(place.pathway)_stem.\(place.value.isOfNorm ? "bn" : "conv").\(suffix)"
        case (.stem, .mainFirst): return "s1.pathway\(place.pathway)_stem.conv_xy.\(suffix)"
        case (.lateral(let stage), .main):
            return "s\(stage)_fuse.\(place.value.isOfNorm ? "bn" : "conv_f2s").\(suffix)"
        case (.block(let stage, let index), .shortcut):
            return "s\(stage).pathway\(place.pathway)_res\(index).branch1\(norm).\(suffix)"
        case (.block(let stage, let index), let layer):
            let inner: String
            switch layer {
            case .a, .b, .c: inner = layer.rawValue + norm
            case .squeeze: inner = "se.fc1"
            case .excite: inner = "se.fc2"
            default: return nil
            }
            return "s\(stage).pathway\(place.pathway)_res\(index).branch2.\(inner).\(suffix)"
        case (.nonlocal(let stage, let index), let layer):
            let inner = place.value.isOfNorm ? "bn" : "conv_\(layer.rawValue)"
            return "s\(stage).pathway\(place.pathway)_nonlocal\(index).\(inner).\(suffix)"
        case (.head, .classes): return "head.projection.\(suffix)"
        case (.head, .widen): return "head.conv_5\(norm).\(suffix)"
        case (.head, .widenMore): return "head.lin_5.\(suffix)"
        default: return nil
        }
    }

    private static func suffix(_ value: TensorPlace.Value) -> String? {
        (value.isOfNorm ? Naming.torchNorms : Naming.torchWeights).first { $0.value == value }?.key
    }

    private static func stem(_ scanner: NameScanner, _ pathway: Int) -> TensorPlace? {
        var scanner = scanner
        if scanner.take("conv.") { return place(.stem, pathway, .main, scanner.ends(Naming.torchWeights)) }
        if scanner.take("conv_xy.") { return place(.stem, pathway, .mainFirst, scanner.ends(Naming.torchWeights)) }
        if scanner.take("bn.") { return place(.stem, pathway, .main, scanner.ends(Naming.torchNorms)) }
        return nil
    }

    private static func lateral(_ scanner: NameScanner, _ stage: Int) -> TensorPlace? {
        var scanner = scanner
        let site = TensorPlace.Site.lateral(stage: stage)
        if scanner.take("conv_f2s.") { return place(site, 0, .main, scanner.ends(Naming.torchWeights)) }
        if scanner.take("bn.") { return place(site, 0, .main, scanner.ends(Naming.torchNorms)) }
        return nil
    }

    private static func block(_ scanner: NameScanner, _ stage: Int, _ pathway: Int) -> TensorPlace? {
        var scanner = scanner
        guard let index = scanner.number(), scanner.take(".branch") else { return nil }
        let site = TensorPlace.Site.block(stage: stage, index: index)
        if scanner.take("1.") { return place(site, pathway, .shortcut, scanner.ends(Naming.torchWeights)) }
        if scanner.take("1_bn.") { return place(site, pathway, .shortcut, scanner.ends(Naming.torchNorms)) }
        guard scanner.take("2.") else { return nil }
        let layers: KeyValuePairs<String, TensorPlace.Layer> = [
            "a": .a, "b": .b, "c": .c, "se.fc1": .squeeze, "se.fc2": .excite,
        ]
        for (text, layer) in layers {
            if scanner.take(text + ".") { return place(site, pathway, layer, scanner.ends(Naming.torchWeights)) }
            if scanner.take(text + "_bn.") { return place(site, pathway, layer, scanner.ends(Naming.torchNorms)) }
        }
        return nil
    }

    private static func nonlocal(_ scanner: NameScanner, _ stage: Int, _ pathway: Int) -> TensorPlace? {
        var scanner = scanner
        guard let index = scanner.number(), scanner.take(".") else { return nil }
        let site = TensorPlace.Site.nonlocal(stage: stage, index: index)
        if scanner.take("bn.") { return place(site, pathway, .out, scanner.ends(Naming.torchNorms)) }
        for layer in [TensorPlace.Layer.theta, .phi, .g, .out] where scanner.take("conv_\(layer.rawValue).") {
            return place(site, pathway, layer, scanner.ends(Naming.torchWeights))
        }
        return nil
    }

    private static func head(_ scanner: NameScanner) -> TensorPlace? {
        var scanner = scanner
        if scanner.take("projection.") { return place(.head, 0, .classes, scanner.ends(Naming.torchWeights)) }
        if scanner.take("conv_5.") { return place(.head, 0, .widen, scanner.ends(Naming.torchWeights)) }
        if scanner.take("conv_5_bn.") { return place(.head, 0, .widen, scanner.ends(Naming.torchNorms)) }
        if scanner.take("lin_5.") { return place(.head, 0, .widenMore, scanner.ends(Naming.torchWeights)) }
        return nil
    }

    private static func place(
        _ site: TensorPlace.Site, _ pathway: Int, _ layer: TensorPlace.Layer, _ value: TensorPlace.Value?
    ) -> TensorPlace? {
        value.map { TensorPlace(site, pathway: pathway, layer, $0) }
    }
}

extension TensorPlace.Value {
    /// Whether it belongs to a batch norm.
    var isOfNorm: Bool {
        switch self {
        case .weight, .bias: false
        case .scale, .shift, .mean, .variance: true
        }
    }
}

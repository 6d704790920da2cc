/// The keys of pytorchvideo's networks: `blocks.{number}`, where pools have numbers, too, but no tensors.
struct PytorchvideoNames {
    /// The stage of each number that holds residual blocks.
    private let stages: [Int: Int]

    init(among names: [String]) {
        var numbers: Set<Int> = []
        for name in names where name.contains(".res_blocks.") {
            var scanner = NameScanner(name)
            if scanner.take("blocks."), let number = scanner.number() { numbers.insert(number) }
        }
        stages = Dictionary(uniqueKeysWithValues: numbers.sorted().enumerated().map { ($0.element, $0.offset + 2) })
    }

    func place(_ key: String) -> TensorPlace? {
        var scanner = NameScanner(key)
        guard scanner.take("blocks."), let number = scanner.number(), scanner.take(".") else { return nil }
        if scanner.take("multipathway_fusion.") {
            guard let stage = number == 0 ? 1 : stages[number] else { return nil }
            return layer(
                scanner, .lateral(stage: stage), 0, weights: ["conv_fast_to_slow.": .main], norms: ["norm.": .main])
        }
        var pathway = 0
        if scanner.take("multipathway_blocks.") {
            guard let found = scanner.number(), scanner.take(".") else { return nil }
            pathway = found
        }
        if let stage = stages[number] {
            guard scanner.take("res_blocks."), let index = scanner.number(), scanner.take(".") else { return nil }
            return block(scanner, .block(stage: stage, index: index), pathway)
        }
        if number == 0 {
            // `conv_t` is whatever comes first: in X3D's stem that is the convolution over space.
            return layer(
                scanner, .stem, pathway,
                weights: ["conv.conv_t.": .mainFirst, "conv.conv_xy.": .main, "conv.": .main], norms: ["norm.": .main])
        }
        return layer(
            scanner, .head, 0,
            weights: ["proj.": .classes, "pool.pre_conv.": .widen, "pool.post_conv.": .widenMore],
            norms: ["pool.pre_norm.": .widen])
    }

    private func block(_ scanner: NameScanner, _ site: TensorPlace.Site, _ pathway: Int) -> TensorPlace? {
        var scanner = scanner
        if scanner.take("branch1_") {
            return layer(scanner, site, pathway, weights: ["conv.": .shortcut], norms: ["norm.": .shortcut])
        }
        guard scanner.take("branch2.") else { return nil }
        return layer(
            scanner, site, pathway,
            weights: [
                "conv_a.": .a, "conv_b.conv_t.": .bFirst, "conv_b.conv_xy.": .b, "conv_b.": .b, "conv_c.": .c,
                "norm_b.1.block.0.": .squeeze, "norm_b.1.block.2.": .excite,
                "norm_b.1.fc1.": .squeeze, "norm_b.1.fc2.": .excite,
            ],
            norms: ["norm_a.": .a, "conv_b.norm.": .bFirst, "norm_b.0.": .b, "norm_b.": .b, "norm_c.": .c])
    }

    private func layer(
        _ scanner: NameScanner, _ site: TensorPlace.Site, _ pathway: Int,
        weights: KeyValuePairs<String, TensorPlace.Layer>, norms: KeyValuePairs<String, TensorPlace.Layer>
    ) -> TensorPlace? {
        for (layers, values) in [(weights, Naming.torchWeights), (norms, Naming.torchNorms)] {
            for (text, layer) in layers {
                var scanner = scanner
                if scanner.take(text), let value = scanner.ends(values) {
                    return TensorPlace(site, pathway: pathway, layer, value)
                }
            }
        }
        return nil
    }
}

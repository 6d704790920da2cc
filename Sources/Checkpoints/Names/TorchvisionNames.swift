/// The keys of torchvision's ResNets: those of video, whose convolutions are members of `Sequential`s (`conv1.0`), and
/// those of pictures (`conv1`, `bn1`), which are inflated. The stages are `layer1` to `layer4`.
struct TorchvisionNames {
    /// Whether the stem is split in space and time.
    private let stemIsSplit: Bool

    init(among names: [String]) { stemIsSplit = names.contains("stem.3.weight") }

    func place(_ key: String) -> TensorPlace? {
        var scanner = NameScanner(key)
        if scanner.take("fc.") { return scanner.ends(Naming.torchWeights).map { TensorPlace(.head, .classes, $0) } }
        if scanner.take("stem.") { return stem(scanner) }
        if scanner.take("conv1.") { return weight(scanner, .stem, .main) }
        if scanner.take("bn1.") { return norm(scanner, .stem, .main) }
        guard scanner.take("layer"), let layer = scanner.number(), scanner.take("."), let index = scanner.number(),
            scanner.take(".")
        else { return nil }
        return block(scanner, .block(stage: layer + 1, index: index))
    }

    private func stem(_ scanner: NameScanner) -> TensorPlace? {
        var scanner = scanner
        if scanner.take("0.") { return weight(scanner, .stem, stemIsSplit ? .mainFirst : .main) }
        if scanner.take("1.") { return norm(scanner, .stem, stemIsSplit ? .mainFirst : .main) }
        if scanner.take("3.") { return weight(scanner, .stem, .main) }
        if scanner.take("4.") { return norm(scanner, .stem, .main) }
        return nil
    }

    private func block(_ scanner: NameScanner, _ site: TensorPlace.Site) -> TensorPlace? {
        var scanner = scanner
        if scanner.take("downsample.0.") { return weight(scanner, site, .shortcut) }
        if scanner.take("downsample.1.") { return norm(scanner, site, .shortcut) }
        let isPlainNorm = scanner.take("bn")
        guard isPlainNorm || scanner.take("conv"), let number = scanner.number(), scanner.take("."),
            let layer = [1: TensorPlace.Layer.a, 2: .b, 3: .c][number]
        else { return nil }
        if isPlainNorm { return norm(scanner, site, layer) }
        // Conv2Plus1D: space, batch norm, ReLU, time.
        let first: TensorPlace.Layer? = layer == .a ? .aFirst : layer == .b ? .bFirst : nil
        if scanner.take("0.0."), let first { return weight(scanner, site, first) }
        if scanner.take("0.1."), let first { return norm(scanner, site, first) }
        if scanner.take("0.3.") { return weight(scanner, site, layer) }
        if scanner.take("0.") { return weight(scanner, site, layer) }
        if scanner.take("1.") { return norm(scanner, site, layer) }
        return weight(scanner, site, layer)
    }

    private func weight(
        _ scanner: NameScanner, _ site: TensorPlace.Site, _ layer: TensorPlace.Layer
    ) -> TensorPlace? {
        scanner.rest == "weight" ? TensorPlace(site, layer, .weight) : nil
    }

    private func norm(_ scanner: NameScanner, _ site: TensorPlace.Site, _ layer: TensorPlace.Layer) -> TensorPlace? {
        scanner.ends(Naming.torchNorms).map { TensorPlace(site, layer, $0) }
    }
}

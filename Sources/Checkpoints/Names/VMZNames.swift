/// The blobs of VMZ's residual networks, without the scope `gpu_0/`.
///
/// Blocks are numbered through all stages; each of the later stages begins with a projection, and so does the first one
/// of a bottleneck network. C3D has no residual blocks: of its blobs only the head has a place.
struct VMZNames {
    /// Blocks that begin a stage, ascending: those with a projection, but the first of all.
    private let starts: [Int]
    /// Blocks whose convolutions are numbered 1, 3, 4: a depthwise one counts twice.
    private let skipping: Set<Int>

    init(among names: [String]) {
        var projections: Set<Int> = []
        var skipping: Set<Int> = []
        for name in names {
            var scanner = NameScanner(name)
            if scanner.take("shortcut_projection_"), let block = scanner.number(), scanner.rest == "_w" {
                projections.insert(block)
            }
            scanner = NameScanner(name)
            if scanner.take("comp_"), let block = scanner.number(), scanner.rest == "_conv_4_w" {
                skipping.insert(block)
            }
        }
        starts = projections.filter { $0 > 0 }.sorted()
        self.skipping = skipping
    }

    func place(_ name: String) -> TensorPlace? {
        var scanner = NameScanner(name)
        if scanner.take("last_out_L") {
            guard scanner.number() != nil, scanner.take("_") else { return nil }
            return scanner.ends(Naming.caffe2Weights).map { TensorPlace(.head, .classes, $0) }
        }
        if scanner.take("conv1_") {
            let layer: TensorPlace.Layer = scanner.take("middle_") ? .mainFirst : .main
            let value = scanner.take("spatbn_relu_") ? scanner.ends(Naming.caffe2Norms) : weight(scanner)
            return value.map { TensorPlace(.stem, layer, $0) }
        }
        if scanner.take("shortcut_projection_") {
            guard let block = scanner.number(), scanner.take("_") else { return nil }
            let value = scanner.take("spatbn_") ? scanner.ends(Naming.caffe2Norms) : weight(scanner)
            return value.map { TensorPlace(site(block), .shortcut, $0) }
        }
        guard scanner.take("comp_"), let block = scanner.number() else { return nil }
        let isNorm = scanner.take("_spatbn_")
        guard isNorm || scanner.take("_conv_"), let number = scanner.number(), scanner.take("_"),
            let layer = layer(number, of: block, isFirst: scanner.take("middle_"))
        else { return nil }
        let value = isNorm ? scanner.ends(Naming.caffe2Norms) : weight(scanner)
        return value.map { TensorPlace(site(block), layer, $0) }
    }

    private func weight(_ scanner: NameScanner) -> TensorPlace.Value? { scanner.rest == "w" ? .weight : nil }

    private func site(_ block: Int) -> TensorPlace.Site {
        // How many have begun by then; halved, for a file may have thousands of them.
        var (begun, end) = (0, starts.count)
        while begun < end {
            let middle = (begun + end) / 2
            if starts[middle] <= block { begun = middle + 1 } else { end = middle }
        }
        return .block(stage: 2 + begun, index: block - (begun == 0 ? 0 : starts[begun - 1]))
    }

    private func layer(_ number: Int, of block: Int, isFirst: Bool) -> TensorPlace.Layer? {
        let number = skipping.contains(block) && number > 1 ? number - 1 : number
        return switch (number, isFirst) {
        case (1, false): .a
        case (1, true): .aFirst
        case (2, false): .b
        case (2, true): .bFirst
        case (3, false): .c
        default: nil
        }
    }
}

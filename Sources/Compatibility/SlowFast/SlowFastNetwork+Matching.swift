extension SlowFastNetwork {
    /// The network that the settings describe; what no network here has is refused key by key.
    static func matching(_ settings: inout SlowFastSettings) -> SlowFastNetwork? {
        let model = settings.string("MODEL.MODEL_NAME")
        let arch = settings.string("MODEL.ARCH")
        let builds = all.filter { $0.builders.contains { $0.model == model } }
        guard !builds.isEmpty else {
            let known = Set(all.flatMap { $0.builders.map(\.model) }).sorted().joined(separator: ", ")
            settings.refuse("MODEL.MODEL_NAME", "no network here is built by it", mend: "known are \(known)")
            return nil
        }
        let candidates = builds.filter { $0.builders.contains { $0 == (model, arch) } }
        guard let first = candidates.first else {
            let known = Set(builds.flatMap { $0.builders.map(\.arch) }).sorted().joined(separator: ", ")
            settings.refuse("MODEL.ARCH", "no network of \(model) here is of it", mend: "known are \(known)")
            return nil
        }
        first.checkWhatNoNetworkHas(&settings)
        let frames = settings.integer("DATA.NUM_FRAMES", in: 1...512)
        let differences = candidates.map { ($0, $0.differences(settings)) }
        guard let nearest = differences.min(by: { $0.1.count < $1.1.count }) else { return nil }
        guard nearest.1.isEmpty else {
            for (key, own) in nearest.1 {
                settings.refuse(key, "no network here has it; \(nearest.0.name) has \(own)")
            }
            return nearest.0
        }
        let same = differences.filter(\.1.isEmpty).map(\.0)
        let network = same.first { $0.frames == frames } ?? same[0]
        if settings.entries["DATA.INPUT_CHANNEL_NUM"] != nil,
            settings.value("DATA.INPUT_CHANNEL_NUM") != .list(Array(repeating: .integer(3), count: network.pathways))
        {
            settings.refuse(
                "DATA.INPUT_CHANNEL_NUM",
                "\(network.name) takes clips of 3 channels on each of \(network.pathways) pathways")
        }
        return network
    }

    /// What is alike in all networks of the builder.
    private func checkWhatNoNetworkHas(_ settings: inout SlowFastSettings) {
        func demand(_ key: String, _ wanted: Literal) {
            if settings.value(key).number ?? .nan == wanted.number ?? .infinity || settings.value(key) == wanted {
                return
            }
            settings.refuse(key, "no network here has it", mend: "all have \(wanted)")
        }
        func demandEverywhere(_ key: String, _ wanted: [Int]) {
            let stages = settings.value(key).elements
            let fits =
                stages.count == 4
                && zip(stages, wanted).allSatisfy { stage, number in
                    stage.leaves.allSatisfy { $0 == .integer(number) }
                }
            if !fits { settings.refuse(key, "no network here has it", mend: "all have \(wanted)") }
        }
        if depthFactor != nil {
            demand("RESNET.TRANS_FUNC", .string("x3d_transform"))
            for (key, wanted) in [
                ("WIDTH_FACTOR", Literal.real(2)), ("BOTTLENECK_FACTOR", .real(2.25)), ("DIM_C5", .integer(2048)),
                ("DIM_C1", .integer(12)), ("SCALE_RES2", .boolean(false)), ("BN_LIN5", .boolean(false)),
                ("CHANNELWISE_3x3x3", .boolean(true)),
            ] { demand("X3D.\(key)", wanted) }
        } else {
            demand("RESNET.TRANS_FUNC", .string("bottleneck_transform"))
            demand("RESNET.NUM_GROUPS", .integer(1))
            demand("RESNET.WIDTH_PER_GROUP", .integer(64))
            demandEverywhere("RESNET.SPATIAL_STRIDES", [1, 2, 2, 2])
            demandEverywhere("RESNET.SPATIAL_DILATIONS", [1, 1, 1, 1])
            if settings.value("NONLOCAL.LOCATION").leaves.isEmpty == false {
                demandEverywhere("NONLOCAL.GROUP", [1, 1, 1, 1])
            }
        }
        demand("RESNET.STRIDE_1X1", .boolean(false))
        if lateral != nil {
            demand("SLOWFAST.BETA_INV", .integer(8))
            demand("SLOWFAST.FUSION_CONV_CHANNEL_RATIO", .integer(2))
        }
    }

    /// The keys that are otherwise in this network, and what it has.
    private func differences(_ settings: SlowFastSettings) -> [(key: String, own: Literal)] {
        var out: [(String, Literal)] = []
        func compare(_ key: String, _ own: Literal) {
            if settings.value(key) != own, settings.value(key).number ?? .nan != own.number ?? .infinity {
                out.append((key, own))
            }
        }
        if let depthFactor {
            compare("X3D.DEPTH_FACTOR", .real(depthFactor))
            return out
        }
        compare("RESNET.DEPTH", .integer(depth))
        if !stage4.isEmpty, !hasBlocks(settings.value("RESNET.NUM_BLOCK_TEMP_KERNEL")) {
            let blocks = [[3], [4], stage4, [3]].map { stage in
                Literal.list((0..<pathways).map { .integer(stage[min($0, stage.count - 1)]) })
            }
            out.append(("RESNET.NUM_BLOCK_TEMP_KERNEL", .list(blocks)))
        }
        let places = settings.value("NONLOCAL.LOCATION").elements
        let own = [[], nonLocal[0], nonLocal[1], []]
        let fits = zip(places, own).allSatisfy { stage, blocks in
            stage.elements.first?.elements == blocks.map(Literal.integer)
                && stage.elements.dropFirst().allSatisfy { $0.leaves.isEmpty }
        }
        if places.count != 4 || !fits {
            let stages = own.map { blocks in
                Literal.list(
                    [.list(blocks.map(Literal.integer))] + Array(repeating: .list([]), count: pathways - 1))
            }
            out.append(("NONLOCAL.LOCATION", .list(stages)))
        }
        if nonLocal != [[], []] {
            compare("NONLOCAL.INSTANTIATION", .string(isSoftmax ? "softmax" : "dot_product"))
        }
        if let lateral {
            compare("SLOWFAST.ALPHA", .integer(lateral.alpha))
            compare("SLOWFAST.FUSION_KERNEL_SZ", .integer(lateral.kernel))
        }
        return out
    }

    /// Whether so many blocks of each stage see several frames; more than a stage has are all.
    private func hasBlocks(_ value: Literal) -> Bool {
        let blocks = [3, 4, depth == 50 ? 6 : 23, 3]
        let stages = value.elements
        guard stages.count == 4 else { return false }
        return stages.indices.allSatisfy { index in
            let numbers = stages[index].elements
            return (0..<pathways).allSatisfy { pathway in
                guard case .integer(let number)? = numbers.indices.contains(pathway) ? numbers[pathway] : numbers.last
                else { return false }
                let own = index == 2 ? stage4[min(pathway, stage4.count - 1)] : blocks[index]
                return min(number, blocks[index]) == own
            }
        }
    }
}

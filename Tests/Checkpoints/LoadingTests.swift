import Checkpoints
import Faults
import Testing

/// A tensor whose values count up from `first`.
private func tensor(_ name: String, _ shape: [Int], from first: Float = 0) -> CheckpointTensor {
    let count = shape.reduce(1, *)
    let bytes = (0..<count).flatMap { index in
        withUnsafeBytes(of: (first + Float(index)).bitPattern.littleEndian) { Array($0) }
    }
    return CheckpointTensor(name: name, shape: shape, elementType: .f32, bytes: bytes)
}

private func file(_ tensors: CheckpointTensor..., metadata: [String: String] = [:]) -> Checkpoint {
    Checkpoint(path: "f.pkl", format: .caffe2Pickle, tensors: tensors, metadata: metadata)
}

private func load(
    _ checkpoint: Checkpoint, _ targets: [TensorTarget], _ options: LoadOptions = LoadOptions()
) throws -> LoadedTensors {
    try LoadedTensors(checkpoint, into: targets, of: "toy", options: options)
}

private let stem = TensorTarget(name: "conv1_w", shape: [2, 3, 1, 1, 1])
private let head = TensorTarget(name: "last_out_L4_w", shape: [4, 2], isHead: true)

struct LoadingTests {
    @Test func whatTrainingWrapsRoundANetworkIsTakenOff() throws {
        let wrapped = ["gpu_0/conv1_w", "module.conv1_w", "model_state.module.conv1_w", "module.model.conv1_w"]
        for name in wrapped {
            let loaded = try load(file(tensor(name, [2, 3, 1, 1, 1])), [stem])
            #expect(loaded[stem.name] == [0, 1, 2, 3, 4, 5])
            #expect(loaded.report.matched.map(\.source) == [name] && loaded.report.matched.map(\.target) == ["conv1_w"])
        }
        let both = #expect(throws: Fault.self) {
            try load(file(tensor("conv1_w", [1]), tensor("module.conv1_w", [1])), [stem])
        }
        #expect(both?.reason == "holds 'conv1_w' and 'module.conv1_w', which are both 'conv1_w'")
    }

    @Test func momentumAndCountersAreIgnoredAndSaidSo() throws {
        let loaded = try load(
            file(
                tensor("gpu_0/conv1_w", [2, 3, 1, 1, 1]), tensor("gpu_0/conv1_w_momentum", [2, 3, 1, 1, 1]),
                tensor("lr", [1]), tensor("model_iter", [1]), tensor("s1.bn.num_batches_tracked", []),
                tensor("s1.bn.split_bn.running_mean", [8])), [stem])
        #expect(
            loaded.report.ignored.map(\.source) == [
                "gpu_0/conv1_w_momentum", "lr", "model_iter", "s1.bn.num_batches_tracked",
                "s1.bn.split_bn.running_mean",
            ])
        #expect(loaded.report.unexpected.isEmpty)
        #expect(loaded.report.text.contains("ignored    5"))
    }

    @Test func statisticsOfSubBatchNormsMoveUp() throws {
        let targets = ["s2.pathway0_res0.branch2.a_bn.running_mean", "s1.pathway0_stem.bn.running_var"]
            .map { TensorTarget(name: $0, shape: [2]) }
        let loaded = try load(
            file(
                tensor("s2.pathway0_res0.branch2.a_bn.bn.running_mean", [2]),
                tensor("s1.pathway0_stem.bn.bn.running_var", [2], from: 5)), targets)
        #expect(loaded[targets[0].name] == [0, 1])
        #expect(loaded[targets[1].name] == [5, 6])
    }

    @Test func linearLayersAndOneByOneConvolutionsAreTheSame() throws {
        let convolution = TensorTarget(name: "last_out_L4_w", shape: [4, 2, 1, 1, 1], isHead: true)
        let linear = file(tensor("last_out_L4_w", [4, 2]))
        let loaded = try load(linear, [convolution])
        #expect(loaded[convolution.name] == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(loaded.report.reshaped.map(\.fit) == [.trailingOnes])
        #expect(try load(file(tensor("last_out_L4_w", [4, 2, 1, 1, 1])), [head])[head.name]?.count == 8)
        // Ones in the middle are not ones at the end.
        #expect(throws: Fault.self) { try load(file(tensor("last_out_L4_w", [4, 1, 2])), [head]) }
        #expect(throws: Fault.self) { try load(file(tensor("last_out_L4_w", [2, 4])), [head]) }
    }

    @Test func picturesAreInflatedOnlyWhenAsked() throws {
        let target = TensorTarget(name: "conv1_w", shape: [1, 2, 3, 1, 2])
        for stored in [[1, 2, 1, 2], [1, 2, 1, 1, 2]] {
            let picture = file(tensor("conv1_w", stored, from: 3))
            let fault = #expect(throws: Fault.self) { try load(picture, [target]) }
            #expect(fault?.code == .data && fault?.mend.contains("inflat") == true)
            let repeated = try load(picture, [target], LoadOptions(inflation: .repeated))
            let thirds: [Float] = [3, 4, 3, 4, 3, 4, 5, 6, 5, 6, 5, 6].map { $0 / 3 }
            #expect(repeated[target.name] == thirds)
            let centred = try load(picture, [target], LoadOptions(inflation: .centred))
            #expect(centred[target.name] == [0, 0, 3, 4, 0, 0, 0, 0, 5, 6, 0, 0])
            #expect(centred.report.reshaped.map(\.fit) == [.inflated(frames: 3, .centred)])
        }
        // Neither another window nor other channels become right by repeating.
        for stored in [[1, 2, 2, 1], [2, 1, 1, 2], [1, 2, 2, 1, 2], [4]] {
            #expect(throws: Fault.self) {
                try load(file(tensor("conv1_w", stored)), [target], LoadOptions(inflation: .repeated))
            }
        }
    }

    @Test func anotherNumberOfClassesNeedsAWord() throws {
        let checkpoint = file(tensor("conv1_w", [2, 3, 1, 1, 1]), tensor("last_out_L400_w", [400, 2]))
        let fault = #expect(throws: Fault.self) { try load(checkpoint, [stem, head]) }
        #expect(
            fault?.reason
                == "its head has another number of classes: last_out_L400_w is [400, 2], last_out_L4_w is [4, 2]")
        let loaded = try load(checkpoint, [stem, head], LoadOptions(replacesHead: true))
        #expect(loaded[head.name] == nil)
        #expect(loaded.report.fresh == ["last_out_L4_w"])
        #expect(loaded.report.unexpected.isEmpty)
        // Asked for, it starts anew even where it would fit.
        let same = file(tensor("conv1_w", [2, 3, 1, 1, 1]), tensor("last_out_L4_w", [4, 2]))
        #expect(try load(same, [stem, head], LoadOptions(replacesHead: true))[head.name] == nil)
        #expect(try load(same, [stem, head])[head.name] != nil)
    }

    @Test func whatIsMissingIsNamedWithTheNearest() throws {
        let checkpoint = file(tensor("conv1_w", [2, 3, 1, 1, 1]), tensor("lastout_L4_w", [4, 2]))
        let fault = #expect(throws: Fault.self) { try load(checkpoint, [stem, head]) }
        #expect(fault?.code == .data && fault?.thing == "f.pkl")
        #expect(fault?.reason == "lacks 1 of the 2 tensors of toy: last_out_L4_w (is it 'lastout_L4_w'?)")
        let loaded = try load(
            checkpoint, [stem, head], LoadOptions(allowsMissing: true, allowsUnexpected: true))
        #expect(loaded[head.name] == nil && loaded[stem.name] != nil)
        #expect(loaded.report.missing.map(\.target) == [head.name])
        #expect(loaded.report.missing.map(\.nearest) == ["lastout_L4_w"])
        #expect(loaded.report.unexpected.map(\.source) == ["lastout_L4_w"])
        // A file of something else is not a file with everything missing.
        let other = #expect(throws: Fault.self) {
            try load(
                file(tensor("bert.embeddings", [2])), [stem], LoadOptions(allowsMissing: true, allowsUnexpected: true))
        }
        #expect(other?.reason == "holds none of the 1 tensors of toy, but for example 'bert.embeddings'")
    }

    @Test func aDeeperNetworksFileIsNoShallowOnes() throws {
        let checkpoint = file(tensor("conv1_w", [2, 3, 1, 1, 1]), tensor("comp_9_conv_1_w", [2, 2, 3, 3, 3]))
        let fault = #expect(throws: Fault.self) { try load(checkpoint, [stem]) }
        #expect(fault?.reason == "holds 1 tensors that toy does not have: comp_9_conv_1_w")
        #expect(try load(checkpoint, [stem], LoadOptions(allowsUnexpected: true))[stem.name] != nil)
    }

    @Test func otherNumbersBecomeFloatsAndAreReported() throws {
        let half = CheckpointTensor(
            name: "conv1_w", shape: [2, 3, 1, 1, 1], elementType: .f16, bytes: Array(repeating: 0x3C, count: 12))
        let loaded = try load(file(half), [stem])
        #expect(loaded[stem.name] == Array(repeating: Float(Float16(bitPattern: 0x3C3C)), count: 6))
        #expect(loaded.report.converted.map(\.type) == [.f16])
        #expect(loaded.report.matched.count == 1)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func whatIsNoNumberIsRefusedByName(_ bad: Float) throws {
        var bytes = tensor("conv1_w", [2, 3, 1, 1, 1]).bytes
        withUnsafeBytes(of: bad.bitPattern.littleEndian) { bytes.replaceSubrange(8..<12, with: $0) }
        let broken = CheckpointTensor(name: "conv1_w", shape: [2, 3, 1, 1, 1], elementType: .f32, bytes: bytes)
        let fault = #expect(throws: Fault.self) { try load(file(broken), [stem]) }
        #expect(fault?.code == .data && fault?.reason == "tensor 'conv1_w' holds \(bad) at element 2")
        // What is not loaded may hold anything.
        let spare = CheckpointTensor(name: "last_out_L4_w", shape: [4, 2], elementType: .f32, bytes: bytes)
        #expect(throws: Never.self) {
            try load(file(tensor("conv1_w", [2, 3, 1, 1, 1]), spare), [stem, head], LoadOptions(replacesHead: true))
        }
        // Fewer bytes than the shape says.
        #expect(throws: Fault.self) { try load(file(spare), [head]) }
    }

    @Test func anotherOriginAndAnotherModelAreNoted() throws {
        let targets = [
            TensorTarget(name: "stem.0.weight", shape: [2, 3, 1, 1, 1]),
            TensorTarget(name: "layer1.0.conv1.0.weight", shape: [1]),
        ]
        let plan = try LoadPlan(
            file(
                tensor("conv1_w", [2, 3, 1, 1, 1]), tensor("comp_0_conv_1_w", [1]),
                metadata: ["format": "zoetrope", "model": "r3d-18"]), into: targets, of: "torchvision/r3d_18")
        #expect(plan.report.matched.map(\.source) == ["conv1_w", "comp_0_conv_1_w"])
        #expect(plan.report.naming == .vmz && plan.report.targetNaming == .torchvision)
        #expect(plan.report.notes.count == 2)
        #expect(plan.report.text.contains("f.pkl: caffe2Pickle, names of vmz, into torchvision/r3d_18"))
    }
}

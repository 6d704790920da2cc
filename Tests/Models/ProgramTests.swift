import Kernels
import Models
import Testing

struct ProgramTests {
    @Test func normsJoinWithWhatFollows() throws {
        let net = try NetworkDescription(named: "torchvision/r3d_18", classes: 10, frames: 8, size: 32)
        let entries = Program(net).entries
        var joined = (relu: 0, residual: 0, alone: 0)
        for entry in entries {
            switch entry.operation {
            case .batchNorm where entry.residual != nil: joined.residual += 1
            case .batchNorm where entry.relu: joined.relu += 1
            case .batchNorm: joined.alone += 1
            case .relu, .add: Issue.record("\(net.layers[entry.output].name) stands alone")
            default: break
            }
        }
        // The stem and the first of each block's two; each block's join; the projections of stages 2 to 4.
        #expect(joined == (9, 8, 3))
    }

    @Test(arguments: NetworkDescription.names)
    func everyTensorIsMadeBeforeItIsRead(_ name: String) throws {
        let net = try NetworkDescription.small(name)
        var made: Set<Int> = [0]
        for entry in Program(net).entries {
            #expect(made.isSuperset(of: entry.inputs), "\(net.layers[entry.output].name)")
            #expect(made.insert(entry.output).inserted)
        }
        #expect(made.contains(net.layers.count - 1))
    }

    @Test func layersAreLeftAloneWhereJoiningWouldLoseATensor() {
        var builder = NetworkBuilder(.torchvision)
        let input = builder.input(frames: 2, size: 4)
        let first = builder.convolution(input, "a", K: 3, kernel: .one)
        let norm = builder.batchNorm(first, "b")
        let relu = builder.relu(norm)
        // The norm has two readers, so neither ReLU nor sum may swallow it.
        let sum = builder.add(builder.convolution(relu, "c", K: 3, kernel: .one), norm, "d")
        _ = builder.linear(builder.globalAveragePool(sum, "e"), "f", out: 2)
        let entries = Program(builder.network(named: "test")).entries
        #expect(entries.map(\.output) == [first, norm, relu, 4, sum, 6, 7])
        #expect(entries.allSatisfy { $0.layer == $0.output && $0.residual == nil && !$0.relu })
    }

    @Test func normsThatOneConvolutionReadsNeedNotBeStored() throws {
        let net = try NetworkDescription(named: "torchvision/r2plus1d_18", classes: 10, frames: 8, size: 32)
        let entries = Program(net).entries
        for entry in entries where entry.deferrable {
            #expect(entry.relu && entry.residual == nil)
            #expect(net.layers.count { $0.inputs.contains(entry.output) } == 1)
            let reader = try #require(entries.first { $0.inputs.contains(entry.output) })
            guard case .convolution = reader.operation else {
                Issue.record("\(net.layers[reader.output].name) reads a norm that is not stored")
                continue
            }
        }
        // Between the two parts of the stem; in each block between the parts of both (2+1)D convolutions and between
        // these. What the stem and the blocks end with has two readers or the pool.
        #expect(entries.count { $0.deferrable } == 1 + 8 * 3)
    }

    @Test(arguments: NetworkDescription.names)
    func foldingLeavesNoNormBehindAConvolution(_ name: String) throws {
        let net = try NetworkDescription.small(name)
        let (entries, folded) = (Program(net).entries, Program(net, folds: true).entries)
        var made: Set<Int> = [0]
        for entry in folded {
            #expect(made.isSuperset(of: entry.inputs), "\(net.layers[entry.output].name)")
            #expect(made.insert(entry.output).inserted)
            if case .batchNorm = entry.operation { Issue.record("\(net.layers[entry.layer].name) stands alone") }
        }
        let norms = entries.filter { if case .batchNorm = $0.operation { true } else { false } }
        // A Swish that was joined to its norm stands alone behind the convolution that holds that.
        let swishes = norms.filter(\.swish)
        #expect(folded.count == entries.count - norms.count + swishes.count)
        #expect(folded.compactMap(\.folded) == norms.map(\.layer))
        #expect(Set(folded.map(\.output)).isSuperset(of: norms.map(\.output)))
        #expect(!folded.contains { $0.norm != nil || $0.gate != nil })
    }

    @Test func swishesJoinTheirNormsAndGates() throws {
        let net = try NetworkDescription.small("pytorchvideo/x3d_xs")
        let entries = Program(net).entries
        for entry in entries {
            if case .swish = entry.operation { Issue.record("\(net.layers[entry.output].name) stands alone") }
        }
        // 26 blocks of which every second, counted within its stage, squeezes: 2 + 3 + 6 + 4.
        let gates = entries.filter { $0.gate != nil }
        #expect(gates.count == 15)
        #expect(entries.count { $0.norm != nil } == 30)
        #expect(entries.count { $0.swish && $0.norm == nil } == 11)
        for norm in gates { #expect(entries.filter { $0.norm == norm.layer }.count == 2) }
        // Where norms are folded, products keep their Swish.
        let folded = Program(net, folds: true).entries
        #expect(folded.count { $0.swish } == 15 && folded.allSatisfy { $0.norm == nil && $0.gate == nil })
    }

    @Test func aConvolutionThatOthersReadKeepsItsNorm() {
        var builder = NetworkBuilder(.torchvision)
        let input = builder.input(frames: 2, size: 4)
        let first = builder.convolution(input, "a", K: 3, kernel: .one)
        let norm = builder.batchNorm(first, "b")
        let sum = builder.add(norm, first, "c")
        _ = builder.linear(builder.globalAveragePool(sum, "d"), "e", out: 2)
        let network = builder.network(named: "test")
        #expect(Program(network, folds: true).entries == Program(network).entries)
    }
}

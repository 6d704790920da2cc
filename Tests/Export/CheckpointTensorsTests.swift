import Checkpoints
import Export
import Faults
import Models
import Testing

struct CheckpointTensorsTests {
    private func tensors(_ name: String, batches: Int64?) throws -> (NetworkDescription, [CheckpointTensor]) {
        let network = try NetworkDescription(named: name, classes: 3, frames: 8, size: 64)
        var values: [String: [Float]] = [:]
        for parameter in network.parameters { values[parameter.name] = [Float](repeating: 2, count: parameter.count) }
        for layer in network.statistics {
            values[layer.meanName] = [Float](repeating: 0, count: layer.C)
            values[layer.varianceName] = [Float](repeating: 1, count: layer.C)
        }
        return (network, try network.checkpointTensors(batches: batches) { values[$0] })
    }

    /// As torchvision lists its state_dict: a batch norm's counter behind its statistics, layer after layer.
    @Test func theOrderIsTorchs() throws {
        let (network, tensors) = try tensors("torchvision/r3d_18", batches: 9)
        #expect(
            tensors.prefix(7).map(\.name) == [
                "stem.0.weight", "stem.1.weight", "stem.1.bias", "stem.1.running_mean", "stem.1.running_var",
                "stem.1.num_batches_tracked", "layer1.0.conv1.0.weight",
            ])
        let counters = tensors.filter { $0.name.hasSuffix(".num_batches_tracked") }
        #expect(counters.count == network.statistics.count)
        #expect(counters.allSatisfy { $0.elementType == .i64 && $0.shape.isEmpty && $0.bytes[0] == 9 })
        #expect(tensors.count == network.parameters.count + 3 * network.statistics.count)
        #expect(try tensors[2].floats() == [Float](repeating: 2, count: 64))
        #expect(try tensors[4].floats() == [Float](repeating: 1, count: 64))
    }

    @Test func blobsHaveNoCounters() throws {
        let (network, tensors) = try tensors("r3d-18", batches: 9)
        #expect(tensors.count == network.parameters.count + 2 * network.statistics.count)
        #expect(Set(tensors.map(\.name)).count == tensors.count)
    }

    @Test func aMissingValueIsAFault() throws {
        let network = try NetworkDescription(named: "r3d-18", classes: 3, frames: 8, size: 64)
        let fault = #expect(throws: Fault.self) { try network.checkpointTensors(batches: nil) { _ in nil } }
        #expect(fault?.thing == "conv1_w")
    }
}

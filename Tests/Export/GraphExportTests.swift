import Export
import Faults
import Kernels
import Models
import Randomness
import Storage
import Testing
import Wire

struct GraphExportTests {
    /// Values of every tensor of a network: small numbers around 0; around 1 for scales and variances.
    private static func values(_ network: NetworkDescription) -> [String: [Float]] {
        var values: [String: [Float]] = [:]
        var place: UInt64 = 0
        func fill(_ name: String, _ count: Int, around centre: Float) {
            let draws = Draws(seed: 5, place: place, purpose: .simulation)
            values[name] = (0..<count).map { centre + (draws.uniform($0) - 0.5) / 2 }
            place += 1
        }
        for parameter in network.parameters {
            fill(parameter.name, parameter.count, around: parameter.role == .scale ? 1 : 0)
        }
        for layer in network.statistics {
            fill(layer.meanName, layer.C, around: 0)
            fill(layer.varianceName, layer.C, around: 1)
        }
        return values
    }

    /// Clip `n`, N C T H W: a ramp, so that anybody can make it again: element i is (i mod 251 − 125) / 100 + n / 10.
    private static func ramp(_ count: Int, clip n: Int) -> [Float] {
        (0..<count).map { Float($0 % 251 - 125) / 100 + Float(n) / 10 }
    }

    private static func model(_ network: NetworkDescription) throws(Fault) -> ONNXModel {
        let values = values(network)
        return try ONNXModel(exporting: network, producerVersion: "test") { values[$0] }
    }

    /// What our own inference makes of clips 0 and 1.
    private static func ours(_ network: NetworkDescription) throws(Fault) -> [Float] {
        let values = values(network)
        let pass = try InferencePass(network, N: 2, pool: ThreadPool(threads: 1), instructionSet: .best)
        for (index, parameter) in network.parameters.enumerated() {
            pass.setParameter(index, values[parameter.name] ?? [])
        }
        for (index, layer) in network.statistics.enumerated() {
            pass.setStatistics(index, mean: values[layer.meanName] ?? [], variance: values[layer.varianceName] ?? [])
        }
        let map = network.input
        for n in 0..<2 {
            for (i, value) in ramp(map.count, clip: n).enumerated() {
                let (c, p) = i.quotientAndRemainder(dividingBy: map.positions)
                pass.input[(n * map.positions + p) * map.C + c] = value
            }
        }
        return Array(pass.run())
    }

    struct Recorded: Sendable {
        var ending: Ending
        /// Of the file.
        var digest: String
        /// What onnxruntime 1.31 makes of the file, the ramps of clips 0 and 1 going in; onnx.checker 1.23 found no fault.
        var outputs: [Float]
    }

    @Test(arguments: [
        Recorded(
            ending: .linearOverMap, digest: "9a610675ba3e644d054e339d9d4b144e584e235c7e94c6a061f542ffbc8d3ace",
            outputs: [
                -0.71616101, 0.55883551, -0.33465832, 0.023026824, 0.54039484, -0.35817868, 0.26793063, -0.72387969,
                0.54051244, -0.33362636, -0.018057168, 0.58002347, -0.36543787, 0.31986371,
            ]),
        Recorded(
            ending: .scores(joint: false), digest: "5029c8a42953e3fd4dfc84f87a531e15fb64aaa1f9e6bf037987d54522038044",
            outputs: [
                0.13990289, 0.15598604, 0.14332305, 0.13037996, 0.14428169, 0.12418282, 0.16194357, 0.14011811,
                0.15518966, 0.1436803, 0.129986, 0.14497469, 0.12449567, 0.16155556,
            ]),
        Recorded(
            ending: .scores(joint: true), digest: "3382db5d23f12ec47b38341562751fff4de8396ecafc8fe7f329a87bb019c94b",
            outputs: [
                0.0043796767, 0.004872744, 0.0044787321, 0.0040708771, 0.0045028753, 0.003883068, 0.0050620264,
                0.00438568, 0.0048477338, 0.0044899122, 0.0040594558, 0.0045251227, 0.0038931416, 0.0050489544,
            ]),
    ])
    func everyOperationIsOnnxruntimes(_ recorded: Recorded) throws {
        let network = everyOperation(ending: recorded.ending)
        let file = try Self.model(network).encoded()
        #expect(Digest(of: file).description == recorded.digest)
        let again = try Self.model(network).encoded()
        #expect(again == file)
        let ours = try Self.ours(network)
        #expect(ours.count == recorded.outputs.count)
        // Two orders of summing a few hundred f32 products.
        let largest = recorded.outputs.map(abs).max() ?? 0
        for (a, b) in zip(ours, recorded.outputs) { #expect(abs(a - b) <= 2e-5 * largest, "\(ours)") }
    }

    @Test(arguments: [Ending.linearOverMap, .scores(joint: true)])
    func everyTensorIsMadeOnceAndBeforeItIsRead(_ ending: Ending) throws {
        let network = everyOperation(ending: ending)
        let model = try Self.model(network)
        var made = Set(model.inputs.map(\.name))
        for constant in model.constants { #expect(made.insert(constant.name).inserted) }
        for node in model.nodes {
            #expect(node.inputs.allSatisfy(made.contains), "\(node.name)")
            for output in node.outputs { #expect(made.insert(output).inserted, "\(output)") }
        }
        #expect(model.outputs.map(\.name) == [ending.name])
        #expect(model.outputs.allSatisfy { made.contains($0.name) })
        let names = Set(model.constants.map(\.name))
        #expect(network.parameters.allSatisfy { names.contains($0.name) })
        #expect(!model.nodes.contains { $0.operation == "Dropout" })
    }

    @Test func missingValuesAreAFault() throws {
        let network = everyOperation(ending: .linearOverMap)
        var values = Self.values(network)
        values["fc.bias"]?.removeLast()
        let fault = #expect(throws: Fault.self) {
            try ONNXModel(exporting: network, producerVersion: "") { values[$0] }
        }
        #expect(fault?.thing == "fc.bias")
        #expect(fault?.code == .data)
    }
}

extension Ending {
    fileprivate var name: String {
        switch self {
        case .linearOverMap: "logits"
        case .scores: "scores"
        }
    }
}

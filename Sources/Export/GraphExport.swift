public import Faults
import Kernels
public import Models
public import Wire

extension ONNXModel {
    /// The network as ONNX operators: one input `clips` (N C T H W, normalised as for training), one output `logits`
    /// (N classes; `scores` where the network ends with them). N is free, everything else is as the network was
    /// described. Batch norms stay what they are, with their running statistics; dropout is gone.
    ///
    /// Opset 17 has every operator with the meaning used here; runtimes since 2022 read it.
    ///
    /// - Parameters:
    ///   - value: a parameter's or statistic's elements by its name, row-major.
    ///   - properties: what else the file says of itself.
    /// - Throws: a data `Fault` that names a tensor whose values are missing or too few.
    public init(
        exporting network: NetworkDescription, producerVersion: String, properties: [(key: String, value: String)] = [],
        value: @escaping (String) -> [Float]?
    ) throws(Fault) {
        var export = GraphExport(network: network, value: value)
        try export.layers()
        let isScores = network.layers.last.map { if case .softmaxMean = $0.operation { true } else { false } } ?? false
        let output = isScores ? "scores" : "logits"
        export.nodes.append(
            ONNXNode(
                "Flatten", name: output, inputs: [export.tensor(network.layers.count - 1)], outputs: [output],
                attributes: [ONNXAttribute("axis", .integer(1))]))
        let clip = network.input
        let sizes = [clip.C, clip.extent.t, clip.extent.h, clip.extent.w]
        self.init(
            operatorSet: 17, producer: "zoetrope", producerVersion: producerVersion, name: network.name,
            nodes: export.nodes, constants: export.constants,
            inputs: [ONNXValue(GraphExport.input, shape: [.named("N")] + sizes.map { .fixed($0) })],
            outputs: [ONNXValue(output, shape: [.named("N"), .fixed(network.classes)])], properties: properties)
    }
}

/// A graph under way. Every tensor of the network is one of ONNX, N C T H W, whatever it holds: logits have one position.
struct GraphExport {
    static let input = "clips"

    let network: NetworkDescription
    let value: (String) -> [Float]?
    var nodes: [ONNXNode] = []
    var constants: [ONNXConstant] = []
    /// By layer: the name of what it makes. A layer that does nothing in inference hands its input on.
    private var names: [String] = []
    private var taken: Set<String> = [input, "logits", "scores"]

    init(network: NetworkDescription, value: @escaping (String) -> [Float]?) {
        self.network = network
        self.value = value
        for parameter in network.parameters { taken.insert(parameter.name) }
        for layer in network.statistics { taken.formUnion([layer.meanName, layer.varianceName]) }
    }

    /// The name of what layer `number` makes.
    func tensor(_ number: Int) -> String { names[number] }

    mutating func layers() throws(Fault) {
        for layer in network.layers { names.append(try export(layer)) }
    }

    private mutating func export(_ layer: Layer) throws(Fault) -> String {
        let inputs = layer.inputs.map { names[$0] }
        switch layer.operation {
        case .input: return Self.input
        case .selectFrames(let frames):
            let indices = integers(frames, "frames of \(layer.name)")
            return node("Gather", layer, inputs + [indices], [.init("axis", .integer(2))])
        case .convolution(let shape, let weight, let bias):
            // A linear layer over a whole map has its weights in a matrix; the elements are in the same order.
            let kernel = [shape.K, shape.C / shape.groups, shape.kernel.t, shape.kernel.h, shape.kernel.w]
            let weights = try parameter(weight, shape: kernel)
            let biases = try bias.map { (bias) throws(Fault) in [try parameter(bias, shape: [shape.K])] } ?? []
            return node(
                "Conv", layer, inputs + [weights] + biases,
                window(shape.kernel, shape.stride, shape.padding) + [.init("group", .integer(shape.groups))])
        case .batchNorm(let statistics, let scale, let shift):
            let running = network.statistics[statistics]
            let C = [running.C]
            let factors = [
                try parameter(scale, shape: C), try parameter(shift, shape: C),
                try constant(running.meanName, shape: C), try constant(running.varianceName, shape: C),
            ]
            return node(
                "BatchNormalization", layer, inputs + factors, [.init("epsilon", .float(Float(running.epsilon)))])
        case .relu: return node("Relu", layer, inputs)
        case .swish:
            let gate = node("Sigmoid", layer, inputs, suffix: "sigmoid")
            return node("Mul", layer, inputs + [gate])
        case .sigmoid: return node("Sigmoid", layer, inputs)
        case .add: return node("Add", layer, inputs)
        case .multiplyChannels: return node("Mul", layer, inputs)
        case .concatenate: return node("Concat", layer, inputs, [.init("axis", .integer(1))])
        case .maxPool(let shape):
            return node("MaxPool", layer, inputs, window(shape.kernel, shape.stride, shape.padding))
        case .averagePool(let shape):
            if shape.kernel == shape.input, shape.output.count == 1 { return node("GlobalAveragePool", layer, inputs) }
            return node(
                "AveragePool", layer, inputs,
                window(shape.kernel, shape.stride, shape.padding) + [.init("count_include_pad", .integer(1))])
        case .attention(let normalisation): return attention(layer, inputs, normalisation)
        case .dropout: return inputs[0]
        case .linear(let weight, let bias):
            // At each position the same product: a convolution that sees one place.
            let shape = network.parameters[weight].shape
            let weights = try parameter(weight, shape: shape + [1, 1, 1])
            let biases = try bias.map { (bias) throws(Fault) in [try parameter(bias, shape: [shape[0]])] } ?? []
            return node("Conv", layer, inputs + [weights] + biases, window(.one, .one, Extent3(0, 0, 0)))
        case .softmaxMean(let joint): return softmaxMean(layer, inputs, joint: joint)
        }
    }

    // MARK: - What is more than one operator

    /// theta, phi and g as matrices of channels by positions: softmax(theta^T phi / sqrt C) g^T, turned back.
    private mutating func attention(
        _ layer: Layer, _ inputs: [String], _ normalisation: Operation.AttentionNormalisation
    ) -> String {
        let phi = network.layers[layer.inputs[1]].map
        let turned: [ONNXAttribute] = [.init("perm", .integers([0, 2, 1]))]
        let matrices = zip(inputs, ["theta", "phi", "g"]).map { input, name in
            let rows = integers([0, 0, -1], "matrix of \(layer.name) \(name)")
            return node("Reshape", layer, [input, rows], suffix: name)
        }
        let queries = node("Transpose", layer, [matrices[0]], turned, suffix: "queries")
        let products = node("MatMul", layer, [queries, matrices[1]], suffix: "products")
        let factor: Float
        switch normalisation {
        case .softmax: factor = 1 / Float(phi.C).squareRoot()
        case .positions: factor = 1 / Float(phi.positions)
        }
        let scale = number(factor, "scale of \(layer.name)")
        var weights = node("Mul", layer, [products, scale], suffix: "scaled")
        if normalisation == .softmax {
            weights = node("Softmax", layer, [weights], [.init("axis", .integer(-1))], suffix: "softmax")
        }
        let values = node("Transpose", layer, [matrices[2]], turned, suffix: "values")
        let mixed = node("MatMul", layer, [weights, values], suffix: "mixed")
        let channels = node("Transpose", layer, [mixed], turned, suffix: "channels")
        let map = layer.map
        let shape = integers([0, map.C, map.extent.t, map.extent.h, map.extent.w], "shape of \(layer.name)")
        return node("Reshape", layer, [channels, shape])
    }

    /// Softmax over classes at each position, or over classes and positions at once; then the mean over positions.
    private mutating func softmaxMean(_ layer: Layer, _ inputs: [String], joint: Bool) -> String {
        let logits = network.layers[layer.inputs[0]].map
        guard joint else {
            let scores = node("Softmax", layer, inputs, [.init("axis", .integer(1))], suffix: "softmax")
            return node("GlobalAveragePool", layer, [scores])
        }
        let flat = node("Flatten", layer, inputs, [.init("axis", .integer(1))], suffix: "flat")
        let scores = node("Softmax", layer, [flat], [.init("axis", .integer(1))], suffix: "softmax")
        let extent = logits.extent
        let shape = integers([0, logits.C, extent.t, extent.h, extent.w], "shape of \(layer.name)")
        let map = node("Reshape", layer, [scores, shape], suffix: "map")
        return node("GlobalAveragePool", layer, [map])
    }

    // MARK: - Nodes and constants

    /// - Parameter suffix: names a step within the layer.
    private mutating func node(
        _ operation: String, _ layer: Layer, _ inputs: [String], _ attributes: [ONNXAttribute] = [],
        suffix: String? = nil
    ) -> String {
        let name = fresh(suffix.map { "\(layer.name)/\($0)" } ?? layer.name)
        nodes.append(ONNXNode(operation, name: name, inputs: inputs, outputs: [name], attributes: attributes))
        return name
    }

    /// ONNX wants every tensor to have a name of its own, and networks name layers after their parameters.
    private mutating func fresh(_ name: String) -> String {
        var candidate = name
        var number = 2
        while !taken.insert(candidate).inserted {
            candidate = "\(name)#\(number)"
            number += 1
        }
        return candidate
    }

    private func window(_ kernel: Extent3, _ stride: Extent3, _ padding: Extent3) -> [ONNXAttribute] {
        let pads = [padding.t, padding.h, padding.w]
        return [
            .init("kernel_shape", .integers([kernel.t, kernel.h, kernel.w])),
            .init("strides", .integers([stride.t, stride.h, stride.w])), .init("pads", .integers(pads + pads)),
        ]
    }

    private mutating func parameter(_ number: Int, shape: [Int]) throws(Fault) -> String {
        try constant(network.parameters[number].name, shape: shape)
    }

    private mutating func constant(_ name: String, shape: [Int]) throws(Fault) -> String {
        guard let values = value(name), values.count == shape.reduce(1, *) else {
            throw Fault(
                .data, name, "has no values for \(network.name)", mend: "load a whole checkpoint of the network")
        }
        constants.append(ONNXConstant(name, shape: shape, .floats(values)))
        return name
    }

    private mutating func integers(_ values: [Int], _ name: String) -> String {
        let name = fresh(name)
        constants.append(ONNXConstant(name, shape: [values.count], .integers(values.map(Int64.init))))
        return name
    }

    private mutating func number(_ value: Float, _ name: String) -> String {
        let name = fresh(name)
        constants.append(ONNXConstant(name, shape: [], .floats([value])))
        return name
    }
}

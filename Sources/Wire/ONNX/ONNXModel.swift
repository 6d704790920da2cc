/// A network as ONNX has it: a list of operators that read and write tensors by name, and the constants among these.
///
/// What is here is what exported networks need of the format (onnx.ai, IR version 8); element types are f32 and i64.
public struct ONNXModel: Sendable, Equatable {
    /// The version of the operators' meaning, in ONNX's own domain.
    public var operatorSet: Int
    public var producer: String
    public var producerVersion: String
    /// The graph's name.
    public var name: String
    /// In an order in which each reads only what is there already.
    public var nodes: [ONNXNode]
    public var constants: [ONNXConstant]
    public var inputs: [ONNXValue]
    public var outputs: [ONNXValue]
    /// Beside the graph, for people and tools.
    public var properties: [(key: String, value: String)]

    public init(
        operatorSet: Int, producer: String, producerVersion: String, name: String, nodes: [ONNXNode],
        constants: [ONNXConstant], inputs: [ONNXValue], outputs: [ONNXValue],
        properties: [(key: String, value: String)] = []
    ) {
        self.operatorSet = operatorSet
        self.producer = producer
        self.producerVersion = producerVersion
        self.name = name
        self.nodes = nodes
        self.constants = constants
        self.inputs = inputs
        self.outputs = outputs
        self.properties = properties
    }

    public static func == (a: ONNXModel, b: ONNXModel) -> Bool {
        a.operatorSet == b.operatorSet && a.producer == b.producer && a.producerVersion == b.producerVersion
            && a.name == b.name && a.nodes == b.nodes && a.constants == b.constants && a.inputs == b.inputs
            && a.outputs == b.outputs && a.properties.elementsEqual(b.properties) { $0 == $1 }
    }
}

/// One operator at work.
public struct ONNXNode: Sendable, Equatable {
    /// `Conv`, `Relu` ...
    public var operation: String
    public var name: String
    public var inputs: [String]
    public var outputs: [String]
    public var attributes: [ONNXAttribute]

    public init(
        _ operation: String, name: String, inputs: [String], outputs: [String], attributes: [ONNXAttribute] = []
    ) {
        self.operation = operation
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
    }
}

/// A named setting of an operator.
public struct ONNXAttribute: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        case integer(Int)
        case integers([Int])
        case float(Float)
    }

    public var name: String
    public var value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}

/// A tensor that the file holds.
public struct ONNXConstant: Sendable, Equatable {
    public enum Elements: Sendable, Equatable {
        case floats([Float])
        case integers([Int64])

        var count: Int {
            switch self {
            case .floats(let values): values.count
            case .integers(let values): values.count
            }
        }
    }

    public var name: String
    /// Row-major; empty for a single value.
    public var shape: [Int]
    public var elements: Elements

    public init(_ name: String, shape: [Int], _ elements: Elements) {
        self.name = name
        self.shape = shape
        self.elements = elements
    }
}

/// A tensor of f32 that goes in or comes out.
public struct ONNXValue: Sendable, Equatable {
    public enum Dimension: Sendable, Equatable {
        case fixed(Int)
        /// Any size, the same wherever the name stands.
        case named(String)
    }

    public var name: String
    public var shape: [Dimension]

    public init(_ name: String, shape: [Dimension]) {
        self.name = name
        self.shape = shape
    }
}

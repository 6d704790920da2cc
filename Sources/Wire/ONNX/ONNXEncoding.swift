import CWire
public import Faults

extension ONNXModel {
    /// What protobuf's readers accept of one message.
    static let largestFile = Int(Int32.max)
    /// ONNX 1.10 to 1.12 wrote it; newer readers read it.
    private static let version: Int64 = 8

    /// The bytes of an `.onnx` file, the same for the same model.
    ///
    /// - Throws: a usage `Fault` when they would be 2 GiB or more, which no reader of ONNX takes in one file; an internal
    ///   one when a constant's shape and elements disagree.
    public func encoded() throws(Fault) -> [UInt8] {
        for constant in constants {
            guard constant.shape.reduce(1, *) == constant.elements.count else {
                throw Fault(
                    .internal, constant.name, "has \(constant.elements.count) elements for shape \(constant.shape)")
            }
        }
        let arena = Arena()
        let message = message(arena)
        let size = onnx__model__get_packed_size(message)
        guard size <= Self.largestFile else {
            throw Fault(
                .usage, name, "needs \(size) bytes, more than the 2 GiB that one ONNX file may have",
                mend: "export a smaller network")
        }
        return withExtendedLifetime((arena, self)) {
            [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = onnx__model__pack(message, buffer.baseAddress)
            }
        }
    }

    private func message(_ arena: Arena) -> UnsafeMutablePointer<Onnx__Model> {
        let set = arena.make(onnx__operator_set__init) {
            $0.pointee.domain = arena.string("")
            $0.pointee.has_version = 1
            $0.pointee.version = Int64(operatorSet)
        }
        return arena.make(onnx__model__init) {
            $0.pointee.has_ir_version = 1
            $0.pointee.ir_version = Self.version
            $0.pointee.producer_name = arena.string(producer)
            $0.pointee.producer_version = arena.string(producerVersion)
            $0.pointee.n_opset_import = 1
            $0.pointee.opset_import = arena.array([set])
            $0.pointee.graph = graph(arena)
            $0.pointee.n_metadata_props = properties.count
            $0.pointee.metadata_props = arena.array(
                properties.map { property in
                    arena.make(onnx__property__init) {
                        $0.pointee.key = arena.string(property.key)
                        $0.pointee.value = arena.string(property.value)
                    }
                })
        }
    }

    private func graph(_ arena: Arena) -> UnsafeMutablePointer<Onnx__Graph> {
        arena.make(onnx__graph__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.n_node = nodes.count
            $0.pointee.node = arena.array(nodes.map { $0.message(arena) })
            $0.pointee.n_initializer = constants.count
            $0.pointee.initializer = arena.array(constants.map { $0.message(arena) })
            $0.pointee.n_input = inputs.count
            $0.pointee.input = arena.array(inputs.map { $0.message(arena) })
            $0.pointee.n_output = outputs.count
            $0.pointee.output = arena.array(outputs.map { $0.message(arena) })
        }
    }
}

extension ONNXNode {
    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Onnx__Node>? {
        arena.make(onnx__node__init) {
            $0.pointee.op_type = arena.string(operation)
            $0.pointee.name = arena.string(name)
            $0.pointee.n_input = inputs.count
            $0.pointee.input = arena.strings(inputs)
            $0.pointee.n_output = outputs.count
            $0.pointee.output = arena.strings(outputs)
            $0.pointee.n_attribute = attributes.count
            $0.pointee.attribute = arena.array(attributes.map { $0.message(arena) })
        }
    }
}

extension ONNXAttribute {
    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Onnx__Attribute>? {
        arena.make(onnx__attribute__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.has_type = 1
            switch value {
            case .integer(let number):
                $0.pointee.type = ONNX__ATTRIBUTE__KIND__INT
                $0.pointee.has_i = 1
                $0.pointee.i = Int64(number)
            case .integers(let numbers):
                $0.pointee.type = ONNX__ATTRIBUTE__KIND__INTS
                $0.pointee.n_ints = numbers.count
                $0.pointee.ints = arena.numbers(numbers)
            case .float(let number):
                $0.pointee.type = ONNX__ATTRIBUTE__KIND__FLOAT
                $0.pointee.has_f = 1
                $0.pointee.f = number
            }
        }
    }
}

extension ONNXConstant {
    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Onnx__Tensor>? {
        arena.make(onnx__tensor__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.n_dims = shape.count
            $0.pointee.dims = arena.numbers(shape)
            $0.pointee.has_data_type = 1
            $0.pointee.data_type = elements.typeNumber
            $0.pointee.has_raw_data = 1
            switch elements {
            case .floats(let values):
                $0.pointee.raw_data = arena.littleEndian(values.map { $0.bitPattern.littleEndian })
            case .integers(let values): $0.pointee.raw_data = arena.littleEndian(values.map(\.littleEndian))
            }
        }
    }
}

extension ONNXConstant.Elements {
    /// Of ONNX's `TensorProto.DataType`.
    fileprivate var typeNumber: Int32 {
        switch self {
        case .floats: 1
        case .integers: 7
        }
    }
}

extension ONNXValue {
    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Onnx__ValueInfo>? {
        let dimensions = shape.map { dimension -> UnsafeMutablePointer<Onnx__Dimension>? in
            arena.make(onnx__dimension__init) {
                switch dimension {
                case .fixed(let size):
                    $0.pointee.value_case = ONNX__DIMENSION__VALUE_DIM_VALUE
                    $0.pointee.dim_value = Int64(size)
                case .named(let name):
                    $0.pointee.value_case = ONNX__DIMENSION__VALUE_DIM_PARAM
                    $0.pointee.dim_param = arena.string(name)
                }
            }
        }
        let tensor = arena.make(onnx__tensor_type__init) {
            $0.pointee.has_elem_type = 1
            $0.pointee.elem_type = ONNXConstant.Elements.floats([]).typeNumber
            $0.pointee.shape = arena.make(onnx__shape__init) {
                $0.pointee.n_dim = dimensions.count
                $0.pointee.dim = arena.array(dimensions)
            }
        }
        return arena.make(onnx__value_info__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.type = arena.make(onnx__type__init) { $0.pointee.tensor_type = tensor }
        }
    }
}

extension Arena {
    /// Bytes of numbers that are little endian already.
    fileprivate func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        _ numbers: [Number]
    ) -> ProtobufCBinaryData {
        let copy = array(numbers)
        let count = numbers.count * MemoryLayout<Number>.stride
        return copy.withMemoryRebound(to: UInt8.self, capacity: max(1, count)) {
            ProtobufCBinaryData(len: count, data: $0)
        }
    }
}

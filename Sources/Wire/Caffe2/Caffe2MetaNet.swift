import CWire

/// Caffe2's `MetaNetDef`: what a predictor's file says of itself before its parameters.
public struct Caffe2MetaNet: Sendable {
    /// Lists of blobs by what they are for: `PARAMETERS_BLOB_TYPE` ...
    public var blobs: [(key: String, names: [String])]
    /// Nets by what they are for: `PREDICT_NET_TYPE` ...
    public var nets: [(key: String, net: Caffe2Net)]

    public init(blobs: [(key: String, names: [String])], nets: [(key: String, net: Caffe2Net)]) {
        self.blobs = blobs
        self.nets = nets
    }

    /// The bytes of the message, the same for the same value.
    public func encoded() -> [UInt8] {
        let arena = Arena()
        let message = arena.make(caffe2__meta_net__init) {
            $0.pointee.n_blobs = blobs.count
            $0.pointee.blobs = arena.array(
                blobs.map { list in
                    arena.make(caffe2__blobs__init) {
                        $0.pointee.key = arena.string(list.key)
                        $0.pointee.n_value = list.names.count
                        $0.pointee.value = arena.strings(list.names)
                    }
                })
            $0.pointee.n_nets = nets.count
            $0.pointee.nets = arena.array(
                nets.map { entry in
                    arena.make(caffe2__nets__init) {
                        $0.pointee.key = arena.string(entry.key)
                        $0.pointee.value = entry.net.message(arena)
                    }
                })
        }
        return withExtendedLifetime(arena) {
            [UInt8](unsafeUninitializedCapacity: caffe2__meta_net__get_packed_size(message)) { buffer, count in
                count = caffe2__meta_net__pack(message, buffer.baseAddress)
            }
        }
    }
}

/// Caffe2's `NetDef`, as far as a predictor's file needs it.
public struct Caffe2Net: Sendable {
    public struct Operator: Sendable {
        public var type: String
        public var inputs: [String]
        public var outputs: [String]

        public init(_ type: String, inputs: [String], outputs: [String]) {
            self.type = type
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    public var name: String
    public var operators: [Operator]
    public var inputs: [String]
    public var outputs: [String]

    public init(name: String, operators: [Operator] = [], inputs: [String] = [], outputs: [String] = []) {
        self.name = name
        self.operators = operators
        self.inputs = inputs
        self.outputs = outputs
    }

    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Caffe2__Net> {
        arena.make(caffe2__net__init) {
            $0.pointee.name = arena.string(name)
            $0.pointee.n_op = operators.count
            $0.pointee.op = arena.array(
                operators.map { operation in
                    arena.make(caffe2__operator__init) {
                        $0.pointee.type = arena.string(operation.type)
                        $0.pointee.name = arena.string("")
                        $0.pointee.n_input = operation.inputs.count
                        $0.pointee.input = arena.strings(operation.inputs)
                        $0.pointee.n_output = operation.outputs.count
                        $0.pointee.output = arena.strings(operation.outputs)
                    }
                })
            $0.pointee.n_external_input = inputs.count
            $0.pointee.external_input = arena.strings(inputs)
            $0.pointee.n_external_output = outputs.count
            $0.pointee.external_output = arena.strings(outputs)
        }
    }
}

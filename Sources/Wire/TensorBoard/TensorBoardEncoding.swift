import CWire

extension TensorBoardEvent {
    /// The protobuf form, without the frame that a file puts round it.
    public func encoded() -> [UInt8] {
        let arena = Arena()
        let message = arena.make(tensorboard__event__init) {
            $0.pointee.has_wall_time = 1
            $0.pointee.wall_time = time
            if step != 0 {
                $0.pointee.has_step = 1
                $0.pointee.step = Int64(step)
            }
            switch content {
            case .fileVersion: $0.pointee.file_version = arena.string("brain.Event:2")
            case .values(let values):
                $0.pointee.summary = arena.make(tensorboard__summary__init) {
                    $0.pointee.n_value = values.count
                    $0.pointee.value = arena.array(values.map { $0.message(arena) })
                }
            }
        }
        return pack(
            arena, tensorboard__event__get_packed_size(message)
        ) { tensorboard__event__pack(message, $0) }
    }
}

private func pack(_ arena: Arena, _ size: Int, _ write: (UnsafeMutablePointer<UInt8>?) -> Int) -> [UInt8] {
    withExtendedLifetime(arena) {
        [UInt8](unsafeUninitializedCapacity: size) { buffer, count in count = write(buffer.baseAddress) }
    }
}

extension Arena {
    fileprivate func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: bytes.count, data: array(bytes))
    }
}

extension TensorBoardValue {
    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Tensorboard__SummaryValue>? {
        arena.make(tensorboard__summary_value__init) {
            $0.pointee.tag = arena.string(tag)
            switch content {
            case .scalar(let value):
                $0.pointee.has_simple_value = 1
                $0.pointee.simple_value = Float(value)
            case .histogram(let histogram): $0.pointee.histo = histogram.message(arena)
            case .picture(let width, let height, let encoded):
                $0.pointee.image = arena.make(tensorboard__picture__init) {
                    $0.pointee.has_width = 1
                    $0.pointee.width = Int32(clamping: width)
                    $0.pointee.has_height = 1
                    $0.pointee.height = Int32(clamping: height)
                    $0.pointee.has_colorspace = 1
                    $0.pointee.colorspace = 3
                    $0.pointee.has_encoded = 1
                    $0.pointee.encoded = arena.bytes(encoded)
                }
            case .text(let text):
                $0.pointee.tensor = Self.texts([text], arena)
                $0.pointee.metadata = Self.metadata("text", [], arena)
            case .hyperParameters(let parameters):
                $0.pointee.metadata = Self.metadata("hparams", parameters.encoded(), arena)
            }
        }
    }

    private static func metadata(
        _ plugin: String, _ content: [UInt8], _ arena: Arena
    ) -> UnsafeMutablePointer<Tensorboard__Metadata> {
        let plugin = arena.make(tensorboard__plugin__init) {
            $0.pointee.name = arena.string(plugin)
            $0.pointee.has_content = 1
            $0.pointee.content = arena.bytes(content)
        }
        return arena.make(tensorboard__metadata__init) { $0.pointee.plugin_data = plugin }
    }

    private static func texts(_ texts: [String], _ arena: Arena) -> UnsafeMutablePointer<Tensorboard__Tensor> {
        let dimension = arena.make(tensorboard__tensor_dimension__init) {
            $0.pointee.has_size = 1
            $0.pointee.size = Int64(texts.count)
        }
        return arena.make(tensorboard__tensor__init) {
            $0.pointee.has_kind = 1
            $0.pointee.kind = 7
            $0.pointee.shape = arena.make(tensorboard__tensor_shape__init) {
                $0.pointee.n_dim = 1
                $0.pointee.dim = arena.array([dimension])
            }
            $0.pointee.n_string_val = texts.count
            $0.pointee.string_val = arena.array(texts.map { arena.bytes(Array($0.utf8)) })
        }
    }
}

extension TensorBoardHistogram {
    fileprivate func message(_ arena: Arena) -> UnsafeMutablePointer<Tensorboard__Distribution> {
        arena.make(tensorboard__distribution__init) {
            $0.pointee.has_min = 1
            $0.pointee.min = least
            $0.pointee.has_max = 1
            $0.pointee.max = greatest
            $0.pointee.has_num = 1
            $0.pointee.num = Double(count)
            $0.pointee.has_sum = 1
            $0.pointee.sum = sum
            $0.pointee.has_sum_squares = 1
            $0.pointee.sum_squares = sumOfSquares
            $0.pointee.n_bucket_limit = edges.count
            $0.pointee.bucket_limit = arena.array(edges)
            $0.pointee.n_bucket = counts.count
            $0.pointee.bucket = arena.array(counts)
        }
    }
}

extension TensorBoardParameters {
    fileprivate func encoded() -> [UInt8] {
        let arena = Arena()
        let message = arena.make(tensorboard__hyper_parameters__init) {
            $0.pointee.has_version = 1
            switch self {
            case .experiment(let parameters, let metrics):
                $0.pointee.experiment = Self.experiment(parameters, metrics, arena)
            case .start(let parameters, let group, let time):
                $0.pointee.session_start = arena.make(tensorboard__session_start__init) {
                    $0.pointee.n_parameters = parameters.count
                    $0.pointee.parameters = arena.array(parameters.map { Self.entry($0.name, $0.value, arena) })
                    $0.pointee.group_name = arena.string(group)
                    $0.pointee.has_start_time = 1
                    $0.pointee.start_time = time
                }
            case .end(let isSuccess, let time):
                $0.pointee.session_end = arena.make(tensorboard__session_end__init) {
                    $0.pointee.has_status = 1
                    $0.pointee.status = isSuccess ? 1 : 2
                    $0.pointee.has_end_time = 1
                    $0.pointee.end_time = time
                }
            }
        }
        return pack(arena, tensorboard__hyper_parameters__get_packed_size(message)) {
            tensorboard__hyper_parameters__pack(message, $0)
        }
    }

    private static func experiment(
        _ parameters: [(name: String, value: Value)], _ metrics: [String], _ arena: Arena
    ) -> UnsafeMutablePointer<Tensorboard__Experiment> {
        arena.make(tensorboard__experiment__init) {
            $0.pointee.n_parameters = parameters.count
            $0.pointee.parameters = arena.array(
                parameters.map { parameter in
                    arena.make(tensorboard__parameter_info__init) {
                        $0.pointee.name = arena.string(parameter.name)
                        $0.pointee.has_kind = 1
                        switch parameter.value {
                        case .text: $0.pointee.kind = 1
                        case .boolean: $0.pointee.kind = 2
                        case .number: $0.pointee.kind = 3
                        }
                    }
                })
            $0.pointee.n_metrics = metrics.count
            $0.pointee.metrics = arena.array(
                metrics.map { tag in
                    arena.make(tensorboard__metric_info__init) {
                        $0.pointee.name = arena.make(tensorboard__metric_name__init) {
                            $0.pointee.tag = arena.string(tag)
                        }
                    }
                })
        }
    }

    private static func entry(
        _ name: String, _ value: Value, _ arena: Arena
    ) -> UnsafeMutablePointer<Tensorboard__ParameterEntry>? {
        let value = arena.make(tensorboard__parameter_value__init) {
            switch value {
            case .number(let number):
                $0.pointee.has_number = 1
                $0.pointee.number = number
            case .text(let text): $0.pointee.text = arena.string(text)
            case .boolean(let boolean):
                $0.pointee.has_boolean = 1
                $0.pointee.boolean = boolean ? 1 : 0
            }
        }
        return arena.make(tensorboard__parameter_entry__init) {
            $0.pointee.key = arena.string(name)
            $0.pointee.value = value
        }
    }
}

public import Checkpoints
public import Faults
public import Training

/// Where the chunks of a plan lie in a checkpoint's files: names and shapes for what the plan only counts.
public struct CheckpointLayout: Sendable {
    /// The running statistics of a batch-norm layer.
    public struct Statistics: Sendable, Equatable {
        public var mean: String
        public var variance: String

        public init(mean: String, variance: String) {
            self.mean = mean
            self.variance = variance
        }
    }

    public let plan: ChunkPlan
    /// In the plan's order, all f32.
    public let parameters: [StoredTensor]
    /// In the plan's order.
    public let statistics: [Statistics]
    /// What `model.safetensors` says about itself.
    public let metadata: [String: String]

    /// - Throws: an internal `Fault` when names and plan do not fit.
    public init(
        plan: ChunkPlan, parameters: [StoredTensor], statistics: [Statistics], metadata: [String: String] = [:]
    ) throws(Fault) {
        let fits =
            parameters.count == plan.parameters.count && statistics.count == plan.statistics.count
            && zip(parameters, plan.parameters).allSatisfy { $0.type == .f32 && $0.byteCount == 4 * $1.count }
        guard fits else { throw Fault(.internal, "checkpoint", "the tensors are not those of the plan") }
        self.plan = plan
        self.parameters = parameters
        self.statistics = statistics
        self.metadata = metadata
    }

    /// What `model.safetensors` holds: weights and running statistics.
    var modelTensors: [StoredTensor] {
        parameters
            + zip(statistics, plan.statistics).flatMap { names, layer in
                [names.mean, names.variance].map { StoredTensor(name: $0, type: .f32, shape: [layer.channels]) }
            }
    }

    /// What `state.safetensors` holds: the optimizer's slots beyond the weights.
    var stateTensors: [StoredTensor] {
        parameters.flatMap { parameter in
            plan.slots.filter { Self.file(of: $0) == .state }.map {
                StoredTensor(name: Self.name(parameter.name, $0), type: .f32, shape: parameter.shape)
            }
        }
    }

    /// The files of a checkpoint, in the order of its manifest. `average` has the tensors of `model`, averaged over the
    /// steps: a checkpoint that can be tested and loaded like one.
    enum File: String, CaseIterable {
        case model = "model.safetensors"
        case state = "state.safetensors"
        case average = "average.safetensors"
    }

    var files: [File] { plan.slots.contains(.average) ? [.model, .state, .average] : [.model, .state] }

    func tensors(of file: File) -> [StoredTensor] { file == .state ? stateTensors : modelTensors }

    private static func file(of slot: Slot) -> File {
        switch slot {
        case .weights: .model
        case .momentum, .firstMoment, .secondMoment: .state
        case .average: .average
        }
    }

    private static func name(_ parameter: String, _ slot: Slot) -> String {
        file(of: slot) == .state ? parameter + "." + slot.rawValue : parameter
    }

    /// A run of a slot's bytes and where it lies in the files.
    struct Piece {
        var file: File
        var tensor: String
        /// Bytes from the tensor's start.
        var offset: Int
        var slot: Int
        /// Bytes of the slot.
        var range: Range<Int>
    }

    /// Every byte of a chunk's slots, once.
    func pieces(of chunk: Chunk) -> [Piece] {
        switch chunk.content {
        case .parameter(let index, let elements):
            let whole = 0..<chunk.slotBytes
            let name = parameters[index].name
            let offset = 4 * elements.lowerBound
            return chunk.kinds.enumerated().map { number, slot in
                Piece(
                    file: Self.file(of: slot), tensor: Self.name(name, slot), offset: offset, slot: number,
                    range: whole)
            }
        case .statistics(let index):
            let half = chunk.slotBytes / 2
            let names = statistics[index]
            return chunk.kinds.enumerated().flatMap { number, slot in
                let file = Self.file(of: slot)
                return [
                    Piece(file: file, tensor: names.mean, offset: 0, slot: number, range: 0..<half),
                    Piece(file: file, tensor: names.variance, offset: 0, slot: number, range: half..<chunk.slotBytes),
                ]
            }
        }
    }
}

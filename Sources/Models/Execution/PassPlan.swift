import Kernels

/// Every buffer of a pass over N clips, placed in one arena: what is alive at the same time lies apart, the rest shares.
///
/// Time is the schedule's; packing for all runs is at -1.
struct PassPlan {
    /// Where backward writes the gradient of one tensor.
    struct Target {
        /// The tensor's gradient.
        var gradient: MemoryPlan.Buffer
        /// What the kernel writes: the gradient itself for the tensor's first reader in backward order.
        var written: MemoryPlan.Buffer
        /// Whether the tensor has a gradient already, to which this one is added.
        var adds: Bool
    }

    /// The buffers of one kernel's backward.
    struct Backward {
        /// The gradient of its output.
        var output: MemoryPlan.Buffer
        /// For each input; nil where no parameter is behind it.
        var inputs: [Target?]
        /// Gradients of its parameters: weight and, if there is one, bias; scale and shift.
        var parameters: [MemoryPlan.Buffer]
        var scratch: MemoryPlan.Buffer
        /// Of a convolution, for its input's gradient.
        var dataScratch: MemoryPlan.Buffer?
        /// Of a gated batch norm: the gradient of the mean that is taken of it.
        var pooled: MemoryPlan.Buffer?
        /// The weights packed for backward-data, from the first step of the kernel on, or the weights themselves.
        var packed: MemoryPlan.Buffer?
    }

    let schedule: Schedule
    private(set) var memory = MemoryPlan()
    /// By parameter.
    private(set) var parameters: [MemoryPlan.Buffer] = []
    /// By kernel.
    private(set) var packedForward: [MemoryPlan.Buffer?] = []
    /// The weights of one convolution that hold a batch norm, on their way to be packed.
    private(set) var folded: MemoryPlan.Buffer
    /// By kernel.
    private(set) var scratch: [MemoryPlan.Buffer] = []
    /// By batch norm, C f64 each.
    private(set) var means: [MemoryPlan.Buffer] = []
    private(set) var variances: [MemoryPlan.Buffer] = []
    /// By batch norm, 2 C f64: what a convolution summed for it.
    private(set) var sums: [MemoryPlan.Buffer] = []
    /// By batch norm, C f32 each: what it multiplies with and adds.
    private(set) var factors: [MemoryPlan.Buffer] = []
    private(set) var offsets: [MemoryPlan.Buffer] = []
    /// By batch norm that has a Swish: for each clip that it is cut into, C f32 means and 2 C f64 sums of gradients.
    private(set) var clipMeans: [MemoryPlan.Buffer] = []
    private(set) var swishSums: [MemoryPlan.Buffer] = []
    /// By tensor; nil where joined layers leave none, or nobody stores it.
    private(set) var tensors: [MemoryPlan.Buffer?]
    /// By kernel, nil where no parameter is behind the output; empty without a backward pass.
    private(set) var backward: [Backward?] = []
    /// What the loss writes.
    private(set) var logitsGradient: MemoryPlan.Buffer = 0

    /// Multiply-accumulates of one clip's forward pass that are computed a second time.
    var recomputedMacs: Int {
        schedule.behindLoss.reduce(0) { sum, entry in
            guard case .recompute(let index) = entry.work else { return sum }
            return sum + network.macs(layer: kernels[index].output)
        }
    }

    private var gradients: [MemoryPlan.Buffer?]
    private let network: NetworkDescription
    private let kernels: [Kernel]
    private let N: Int
    private let isFrozen: [Bool]
    private let keepsPacked: Bool

    /// Forward alone.
    ///
    /// - Parameter keeping: layers whose tensors are read when the pass is over.
    init(inference network: NetworkDescription, _ kernels: [Kernel], N: Int, threads: Int, keeping: Set<Int>) {
        self.init(
            network, kernels, N: N, isTraining: false, schedule: Schedule(forward: kernels.count),
            isFrozen: network.parameters.map { _ in false }, keepsPacked: true)
        planForward(threads: threads, keeping: keeping)
        memory.place()
    }

    /// - Parameters:
    ///   - isFrozen: by parameter. Backward goes no deeper than what is not frozen.
    ///   - policy: where packed weights are not kept, they are packed when a kernel is reached, into memory that the
    ///     kernels share.
    init(
        training network: NetworkDescription, _ kernels: [Kernel], N: Int, threads: Int, isFrozen: [Bool],
        policy: MemoryPolicy
    ) {
        let trained = Self.tensorsBehindParameters(network, isFrozen: isFrozen)
        func plan(_ segments: [RecomputedSegment]) -> PassPlan {
            var plan = PassPlan(
                network, kernels, N: N, isTraining: true,
                schedule: Schedule(training: kernels.count, recomputing: segments),
                isFrozen: isFrozen, keepsPacked: policy.keepsPacked)
            plan.planForward(threads: threads, keeping: [])
            plan.planBackward(threads: threads, trained: trained)
            return plan
        }
        let segments = RecomputedSegment.all(of: kernels, trained: trained, isFrozen: isFrozen)
        switch policy.recomputation {
        case .none: self = plan([])
        case .whereItSaves: self = Self.leanest(segments, plan)
        case .everywhere: self = plan(segments)
        }
        memory.place()
    }

    /// A plan whose peak is that of recomputing all segments, or a little more, and that recomputes none whose tensors find
    /// room below it. Late segments come first: they are the smallest, and gone when the early ones run backward.
    private static func leanest(
        _ segments: [RecomputedSegment], _ plan: ([RecomputedSegment]) -> PassPlan
    ) -> PassPlan {
        var recomputed = segments.filter { !$0.recomputed.isEmpty }
        var best = plan(recomputed)
        let nothing = plan([])
        let (least, most) = (best.memory.lowerBound, nothing.memory.lowerBound)
        // Of a network whose peak is not its activations.
        guard least < most else { return nothing }
        // A twentieth of what is saved spares a tenth to a fifth of the second forward pass (docs/performance.md).
        let limit = least + (most - least) / 20
        for segment in recomputed.reversed() {
            let others = recomputed.filter { $0 != segment }
            let candidate = plan(others)
            if candidate.memory.lowerBound <= limit { (recomputed, best) = (others, candidate) }
        }
        return best
    }

    /// What lives through all of a pass.
    private init(
        _ network: NetworkDescription, _ kernels: [Kernel], N: Int, isTraining: Bool, schedule: Schedule,
        isFrozen: [Bool], keepsPacked: Bool
    ) {
        self.network = network
        self.isFrozen = isFrozen
        self.kernels = kernels
        self.N = N
        self.keepsPacked = keepsPacked
        self.schedule = schedule
        tensors = [MemoryPlan.Buffer?](repeating: nil, count: network.layers.count)
        gradients = tensors
        folded = 0
        planLasting(isTraining: isTraining)
    }

    private mutating func planLasting(isTraining: Bool) {
        let end = schedule.end
        func lasting(_ memory: inout MemoryPlan, bytes: Int) -> MemoryPlan.Buffer {
            let buffer = memory.buffer(bytes: bytes, from: -1)
            memory.need(buffer, at: end)
            return buffer
        }
        parameters = network.parameters.map { lasting(&memory, bytes: 4 * $0.count) }
        packedForward = kernels.enumerated().map { time, kernel in
            kernel.packing.map {
                isTraining && kernel.readsCanonical(.forward)
                    ? parameters[$0.weight] : packed(count: $0.forward, from: time, to: time)
            }
        }
        let foldedCounts = kernels.map { kernel in
            guard case .convolution(let convolution, let what) = kernel.operation, what.folded != nil else { return 0 }
            return convolution.shape.weightCount
        }
        folded = memory.buffer(bytes: 4 * (foldedCounts.max() ?? 0), from: -1)
        means = network.statistics.map { lasting(&memory, bytes: 8 * $0.C) }
        variances = network.statistics.map { lasting(&memory, bytes: 8 * $0.C) }
        sums = network.statistics.map { lasting(&memory, bytes: 16 * $0.C) }
        factors = network.statistics.map { lasting(&memory, bytes: 4 * $0.C) }
        offsets = network.statistics.map { lasting(&memory, bytes: 4 * $0.C) }
        var clips = [Int](repeating: 0, count: network.statistics.count)
        for kernel in kernels {
            guard case .normalise(_, let what) = kernel.operation, what.swish != nil else { continue }
            clips[what.statistics] = what.gate == nil ? 1 : N
        }
        let counts = zip(clips, network.statistics).map { $0 * $1.C }
        clipMeans = counts.map { lasting(&memory, bytes: 4 * $0) }
        swishSums = counts.map { lasting(&memory, bytes: 16 * $0) }
        for (index, layer) in network.layers.enumerated() {
            if case .input = layer.operation { tensors[index] = lasting(&memory, bytes: bytes(index)) }
        }
    }

    private mutating func planForward(threads: Int, keeping: Set<Int>) {
        for (time, kernel) in kernels.enumerated() {
            for input in kernel.reads { read(input, at: time) }
            if case .normalise(_, let what) = kernel.operation, what.isDeferred || what.gate != nil {
                tensors[kernel.output] = nil
            } else {
                tensors[kernel.output] = memory.buffer(bytes: bytes(kernel.output), from: time)
            }
            scratch.append(
                memory.buffer(bytes: 4 * kernel.scratchCount(.forward, N: N, threads: threads), from: time))
        }
        // The logits are read when the pass is over, and whatever else somebody wants to see.
        for output in keeping.union(kernels.last.map { [$0.output] } ?? []) {
            if let tensor = tensors[output] { memory.need(tensor, at: schedule.end) }
        }
    }

    private mutating func planBackward(threads: Int, trained: [Bool]) {
        if let last = kernels.last {
            logitsGradient = memory.buffer(bytes: bytes(last.output), from: kernels.count)
            gradients[last.output] = logitsGradient
        }
        backward = [Backward?](repeating: nil, count: kernels.count)
        for (time, work) in schedule.behindLoss {
            switch work {
            case .recompute(let index): planRecomputation(index, at: time)
            case .backward(let index) where trained[kernels[index].output]:
                backward[index] = plan(kernels[index], at: time, trained: trained, threads: threads)
            case .backward: break
            }
        }
    }

    /// A kernel that runs forward a second time writes where it did before.
    private mutating func planRecomputation(_ index: Int, at time: Int) {
        for input in kernels[index].reads { read(input, at: time) }
        if let tensor = tensors[kernels[index].output] { memory.renew(tensor, at: time) }
        memory.renew(scratch[index], at: time)
        if let packed = packedForward[index], !keepsPacked, !kernels[index].readsCanonical(.forward) {
            memory.renew(packed, at: time)
        }
    }

    private mutating func plan(
        _ kernel: Kernel, at time: Int, trained: [Bool], threads: Int
    ) -> Backward {
        var made = kernel.output
        var pooled: MemoryPlan.Buffer?
        if case .normalise(_, let what) = kernel.operation, let gate = what.gate {
            // Nobody has made a gradient of the norm itself: that of the Swish, the numbers and that of the mean tell it.
            made = gate.swish
            pooled = gradients[gate.pool]
            if let pooled { memory.need(pooled, at: time) }
        }
        guard let own = gradients[made] else {
            preconditionFailure("nothing reads \(network.layers[kernel.output].name), so it has no gradient")
        }
        memory.need(own, at: time)
        for tensor in kernel.readsBackward(isFrozen: isFrozen) { read(tensor, at: time) }
        var inputs: [Target?] = []
        var counts: [Int] = []
        var (packed, dataScratch): (MemoryPlan.Buffer?, MemoryPlan.Buffer?)
        switch kernel.operation {
        case .convolution(_, let what):
            let data = time + 1
            inputs = [target(kernel.inputs[0], at: data, trained, addsItself: true)]
            counts = [what.weight] + (what.bias.map { [$0] } ?? [])
            if inputs[0] != nil {
                memory.need(own, at: data)
                dataScratch = memory.buffer(
                    bytes: 4 * kernel.scratchCount(.backwardData, N: N, threads: threads), from: data)
            }
        case .linear(_, let weight, let bias):
            inputs = [target(kernel.inputs[0], at: time, trained)]
            counts = [weight] + (bias.map { [$0] } ?? [])
        case .normalise(_, let what):
            if let residual = what.residual {
                // The residual's gradient takes the place of the output's; the batch norm's input gets memory of its own.
                inputs = [
                    target(kernel.inputs[0], at: time, trained) ?? unread(kernel.inputs[0], at: time),
                    target(residual, at: time, trained, inPlaceOf: own),
                ]
            } else {
                inputs = [
                    target(kernel.inputs[0], at: time, trained, inPlaceOf: own)
                        ?? unread(kernel.inputs[0], at: time)
                ]
            }
            counts = [what.scale, what.shift]
        case .gatedSwish: inputs = [nil, target(kernel.inputs[1], at: time, trained)]
        case .normMean: inputs = [nil]
        case .relu, .sigmoid, .swish, .dropout:
            inputs = [target(kernel.inputs[0], at: time, trained, inPlaceOf: own)]
        case .multiplyChannels:
            let numbers = target(kernel.inputs[1], at: time, trained)
            inputs = [target(kernel.inputs[0], at: time, trained, inPlaceOf: own), numbers]
        case .maxPool: inputs = [target(kernel.inputs[0], at: time, trained)]
        case .attention, .add, .averagePool, .concatenate, .selectFrames:
            inputs = kernel.inputs.map { target($0, at: time, trained) }
        case .softmaxMean: preconditionFailure("a head for tests in training")
        }
        if inputs[0] != nil, let packing = kernel.packing {
            // Packed before the weight's gradient is handed on: whoever gets that may change the weight. Where the weight
            // itself is read, its gradient waits.
            packed =
                kernel.readsCanonical(.backwardData)
                ? parameters[packing.weight] : self.packed(count: packing.backwardData, from: time, to: time + 1)
        }
        let parameterGradients = counts.map { memory.buffer(bytes: 4 * network.parameters[$0].count, from: time) }
        if packed != nil, kernel.readsCanonical(.backwardData) {
            for gradient in parameterGradients { memory.need(gradient, at: time + 1) }
        }
        return Backward(
            output: own, inputs: inputs, parameters: parameterGradients,
            scratch: memory.buffer(bytes: 4 * kernel.scratchCount(nil, N: N, threads: threads), from: time),
            dataScratch: dataScratch, pooled: pooled, packed: packed)
    }

    /// Memory for packed weights that a kernel needs from one step to another.
    private mutating func packed(count: Int, from first: Int, to last: Int) -> MemoryPlan.Buffer {
        let buffer = memory.buffer(bytes: 4 * count, from: keepsPacked ? -1 : first)
        memory.need(buffer, at: keepsPacked ? schedule.end : last)
        return buffer
    }

    private mutating func read(_ tensor: Int, at time: Int) {
        if let buffer = tensors[tensor] { memory.need(buffer, at: time) }
    }

    /// Where the gradient of `tensor` goes at `time`.
    ///
    /// - Parameters:
    ///   - inPlaceOf: a gradient that nobody reads after this step, whose memory the kernel may write.
    ///   - addsItself: the kernel adds to what is there, so it never needs memory in between.
    private mutating func target(
        _ tensor: Int, at time: Int, _ trained: [Bool], inPlaceOf: MemoryPlan.Buffer? = nil, addsItself: Bool = false
    ) -> Target? {
        guard trained[tensor] else { return nil }
        if let gradient = gradients[tensor] {
            memory.need(gradient, at: time)
            let between = addsItself ? gradient : inPlaceOf ?? memory.buffer(bytes: bytes(tensor), from: time)
            return Target(gradient: gradient, written: between, adds: true)
        }
        let gradient = inPlaceOf ?? memory.buffer(bytes: bytes(tensor), from: time)
        gradients[tensor] = gradient
        return Target(gradient: gradient, written: gradient, adds: false)
    }

    /// Memory for a gradient that a kernel writes though nobody wants it.
    private mutating func unread(_ tensor: Int, at time: Int) -> Target {
        let buffer = memory.buffer(bytes: bytes(tensor), from: time)
        return Target(gradient: buffer, written: buffer, adds: false)
    }

    /// Which tensors depend on a parameter that is trained: the clip does not, so nobody computes its gradient.
    private static func tensorsBehindParameters(_ network: NetworkDescription, isFrozen: [Bool]) -> [Bool] {
        var trained = [Bool](repeating: false, count: network.layers.count)
        for (index, layer) in network.layers.enumerated() {
            trained[index] =
                network.parameters(ofLayer: index).contains { !isFrozen[$0] } || layer.inputs.contains { trained[$0] }
        }
        return trained
    }

    private func bytes(_ tensor: Int) -> Int { 4 * N * network.layers[tensor].map.count }
}

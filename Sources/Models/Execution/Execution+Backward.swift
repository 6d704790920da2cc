import Kernels

extension Execution {
    private func floats(_ buffer: MemoryPlan.Buffer) -> UnsafeMutablePointer<Float> {
        arena.floats(at: plan.memory.offset(buffer))
    }

    /// The gradient of the logits, which the loss writes.
    var logitsGradient: UnsafeMutablePointer<Float> { floats(plan.logitsGradient) }

    /// Runs kernel `index` backward on all N clips. `onGradient` gets each parameter's gradient as soon as it is final;
    /// the memory is reused afterwards.
    func backward<Failure: Error>(
        _ index: Int, frozenStatistics: Bool,
        onGradient: (_ parameter: Int, _ gradient: UnsafeBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        let kernel = kernels[index]
        guard let plan = plan.backward[index] else { return }
        let dy = floats(plan.output)
        let scratch = floats(plan.scratch)

        func report(_ parameter: Int, _ buffer: MemoryPlan.Buffer) throws(Failure) {
            if isFrozen[parameter] { return }
            try onGradient(
                parameter,
                UnsafeBufferPointer(start: floats(buffer), count: network.parameters[parameter].count))
            profile?.mark(kernel.output, .gradientTaken)
        }
        defer { profile?.mark(kernel.output, .backward) }

        switch kernel.operation {
        case .convolution(let convolution, let what):
            let packed = plan.packed.map { floats($0) }
            if let packed {
                packBackward(index, into: packed)
                profile?.mark(kernel.output, .packing)
            }
            if !isFrozen[what.weight] {
                convolution.backwardWeights(
                    N: N, x: tensors[kernel.reads[0]], prologue: what.prologue.map { prologue($0) }, dy: dy,
                    dw: floats(plan.parameters[0]), scratch: scratch, pool: pool)
            }
            if let sums = what.biasGradient, let bias = what.bias, !isFrozen[bias] {
                sums.run(
                    N: 1, P: N * kernel.map.positions, x: dy, sums: floats(plan.parameters[1]), scratch: scratch,
                    pool: pool)
            }
            profile?.mark(kernel.output, .backwardWeights)
            func runBackwardData() {
                guard let target = plan.inputs[0], let packed, let scratch = plan.dataScratch else { return }
                convolution.backwardData(
                    N: N, dy: dy, packed: packed, dx: floats(target.gradient), accumulate: target.adds,
                    scratch: floats(scratch), pool: pool)
                profile?.mark(kernel.output, .backwardData)
            }
            // Whoever gets the gradient may change the weight.
            let readsWeight = kernel.readsCanonical(.backwardData)
            if readsWeight { runBackwardData() }
            if let bias = what.bias { try report(bias, plan.parameters[1]) }
            try report(what.weight, plan.parameters[0])
            if !readsWeight { runBackwardData() }
        case .linear(let linear, let weight, let bias):
            let packed = plan.packed.map { floats($0) }
            if let packed {
                packBackward(index, into: packed)
                profile?.mark(kernel.output, .packing)
            }
            let rows = N * kernel.map.positions
            if !isFrozen[weight] || bias.map({ !isFrozen[$0] }) ?? false {
                linear.backwardWeights(
                    N: rows, x: tensors[kernel.inputs[0]], dy: dy, dw: floats(plan.parameters[0]),
                    db: bias == nil ? nil : floats(plan.parameters[1]), scratch: scratch, pool: pool)
            }
            profile?.mark(kernel.output, .backwardWeights)
            if let bias { try report(bias, plan.parameters[1]) }
            try report(weight, plan.parameters[0])
            if let target = plan.inputs[0], let packed {
                linear.backwardData(
                    N: rows, dy: dy, packed: packed, dx: floats(target.written), scratch: scratch, pool: pool)
                finish(target, tensor: kernel.inputs[0])
                profile?.mark(kernel.output, .backwardData)
            }
        case .normalise(let norm, let what):
            guard let target = plan.inputs[0] else { return }
            let frozen = frozenStatistics || hasFrozenStatistics[what.statistics]
            if let swish = what.swish {
                swishBackward(kernel, swish, what, plan, frozen: frozen)
                profile?.mark(kernel.output, .backward)
                try report(what.shift, plan.parameters[1])
                try report(what.scale, plan.parameters[0])
                finish(target, tensor: kernel.inputs[0])
                return
            }
            let residual = what.residual == nil ? nil : plan.inputs[1]
            let mask: BatchNorm.Mask =
                what.masksByInput
                ? .input(prologue(what.statistics))
                : what.relu ? .output(UnsafePointer(tensors[kernel.output])) : .none
            norm.backward(
                P: N * kernel.map.positions, x: tensors[kernel.inputs[0]], mask: mask, dy: dy,
                scale: parameters[what.scale], mean: means[what.statistics], variance: variances[what.statistics],
                frozen: frozen, dx: floats(target.written), dscale: floats(plan.parameters[0]),
                dshift: floats(plan.parameters[1]), dresidual: residual.map { floats($0.written) },
                scratch: scratch, pool: pool)
            profile?.mark(kernel.output, .backward)
            try report(what.shift, plan.parameters[1])
            try report(what.scale, plan.parameters[0])
            finish(target, tensor: kernel.inputs[0])
            if let residual { finish(residual, tensor: kernel.inputs[1]) }
        default: backwardWithoutParameters(kernel, plan, dy: dy, scratch: scratch)
        }
    }

    /// Backward of a batch norm with Swish; where there is a gate, the gated Swish has taken the sums before.
    private func swishBackward(
        _ kernel: Kernel, _ swish: SwishNorm, _ what: Kernel.Normalisation, _ plan: PassPlan.Backward, frozen: Bool
    ) {
        guard let target = plan.inputs[0] else { return }
        let (n, x, dy, scratch) = (
            what.statistics, tensors[kernel.inputs[0]], floats(plan.output), floats(plan.scratch)
        )
        let (clips, P) = what.gate == nil ? (1, N * kernel.map.positions) : (N, kernel.map.positions)
        if what.gate == nil {
            swish.gradientSums(
                N: clips, P: P, x: x, dy: dy, coefficients: prologue(n), gate: nil, mean: means[n], sums: swishSums[n],
                scratch: scratch, pool: pool)
        }
        swish.backward(
            N: clips, P: P, x: x, dy: dy, coefficients: prologue(n),
            gate: what.gate.map { UnsafePointer(tensors[$0.numbers]) },
            pooled: plan.pooled.map { SwishNorm.Pooled(gradient: floats($0), means: clipMeans[n]) },
            sums: swishSums[n], scale: parameters[what.scale], mean: means[n], variance: variances[n], frozen: frozen,
            dx: floats(target.written), dscale: floats(plan.parameters[0]), dshift: floats(plan.parameters[1]),
            scratch: scratch, pool: pool)
    }

    /// Backward of the operations that have no parameters.
    private func backwardWithoutParameters(
        _ kernel: Kernel, _ plan: PassPlan.Backward, dy: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let (x, y) = (tensors[kernel.reads[0]], tensors[kernel.output])
        let count = N * kernel.map.count
        let target = plan.inputs[0]
        let dx = target.map { floats($0.written) }
        switch kernel.operation {
        case .relu:
            if let dx { elementwise.reluBackward(count: count, y: y, dy: dy, dx: dx, pool: pool) }
        case .swish:
            if let dx { elementwise.swishBackward(count: count, x: x, dy: dy, dx: dx, pool: pool) }
        case .sigmoid:
            if let dx { elementwise.sigmoidBackward(count: count, y: y, dy: dy, dx: dx, pool: pool) }
        case .dropout(let dropout):
            if let dx { dropout.apply(N: N, x: dy, y: dx, draws: draws, pool: pool) }
        case .maxPool(let maxPool):
            if let dx { maxPool.backward(N: N, x: x, y: y, dy: dy, dx: dx, pool: pool) }
        case .averagePool(let averagePool):
            if let dx { averagePool.backward(N: N, dy: dy, dx: dx, pool: pool) }
        case .selectFrames(let selection):
            if let dx { selection.backward(N: N, dy: dy, dx: dx, pool: pool) }
        case .add:
            for target in plan.inputs {
                if let target { floats(target.written).update(from: dy, count: count) }
            }
        case .concatenate(let concatenation):
            for (part, target) in plan.inputs.enumerated() {
                guard let target else { continue }
                concatenation.take(
                    part: part, P: N * kernel.map.positions, y: dy, x: floats(target.written), pool: pool)
            }
        case .multiplyChannels(let scale):
            // The numbers' gradient first: the other one may take the place of dy.
            if let target = plan.inputs[1] {
                scale.backwardScale(
                    N: N, P: kernel.map.positions, x: x, dy: dy, ds: floats(target.written), scratch: scratch,
                    pool: pool)
            }
            if let dx {
                scale.backwardData(
                    N: N, P: kernel.map.positions, s: tensors[kernel.inputs[1]], dy: dy, dx: dx, scratch: scratch,
                    pool: pool)
            }
        case .gatedSwish(let swish, let norm):
            guard let norm else { preconditionFailure("a gate without its norm in training") }
            swish.gradientSums(
                N: N, P: kernel.map.positions, x: x, dy: dy, coefficients: prologue(norm),
                gate: tensors[kernel.inputs[1]], mean: means[norm], sums: swishSums[norm], scratch: scratch, pool: pool)
            if let target = plan.inputs[1] {
                swish.gateGradient(
                    N: N, sums: swishSums[norm], coefficients: prologue(norm), mean: means[norm],
                    ds: floats(target.written))
            }
        case .normMean: break  // the norm reads the mean's gradient itself
        case .attention(let attention):
            let written = plan.inputs.map { $0.map { floats($0.written) } }
            attention.backward(
                N: N, theta: x, phi: tensors[kernel.inputs[1]], g: tensors[kernel.inputs[2]], dy: dy,
                gradients: .init(theta: written[0], phi: written[1], g: written[2]), scratch: scratch, pool: pool)
        case .convolution, .linear, .normalise, .softmaxMean: preconditionFailure("no backward of \(kernel.operation)")
        }
        for (place, target) in plan.inputs.enumerated() {
            if let target { finish(target, tensor: kernel.inputs[place]) }
        }
    }

    /// Adds what a kernel wrote to the tensor's gradient, where the kernel could not.
    private func finish(_ target: PassPlan.Target, tensor: Int) {
        guard target.adds else { return }
        let gradient = floats(target.gradient)
        elementwise.add(
            count: N * network.layers[tensor].map.count, gradient, floats(target.written), y: gradient, pool: pool)
    }
}

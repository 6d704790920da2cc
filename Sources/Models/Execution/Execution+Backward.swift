import Kernels

extension Execution {
    private func floats(_ buffer: MemoryPlan.Buffer) -> UnsafeMutablePointer<Float> {
        arena.floats(at: plan.memory.offset(buffer))
    }

    /// The gradient of the logits, which the loss writes.
    var logitsGradient: UnsafeMutablePointer<Float> { floats(plan.backward[kernels.count - 1].output) }

    /// Runs kernel `index` backward on all N clips. `onGradient` gets each parameter's gradient as soon as it is final;
    /// the memory is reused afterwards.
    func backward<Failure: Error>(
        _ index: Int, frozenStatistics: Bool,
        onGradient: (_ parameter: Int, _ gradient: UnsafeBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        let kernel = kernels[index]
        let plan = plan.backward[index]
        let dy = floats(plan.output)
        let scratch = floats(plan.scratch)

        func report(_ parameter: Int, _ buffer: MemoryPlan.Buffer) throws(Failure) {
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
            convolution.backwardWeights(
                N: N, x: tensors[kernel.reads[0]], prologue: what.prologue.map { prologue($0) }, dy: dy,
                dw: floats(plan.parameters[0]), scratch: scratch, pool: pool)
            profile?.mark(kernel.output, .backwardWeights)
            try report(what.weight, plan.parameters[0])
            if let target = plan.inputs[0], let packed, let scratch = plan.dataScratch {
                convolution.backwardData(
                    N: N, dy: dy, packed: packed, dx: floats(target.gradient), accumulate: target.adds,
                    scratch: floats(scratch), pool: pool)
                profile?.mark(kernel.output, .backwardData)
            }
        case .linear(let linear, let weight, let bias):
            let packed = plan.packed.map { floats($0) }
            if let packed {
                packBackward(index, into: packed)
                profile?.mark(kernel.output, .packing)
            }
            linear.backwardWeights(
                N: N, x: tensors[kernel.inputs[0]], dy: dy, dw: floats(plan.parameters[0]),
                db: floats(plan.parameters[1]), scratch: scratch, pool: pool)
            profile?.mark(kernel.output, .backwardWeights)
            try report(bias, plan.parameters[1])
            try report(weight, plan.parameters[0])
            if let target = plan.inputs[0], let packed {
                linear.backwardData(
                    N: N, dy: dy, packed: packed, dx: floats(target.written), scratch: scratch,
                    pool: pool)
                finish(target, tensor: kernel.inputs[0])
                profile?.mark(kernel.output, .backwardData)
            }
        case .normalise(let norm, let what):
            guard let target = plan.inputs[0] else { return }
            let residual = what.residual == nil ? nil : plan.inputs[1]
            let mask: BatchNorm.Mask =
                what.masksByInput
                ? .input(prologue(what.statistics))
                : what.relu ? .output(UnsafePointer(tensors[kernel.output])) : .none
            norm.backward(
                P: N * kernel.map.positions, x: tensors[kernel.inputs[0]], mask: mask, dy: dy,
                scale: parameters[what.scale], mean: means[what.statistics], variance: variances[what.statistics],
                frozen: frozenStatistics, dx: floats(target.written), dscale: floats(plan.parameters[0]),
                dshift: floats(plan.parameters[1]), dresidual: residual.map { floats($0.written) },
                scratch: scratch, pool: pool)
            profile?.mark(kernel.output, .backward)
            try report(what.shift, plan.parameters[1])
            try report(what.scale, plan.parameters[0])
            finish(target, tensor: kernel.inputs[0])
            if let residual { finish(residual, tensor: kernel.inputs[1]) }
        case .relu:
            guard let target = plan.inputs[0] else { return }
            elementwise.reluBackward(
                count: N * kernel.map.count, y: tensors[kernel.output], dy: dy, dx: floats(target.written),
                pool: pool)
            finish(target, tensor: kernel.inputs[0])
        case .add:
            for (place, target) in plan.inputs.enumerated() {
                guard let target else { continue }
                floats(target.written).update(from: dy, count: N * kernel.map.count)
                finish(target, tensor: kernel.inputs[place])
            }
        case .maxPool(let maxPool):
            guard let target = plan.inputs[0] else { return }
            maxPool.backward(
                N: N, x: tensors[kernel.inputs[0]], y: tensors[kernel.output], dy: dy, dx: floats(target.written),
                pool: pool)
            finish(target, tensor: kernel.inputs[0])
        case .averagePool(let averagePool):
            guard let target = plan.inputs[0] else { return }
            averagePool.backward(N: N, dy: dy, dx: floats(target.written), pool: pool)
            finish(target, tensor: kernel.inputs[0])
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

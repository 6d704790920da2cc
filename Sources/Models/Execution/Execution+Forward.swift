import Kernels

extension Execution {
    /// Runs kernel `index` on the first `N` clips. Batch norms take the clips' own statistics, and write them, or use
    /// those that were set, as frozen ones always do.
    func forward(_ index: Int, N: Int, ownStatistics: Bool) {
        forward(index, N: N, ownStatistics: ownStatistics, phase: .forward)
    }

    /// Runs kernel `index` forward once more on all clips, for its backward. Batch norms have their statistics already.
    func recompute(_ index: Int) {
        forward(index, N: N, ownStatistics: false, phase: .recomputation)
    }

    private func forward(_ index: Int, N: Int, ownStatistics: Bool, phase: PassProfile.Phase) {
        let kernel = kernels[index]
        let (x, y) = (tensors[kernel.reads[0]], tensors[kernel.output])
        if isTraining, !kernel.readsCanonical(.forward), !keepsPacked || staleForward[index] {
            staleForward[index] = false
            pack(kernel, into: packedForward[index], for: .forward)
            profile?.mark(kernel.output, .packing)
        }
        defer { profile?.mark(kernel.output, phase) }
        switch kernel.operation {
        case .convolution(let convolution, let what):
            var epilogue: Epilogue?
            let bias = what.bias.map { UnsafePointer(parameters[$0]) }
            if let fold = what.folded?.what {
                epilogue = Epilogue(
                    bias: offsets[fold.statistics], residual: fold.residual.map { UnsafePointer(tensors[$0]) },
                    relu: fold.relu)
            } else if ownStatistics, let norm = what.sums, !hasFrozenStatistics[norm] {
                epilogue = Epilogue(bias: bias, statistics: sums[norm])
            } else if bias != nil {
                epilogue = Epilogue(bias: bias)
            }
            convolution.forward(
                N: N, x: x, prologue: what.prologue.map { prologue($0) }, packed: packedForward[index], y: y,
                epilogue: epilogue, scratch: scratch[index], pool: pool)
        case .normalise(let norm, let what):
            let P = N * kernel.map.positions
            let n = what.statistics
            if ownStatistics, !hasFrozenStatistics[n] {
                if what.hasSums {
                    norm.moments(P: P, sums: sums[n], mean: means[n], variance: variances[n])
                } else {
                    norm.statistics(
                        P: P, x: x, mean: means[n], variance: variances[n], scratch: scratch[index], pool: pool)
                }
            }
            norm.coefficients(
                scale: parameters[what.scale], shift: parameters[what.shift], mean: means[n], variance: variances[n],
                factor: factors[n], offset: offsets[n])
            if what.isDeferred || what.gate != nil { return }
            if let swish = what.swish {
                swish.apply(
                    N: 1, P: P, x: x, coefficients: prologue(n), gate: nil, y: y, scratch: scratch[index], pool: pool)
                return
            }
            norm.apply(
                P: P, x: x, factor: factors[n], offset: offsets[n], residual: what.residual.map { tensors[$0] },
                relu: what.relu, y: y, scratch: scratch[index], pool: pool)
        case .relu: elementwise.relu(count: N * kernel.map.count, x: x, y: y, pool: pool)
        case .swish: elementwise.swish(count: N * kernel.map.count, x: x, y: y, pool: pool)
        case .sigmoid: elementwise.sigmoid(count: N * kernel.map.count, x: x, y: y, pool: pool)
        case .add: elementwise.add(count: N * kernel.map.count, x, tensors[kernel.inputs[1]], y: y, pool: pool)
        case .multiplyChannels(let scale):
            scale.forward(
                N: N, P: kernel.map.positions, x: x, s: tensors[kernel.inputs[1]], y: y, scratch: scratch[index],
                pool: pool)
        case .gatedSwish(let swish, let norm):
            swish.apply(
                N: N, P: kernel.map.positions, x: x, coefficients: norm.map { prologue($0) },
                gate: tensors[kernel.inputs[1]], y: y, scratch: scratch[index], pool: pool)
        case .normMean(let sums, let P, let norm):
            sums.run(
                N: N, P: P, x: x, factor: 1 / Double(P), sums: clipMeans[norm], scratch: scratch[index], pool: pool)
            for i in 0..<N * kernel.map.C {
                let c = i % kernel.map.C
                y[i] = clipMeans[norm][i] * factors[norm][c] + offsets[norm][c]
            }
        case .concatenate(let concatenation):
            for (part, tensor) in kernel.inputs.enumerated() {
                concatenation.put(part: part, P: N * kernel.map.positions, x: tensors[tensor], y: y, pool: pool)
            }
        case .selectFrames(let selection): selection.forward(N: N, x: x, y: y, pool: pool)
        case .maxPool(let maxPool): maxPool.forward(N: N, x: x, y: y, pool: pool)
        case .averagePool(let averagePool):
            averagePool.forward(N: N, x: x, y: y, scratch: scratch[index], pool: pool)
        case .linear(let linear, _, let bias):
            linear.forward(
                N: N * kernel.map.positions, x: x, packed: packedForward[index],
                bias: bias.map { UnsafePointer(parameters[$0]) }, y: y, scratch: scratch[index], pool: pool)
        case .attention(let attention):
            attention.forward(
                N: N, theta: x, phi: tensors[kernel.inputs[1]], g: tensors[kernel.inputs[2]], y: y,
                scratch: scratch[index], pool: pool)
        case .dropout(let dropout): dropout.apply(N: N, x: x, y: y, draws: draws, pool: pool)
        case .softmaxMean(let joint):
            SoftmaxMean.run(
                N: N, P: network.layers[kernel.inputs[0]].map.positions, K: kernel.map.C, joint: joint, logits: x,
                scores: y, pool: pool)
        }
    }
}

import Kernels
import Models

import struct Randomness.Draws

/// The loss of a network in f64, layer by layer from its description with the plain reference: no fusing, no plan, no
/// memory shared. What the passes compute is checked against it.
struct ForwardInDouble {
    let network: NetworkDescription
    let N: Int
    var parameters: [[Double]]
    /// Mean and variance of each batch norm to normalise with; nil for the clips' own.
    var running: [(mean: [Double], variance: [Double])]?
    /// Which batch norms normalise with `running`; nil: all.
    var normalisesWithRunning: [Bool]?
    /// What dropout drops; nil: nothing.
    var draws: ClipDraws?

    /// The tensor of every layer.
    func tensors(_ clips: [Double]) -> [[Double]] {
        var tensors: [[Double]] = []
        var dropped = 0
        for layer in network.layers {
            let count = N * layer.map.count
            let x = layer.inputs.first.map { tensors[$0] } ?? []
            var y = [Double](repeating: 0, count: count)
            switch layer.operation {
            case .input: y = clips
            case .convolution(let shape, let weight, let bias):
                PlainReference.convolution(
                    shape, pixels: 0..<N * shape.output.count, x: x, w: parameters[weight], y: &y)
                if let bias { for i in y.indices { y[i] += parameters[bias][i % shape.K] } }
            case .batchNorm(let index, let scale, let shift):
                let fixed = normalisesWithRunning?[index] ?? true ? running?[index] : nil
                let (mean, variance) = fixed ?? moments(x, C: layer.map.C)
                let epsilon = network.statistics[index].epsilon
                for i in y.indices {
                    let c = i % layer.map.C
                    y[i] =
                        (x[i] - mean[c]) / (variance[c] + epsilon).squareRoot() * parameters[scale][c]
                        + parameters[shift][c]
                }
            case .relu: y = x.map { max($0, 0) }
            case .add: y = zip(x, tensors[layer.inputs[1]]).map { $0 + $1 }
            case .maxPool(let shape): PlainReference.maxPool(shape, N: N, x: x, y: &y)
            case .averagePool(let shape): PlainReference.averagePool(shape, includesPadding: true, N: N, x: x, y: &y)
            case .linear(let weight, let bias):
                let (C, K) = (network.layers[layer.inputs[0]].map.C, layer.map.C)
                for row in 0..<count / K {
                    for k in 0..<K {
                        var sum = bias.map { parameters[$0][k] } ?? 0
                        for c in 0..<C { sum += parameters[weight][k * C + c] * x[row * C + c] }
                        y[row * K + k] = sum
                    }
                }
            case .swish: y = x.map { $0 * sigmoid($0) }
            case .sigmoid: y = x.map { sigmoid($0) }
            case .multiplyChannels:
                let (C, numbers) = (layer.map.C, tensors[layer.inputs[1]])
                for i in y.indices { y[i] = x[i] * numbers[i / layer.map.count * C + i % C] }
            case .concatenate:
                var pixel = 0
                for i in y.indices where i % layer.map.C == 0 {
                    var c = 0
                    for input in layer.inputs {
                        let C = network.layers[input].map.C
                        for k in 0..<C { y[i + c + k] = tensors[input][pixel * C + k] }
                        c += C
                    }
                    pixel += 1
                }
            case .selectFrames(let frames):
                let (T, frame) = (network.layers[layer.inputs[0]].map.extent.t, layer.map.count / frames.count)
                for i in y.indices {
                    let (n, t) = (i / layer.map.count, frames[i % layer.map.count / frame])
                    y[i] = x[(n * T + t) * frame + i % frame]
                }
            case .attention(let normalisation): attend(layer, tensors, normalisation, &y)
            case .dropout(let probability):
                y = x
                guard let draws else { break }
                for i in y.indices {
                    let n = i / layer.map.count
                    let words = Draws(
                        seed: draws.seed, place: draws.positions.lowerBound + UInt64(n), purpose: .dropout)
                    let u = words.uniform(dropped + i % layer.map.count)
                    y[i] = Double(u) < probability ? 0 : x[i] / (1 - probability)
                }
                dropped += (layer.map.count + 3) / 4 * 4
            case .softmaxMean: preconditionFailure("scores have no loss")
            }
            tensors.append(y)
        }
        return tensors
    }

    private func attend(
        _ layer: Layer, _ tensors: [[Double]], _ normalisation: Operation.AttentionNormalisation, _ y: inout [Double]
    ) {
        let (P, K) = (layer.map.positions, layer.map.C)
        let (C, Q) = (network.layers[layer.inputs[0]].map.C, network.layers[layer.inputs[1]].map.positions)
        let (theta, phi, g) = (tensors[layer.inputs[0]], tensors[layer.inputs[1]], tensors[layer.inputs[2]])
        for row in 0..<N * P {
            let first = row / P * Q
            var a = (0..<Q).map { q in (0..<C).reduce(0) { $0 + theta[row * C + $1] * phi[(first + q) * C + $1] } }
            switch normalisation {
            case .softmax:
                a = a.map { $0 / Double(C).squareRoot() }
                let peak = a.max() ?? 0
                a = a.map { exponential($0 - peak) }
                let sum = a.reduce(0, +)
                a = a.map { $0 / sum }
            case .positions: a = a.map { $0 / Double(Q) }
            }
            for q in 0..<Q { for k in 0..<K { y[row * K + k] += a[q] * g[(first + q) * K + k] } }
        }
    }

    private func sigmoid(_ x: Double) -> Double {
        let e = exponential(-abs(x))
        return x < 0 ? e / (1 + e) : 1 / (1 + e)
    }

    /// The mean cross-entropy.
    func loss(_ clips: [Double], labels: [Int]) -> Double {
        let logits = tensors(clips)[network.layers.count - 1]
        let K = network.classes
        return labels.enumerated().reduce(0) { loss, row in
            let row = (logits[row.offset * K..<(row.offset + 1) * K].map { $0 }, row.element)
            let peak = row.0.max() ?? 0
            let sum = row.0.reduce(0) { $0 + exponential($1 - peak) }
            return loss + (naturalLogarithm(sum) + peak - row.0[row.1]) / Double(labels.count)
        }
    }

    /// Mean and biased variance of each channel.
    func moments(_ x: [Double], C: Int) -> (mean: [Double], variance: [Double]) {
        let P = Double(x.count / C)
        var mean = [Double](repeating: 0, count: C)
        var variance = mean
        for i in x.indices { mean[i % C] += x[i] / P }
        for i in x.indices { variance[i % C] += (x[i] - mean[i % C]) * (x[i] - mean[i % C]) / P }
        return (mean, variance)
    }
}

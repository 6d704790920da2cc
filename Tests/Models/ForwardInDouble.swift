import Kernels
import Models

/// The loss of a network in f64, layer by layer from its description with the plain reference: no fusing, no plan, no
/// memory shared. What the passes compute is checked against it.
struct ForwardInDouble {
    let network: NetworkDescription
    let N: Int
    var parameters: [[Double]]
    /// Mean and variance of each batch norm to normalise with; nil for the clips' own.
    var running: [(mean: [Double], variance: [Double])]?

    /// The tensor of every layer.
    func tensors(_ clips: [Double]) -> [[Double]] {
        var tensors: [[Double]] = []
        for layer in network.layers {
            let count = N * layer.map.count
            let x = layer.inputs.first.map { tensors[$0] } ?? []
            var y = [Double](repeating: 0, count: count)
            switch layer.operation {
            case .input: y = clips
            case .convolution(let shape, let weight, _):
                PlainReference.convolution(
                    shape, pixels: 0..<N * shape.output.count, x: x, w: parameters[weight], y: &y)
            case .batchNorm(let index, let scale, let shift):
                let (mean, variance) = running?[index] ?? moments(x, C: layer.map.C)
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
                let C = x.count / N
                for n in 0..<N {
                    for k in 0..<layer.map.C {
                        var sum = bias.map { parameters[$0][k] } ?? 0
                        for c in 0..<C { sum += parameters[weight][k * C + c] * x[n * C + c] }
                        y[n * layer.map.C + k] = sum
                    }
                }
            case .selectFrames, .swish, .sigmoid, .multiplyChannels, .concatenate, .attention, .dropout, .softmaxMean:
                preconditionFailure("no reference for \(layer.operation)")
            }
            tensors.append(y)
        }
        return tensors
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

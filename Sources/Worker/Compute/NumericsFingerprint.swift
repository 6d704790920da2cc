package import Faults
package import Kernels
internal import Models
internal import Storage

/// What the kernels of this build compute: a digest of the gradients of a small network, and of all passes over small
/// layers of every kind, of which a network has only some. A build whose additions have another order has another
/// fingerprint, and its workers cannot join a run of this one.
///
/// - Throws: `Fault` when the instruction set or the choice is not to be had here.
package func numericsFingerprint(
    _ instructionSet: InstructionSet, _ convolution: Convolution.Choice,
    layers: [LayerShapes.Named] = LayerShapes.telling
) throws(Fault) -> String {
    var hasher = Digest.Hasher()
    let pool = ThreadPool(threads: 1)
    // Most maps are too small for Winograd's convolution to be chosen; the run's own may not be. The first are large enough
    // for its usual way, the others take that of late layers.
    let choice = convolution == .auto ? .preferring("winograd") : convolution
    let network = try NetworkDescription(named: "r2plus1d-10", classes: 5, frames: 4, size: 32)
    let pass = try TrainingPass(network, N: 2, pool: pool, instructionSet: instructionSet, implementation: choice)
    for index in network.parameters.indices {
        pass.setParameter(index, network.initialValue(parameter: index, seed: 1))
    }
    for i in pass.input.indices { pass.input[i] = sawtooth(i) }
    _ = pass.run(labels: [1, 3]) { _, gradient in hasher.update(UnsafeRawBufferPointer(gradient)) }
    for layer in layers {
        try add(try Convolution(layer.shape, instructionSet: instructionSet, implementation: choice), pool, to: &hasher)
    }
    return "\(hasher.finish())"
}

/// Anything that is not constant will do, and this needs no generator.
private func sawtooth(_ i: Int) -> Float { Float((i &* 37) % 255) / 64 - 2 }

/// Adds what a layer's three passes compute of one clip, and the sums that a batch norm behind it takes.
private func add(_ layer: Convolution, _ pool: ThreadPool, to hasher: inout Digest.Hasher) throws(Fault) {
    let shape = layer.shape
    func floats(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * max(count, 1), alignment: 64)
        let floats = memory.bindMemory(to: Float.self)
        for i in floats.indices { floats[i] = sawtooth(i) }
        return floats
    }
    let (x, y) = (floats(shape.inputCount), floats(shape.outputCount))
    let w = floats(shape.weightCount)
    let packed = floats(max(layer.packedCount(.forward), layer.packedCount(.backwardData)))
    let scratch = floats(layer.scratchCount(N: 1, threads: 1, statistics: true))
    let statistics = UnsafeMutableBufferPointer<Double>.allocate(capacity: 2 * shape.K)
    defer {
        for memory in [x, y, w, packed, scratch] { memory.deallocate() }
        statistics.deallocate()
    }
    layer.pack(weights: w.baseAddress!, into: packed.baseAddress!, for: .forward, pool: pool)
    layer.forward(
        N: 1, x: x.baseAddress!, packed: packed.baseAddress!, y: y.baseAddress!,
        epilogue: Epilogue(statistics: statistics.baseAddress!), scratch: scratch.baseAddress!, pool: pool)
    hasher.update(UnsafeRawBufferPointer(y))
    hasher.update(UnsafeRawBufferPointer(statistics))
    layer.pack(weights: w.baseAddress!, into: packed.baseAddress!, for: .backwardData, pool: pool)
    layer.backwardWeights(
        N: 1, x: x.baseAddress!, dy: y.baseAddress!, dw: w.baseAddress!, scratch: scratch.baseAddress!, pool: pool)
    hasher.update(UnsafeRawBufferPointer(w))
    layer.backwardData(
        N: 1, dy: y.baseAddress!, packed: packed.baseAddress!, dx: x.baseAddress!, accumulate: false,
        scratch: scratch.baseAddress!, pool: pool)
    hasher.update(UnsafeRawBufferPointer(x))
}

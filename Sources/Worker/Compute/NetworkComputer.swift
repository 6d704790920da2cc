internal import Faults
internal import Kernels
internal import Models
internal import Training
internal import Wire

/// A clip ready to be computed.
struct DecodedClip: Sendable {
    /// T H W C, f32, normalised.
    var values: Payload
    var label: Int
    /// What stood in for what, if the clip that the order wanted does not decode.
    var substitute: Substitute?
}

/// Computes gradient units with a network: belongs to the compute thread.
///
/// A unit's gradient is a pure function of (weights, clips, seed, step, unit): the same bits for any number of threads.
final class NetworkComputer {
    private let job: TrainingJob
    private let pass: TrainingPass
    private let clips: DecodeAhead<DecodedClip>
    private let memory: PayloadPool

    init(
        job: TrainingJob, instructionSet: InstructionSet, threads: Int, clips: DecodeAhead<DecodedClip>,
        memory: PayloadPool
    ) throws(Fault) {
        self.job = job
        self.clips = clips
        self.memory = memory
        pass = try TrainingPass(
            job.network, N: job.recipe.batch.clipsPerUnit, pool: ThreadPool(threads: threads),
            instructionSet: instructionSet, implementation: job.convolution)
    }

    /// Takes over a chunk's weights. Running statistics are not computed with, and ignored.
    func load(chunk number: Int, _ weights: Payload) {
        guard case .parameter(let index, let range) = job.plan.chunks[number].content else { return }
        pass.setParameter(index, range: range, bytes: UnsafeRawBufferPointer(weights.bytes))
    }

    /// Computes one unit.
    /// - Parameter onGradient: gets each chunk's gradient as soon as it is final, deepest layers first, then each
    ///   batch-norm layer's f64 means and variances.
    /// - Throws: the fault of a clip that could not be read here (its bytes are not what they should be, or the disk
    ///   failed); a clip that merely does not decode is replaced by rule instead.
    func compute(step: Int, unit: Int, onGradient: (_ chunk: Int, Payload) -> Void) throws(Fault) -> UnitRecord {
        var labels: [Int] = []
        var substitutes: [Substitute] = []
        let size = job.network.inputs[0].count
        for (i, position) in job.positions(step: step, unit: unit).enumerated() {
            let clip = try clips.take(position).get()
            labels.append(clip.label)
            if let substitute = clip.substitute { substitutes.append(substitute) }
            let values = UnsafeRawBufferPointer(clip.values.bytes)
            precondition(values.count == size * MemoryLayout<Float>.stride, "a clip of another size")
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(pass.input)[(i * values.count)...])
                .copyMemory(from: values)
        }
        let result = pass.run(labels: labels) { parameter, gradient in
            for number in job.plan.chunks(ofParameter: parameter) {
                guard case .parameter(_, let range) = job.plan.chunks[number].content else { continue }
                let slice = UnsafeBufferPointer(rebasing: gradient[range])
                onGradient(number, memory.payload(copying: UnsafeRawBufferPointer(slice)))
            }
        }
        for index in job.network.statistics.indices {
            onGradient(
                job.plan.chunk(ofStatistics: index),
                memory.payload(copying: Array(pass.mean(index)) + Array(pass.variance(index))))
        }
        return UnitRecord(unit: unit, loss: result.loss, correct: result.correct, substitutes: substitutes)
    }

    /// These units of a step come next.
    func prefetch(step: Int, units: Range<Int>) {
        let units = units.clamped(to: 0..<job.recipe.batch.units)
        clips.prefetch(units.flatMap { job.positions(step: step, unit: $0) }, step: step)
    }
}

extension TrainingJob {
    /// The convolutions that `numerics.convolution` asks for.
    var convolution: Convolution.Choice {
        recipe.numerics.convolution == "auto" ? .auto : .named(recipe.numerics.convolution)
    }
}

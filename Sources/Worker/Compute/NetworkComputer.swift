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
final class NetworkComputer: UnitComputing {
    private let job: TrainingJob
    private let pass: TrainingPass
    private let clips: DecodeAhead<DecodedClip>

    init(
        job: TrainingJob, instructionSet: InstructionSet, pool: ThreadPool, recomputes: Bool,
        clips: DecodeAhead<DecodedClip>
    ) throws(Fault) {
        self.job = job
        self.clips = clips
        pass = try TrainingPass(
            job.network, N: job.recipe.batch.clipsPerUnit, pool: pool,
            instructionSet: instructionSet, implementation: job.convolution,
            normalisation: job.recipe.optimizer.freezesStatistics ? .running : .batch,
            frozen: job.plan.parameters.map(\.isFrozen),
            policy: .ofWorker(recomputes: recomputes, units: job.recipe.batch.units))
    }

    deinit { clips.close() }

    func load(parameter: Int, elements: Range<Int>, _ bytes: UnsafeRawBufferPointer) {
        pass.setParameter(parameter, range: elements, bytes: bytes)
    }

    func load(statistics layer: Int, _ bytes: UnsafeRawBufferPointer) {
        let values = (0..<bytes.count / MemoryLayout<Float>.stride).map {
            bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Float>.stride, as: Float.self)
        }
        let C = job.network.statistics[layer].C
        pass.setStatistics(layer, mean: Array(values[..<C]), variance: Array(values[C...]))
    }

    func compute(step: Int, unit: Int, sink: GradientSink) throws(Fault) -> UnitRecord {
        var labels: [Int] = []
        var substitutes: [Substitute] = []
        for (i, position) in job.positions(step: step, unit: unit).enumerated() {
            let clip = try clips.take(position).get()
            labels.append(clip.label)
            if let substitute = clip.substitute { substitutes.append(substitute) }
            let values = UnsafeRawBufferPointer(clip.values.bytes)
            precondition(
                values.count == job.network.input.count * MemoryLayout<Float>.stride, "another clip's size")
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(pass.input)[(i * values.count)...])
                .copyMemory(from: values)
        }
        let recipe = job.recipe
        let mix = recipe.mixing.mix(
            seed: recipe.seed, position: job.positions(step: step, unit: unit).lowerBound, height: recipe.input.crop,
            width: recipe.input.crop)
        mix.apply(
            to: pass.input, N: recipe.batch.clipsPerUnit, T: recipe.input.frames, H: recipe.input.crop,
            W: recipe.input.crop)
        let targets = SoftTargets.rows(
            labels: labels, classes: job.network.classes, smoothing: recipe.loss.labelSmoothing, share: mix.share)
        // What counts as correct is the label with the larger share.
        let counted = mix.share >= 0.5 ? labels : labels.reversed()
        let draws = ClipDraws(seed: job.recipe.seed, positions: job.positions(step: step, unit: unit))
        let result = pass.run(labels: counted, targets: targets, draws: draws) { parameter, gradient in
            sink.gradient(parameter: parameter, gradient)
        }
        for layer in job.network.statistics.indices where !job.plan.statistics[layer].isFrozen {
            pass.mean(layer).withUnsafeBufferPointer { means in
                pass.variance(layer).withUnsafeBufferPointer { variances in
                    sink.statistics(layer: layer, means: means, variances: variances)
                }
            }
        }
        return UnitRecord(unit: unit, loss: result.loss, correct: result.correct, substitutes: substitutes)
    }

    func prefetch(step: Int, units: Range<Int>) {
        let units = units.clamped(to: 0..<job.recipe.batch.units)
        clips.prefetch(units.flatMap { job.positions(step: step, unit: $0) }, step: step)
    }

    /// What share of a unit's forward arithmetic runs a second time, for backward.
    var recomputedShare: Double { Double(pass.recomputedMacs) / Double(job.network.macs) }

    var decodedAhead: Int { clips.decodedCount }
    var decoding: DecodingTimes { clips.times }
}

extension TrainingJob {
    /// The convolutions that `numerics.convolution` asks for.
    var convolution: Convolution.Choice {
        recipe.numerics.convolution == "auto" ? .auto : .preferring(recipe.numerics.convolution)
    }
}

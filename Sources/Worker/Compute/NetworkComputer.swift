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
    private let schedule: StepSchedule
    private let passes: ShapedPasses
    private let clips: DecodeAhead<DecodedClip>
    private let decodeThreads: Int

    init(
        job: TrainingJob, schedule: StepSchedule, instructionSet: InstructionSet, pool: ThreadPool, recomputes: Bool,
        clips: DecodeAhead<DecodedClip>, decodeThreads: Int
    ) throws(Fault) {
        self.job = job
        self.schedule = schedule
        self.clips = clips
        self.decodeThreads = decodeThreads
        passes = try ShapedPasses(
            job: job, batches: schedule.batches, instructionSet: instructionSet, pool: pool, recomputes: recomputes)
    }

    deinit { clips.close() }

    func load(parameter: Int, elements: Range<Int>, _ bytes: UnsafeRawBufferPointer) {
        passes.load(parameter: parameter, elements: elements, bytes)
    }

    func load(statistics layer: Int, _ bytes: UnsafeRawBufferPointer) {
        let values = (0..<bytes.count / MemoryLayout<Float>.stride).map {
            bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Float>.stride, as: Float.self)
        }
        let C = job.network.statistics[layer].C
        passes.load(statistics: layer, mean: Array(values[..<C]), variance: Array(values[C...]))
    }

    func compute(step: Int, unit: Int, sink: GradientSink) throws(Fault) -> UnitRecord {
        let batch = schedule.batch(step)
        let pass = try passes.pass(batch)
        let positions = schedule.positions(step: step, unit: unit)
        var means = GroupMeans(groups: batch.groups)
        var record = UnitRecord(unit: unit, loss: 0, correct: 0, substitutes: [])
        for group in 0..<batch.groups {
            let isLast = group == batch.groups - 1
            let first = positions.lowerBound + UInt64(group * batch.clipsPerGroup)
            let result = try run(
                pass, batch, positions: first..<first + UInt64(batch.clipsPerGroup), record: &record
            ) { parameter, gradient in
                means.add(gradient: gradient, of: parameter, last: isLast) {
                    sink.gradient(parameter: parameter, $0)
                }
            }
            record.loss += result.loss
            record.correct += result.correct
            for layer in job.network.statistics.indices where !job.plan.statistics[layer].isFrozen {
                means.add(means: pass.mean(layer), variances: pass.variance(layer), of: layer, last: isLast) {
                    means, variances in
                    means.withUnsafeBufferPointer { means in
                        variances.withUnsafeBufferPointer { variances in
                            sink.statistics(layer: layer, means: means, variances: variances)
                        }
                    }
                }
            }
        }
        if batch.groups > 1 { record.loss /= Double(batch.groups) }
        return record
    }

    /// Computes one batch-norm group: the clips at `positions`. What stood in for what goes into `record`.
    private func run(
        _ pass: TrainingPass, _ batch: StepBatch, positions: Range<UInt64>, record: inout UnitRecord,
        onGradient: (_ parameter: Int, _ gradient: UnsafeBufferPointer<Float>) -> Void
    ) throws(Fault) -> TrainingPass.Result {
        var labels: [Int] = []
        for (i, position) in positions.enumerated() {
            let clip = try clips.take(position).get()
            labels.append(clip.label)
            if let substitute = clip.substitute { record.substitutes.append(substitute) }
            let values = UnsafeRawBufferPointer(clip.values.bytes)
            precondition(
                values.count == pass.network.input.count * MemoryLayout<Float>.stride, "another clip's size")
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(pass.input)[(i * values.count)...])
                .copyMemory(from: values)
        }
        let (recipe, clip) = (job.recipe, batch.clip)
        let mix = recipe.mixing.mix(
            seed: recipe.seed, position: positions.lowerBound, height: clip.crop, width: clip.crop)
        mix.apply(to: pass.input, N: labels.count, T: clip.frames, H: clip.crop, W: clip.crop)
        let targets = SoftTargets.rows(
            labels: labels, classes: job.network.classes, smoothing: recipe.loss.labelSmoothing, share: mix.share)
        // What counts as correct is the label with the larger share.
        let counted = mix.share >= 0.5 ? labels : labels.reversed()
        return pass.run(
            labels: counted, targets: targets, draws: ClipDraws(seed: recipe.seed, positions: positions),
            onGradient: onGradient)
    }

    func prefetch(step: Int, units: Range<Int>) {
        let units = units.clamped(to: 0..<schedule.units)
        // Small clips are many: as many are kept as two units have.
        clips.prefetch(
            units.flatMap { schedule.positions(step: step, unit: $0) }, step: step,
            capacity: Self.capacity(schedule.batch(step).clipsPerUnit, decodeThreads: decodeThreads))
    }

    /// Clips that are kept decoded.
    static func capacity(_ clipsPerUnit: Int, decodeThreads: Int) -> Int { max(2 * clipsPerUnit, 4) + decodeThreads }

    /// What share of a unit's forward arithmetic runs a second time, for backward.
    var recomputedShare: Double { passes.recomputedShare }

    var decodedAhead: Int { clips.decodedCount }
    var decoding: DecodingTimes { clips.times }
}

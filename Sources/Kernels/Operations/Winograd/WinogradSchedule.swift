/// A way to go through Winograd's forward or backward-data: who makes the transformed weights, and when, and which tiles
/// are multiplied together. What it has in common with the others is in `WinogradTransforms`.
protocol WinogradSchedule: ConvolutionProduct {
    var transforms: WinogradTransforms { get }

    /// - Parameter scratch: what `scratchCount` asks for but `jobFloats`.
    func run(_ job: WinogradJob, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool)
}

/// What a run computes, whatever its schedule.
struct WinogradJob {
    let N: Int
    let source: UnsafePointer<Float>
    let prologue: Prologue?
    /// What stands for pixels outside the source.
    let padding: UnsafePointer<Float>
    /// As the schedule packs them.
    let weights: UnsafePointer<Float>
    let target: UnsafeMutablePointer<Float>
    /// What stands for the patch that a row does not see through a tap: of a frame outside the source, or of another phase.
    let zeros: UnsafePointer<Float>
    let accumulate: Bool
    let epilogue: EpilogueRun?
}

extension WinogradSchedule {
    var appliesPrologue: Bool { true }

    /// Floats of scratch that a job takes, whatever N.
    var jobFloats: Int {
        Carving.rounded(transforms.plan.C) + Carving.rounded(transforms.patchPitch)
    }

    func run(
        N: Int, source: UnsafePointer<Float>, packed: UnsafePointer<Float>, target: UnsafeMutablePointer<Float>,
        accumulate: Bool, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        start(
            N: N, source: source, prologue: nil, packed: packed, target: target, accumulate: accumulate, epilogue: nil,
            scratch: scratch, pool: pool)
    }

    func run(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, epilogue: EpilogueRun?, scratch: UnsafeMutablePointer<Float>,
        pool: ThreadPool
    ) {
        start(
            N: N, source: source, prologue: prologue, packed: packed, target: target, accumulate: false,
            epilogue: epilogue, scratch: scratch, pool: pool)
    }

    private func start(
        N: Int, source: UnsafePointer<Float>, prologue: Prologue?, packed: UnsafePointer<Float>,
        target: UnsafeMutablePointer<Float>, accumulate: Bool, epilogue: EpilogueRun?,
        scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
    ) {
        let channels = transforms.plan.C
        var carving = Carving(scratch)
        let padding: UnsafeMutablePointer<Float> = carving.take(channels)
        WinogradPlan.fillPadding(padding, count: channels, prologue)
        let zeros: UnsafeMutablePointer<Float> = carving.take(transforms.patchPitch)
        zeros.update(repeating: 0, count: transforms.patchPitch)
        let job = WinogradJob(
            N: N, source: source, prologue: prologue, padding: padding, weights: packed, target: target,
            zeros: zeros, accumulate: accumulate, epilogue: epilogue)
        run(job, scratch: carving.rest, pool: pool)
    }
}

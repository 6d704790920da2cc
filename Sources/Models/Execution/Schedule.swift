/// When a pass runs its kernels, in steps of time.
///
/// Forward takes the steps 0..<E, the loss step E. Behind it every kernel runs backward, the last one first, in two steps:
/// convolutions compute their weights' gradient before their input's. The kernels of a segment that are recomputed run
/// forward once more, a step each, when the segment's last kernel is about to run backward.
struct Schedule {
    enum Work: Equatable {
        /// The kernel forward a second time: what it made was not kept.
        case recompute(Int)
        case backward(Int)
    }

    /// What is done behind the loss, in order, with the first step that it takes.
    private(set) var behindLoss: [(step: Int, work: Work)] = []
    /// The last step of all, when nothing is left to do but to read results.
    let end: Int

    /// Forward alone.
    init(forward kernels: Int) { end = kernels }

    /// A step of training.
    init(training kernels: Int, recomputing segments: [RecomputedSegment]) {
        var step = kernels + 1
        for index in (0..<kernels).reversed() {
            for segment in segments where segment.kernels.last == index {
                for kernel in segment.recomputed {
                    behindLoss.append((step, .recompute(kernel)))
                    step += 1
                }
            }
            behindLoss.append((step, .backward(index)))
            step += 2
        }
        end = step - 1
    }
}

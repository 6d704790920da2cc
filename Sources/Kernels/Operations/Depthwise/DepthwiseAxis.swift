/// One dimension of a depthwise convolution, forward or backward-data: which source coordinates a target coordinate sees.
///
/// With a stride, backward-data falls apart into phases: target coordinates that see the same taps. Within a phase the
/// taps are sorted by the source coordinate that they read, one after the other.
struct DepthwiseAxis: Sendable {
    /// Target coordinates `i * targetStride + offset`; the first tap of each reads `i * sourceStride + first`.
    struct Phase: Sendable {
        let offset: Int
        /// How many target coordinates it has.
        let count: Int
        let first: Int
        let taps: Int
        /// Its first tap among those of all phases, as they are packed.
        let place: Int

        /// The taps of a target coordinate, `source` its first one's, that do not lie in the padding.
        func inside(_ source: Int, of length: Int) -> Range<Int> {
            let begin = min(max(-source, 0), taps)
            return begin..<max(min(taps, length - source), begin)
        }

        /// Its coordinates whose taps all lie inside, or at most `beyond` into the padding.
        func inside(sourceStride: Int, of length: Int, beyond: Int) -> Range<Int> {
            let begin = min(max((sourceStride - 1 - beyond - first) / sourceStride, 0), count)
            let room = length + beyond - taps - first
            return begin..<max(min(room < 0 ? 0 : room / sourceStride + 1, count), begin)
        }
    }

    let phases: [Phase]
    let sourceStride: Int
    let targetStride: Int
    /// Source coordinates.
    let length: Int
    /// For each place in the packed weights the place in the kernel.
    let order: [Int]

    static func forward(kernel: Int, stride: Int, padding: Int, input: Int, output: Int) -> DepthwiseAxis {
        DepthwiseAxis(
            phases: [Phase(offset: 0, count: output, first: -padding, taps: kernel, place: 0)], sourceStride: stride,
            targetStride: 1, length: input, order: Array(0..<kernel))
    }

    static func backwardData(kernel: Int, stride: Int, padding: Int, input: Int, output: Int) -> DepthwiseAxis {
        var phases: [Phase] = []
        var order: [Int] = []
        for offset in 0..<min(stride, input) {
            let taps = (0..<kernel).reversed().filter { (offset + padding - $0) % stride == 0 }
            phases.append(
                Phase(
                    offset: offset, count: (input - offset + stride - 1) / stride,
                    first: taps.isEmpty ? 0 : (offset + padding - taps[0]) / stride, taps: taps.count,
                    place: order.count))
            order += taps
        }
        // Taps that no phase sees still have a place.
        order += (0..<kernel).filter { !order.contains($0) }
        return DepthwiseAxis(
            phases: phases, sourceStride: 1, targetStride: stride, length: output, order: order)
    }

    /// The T, H and W of a pass.
    static func three(_ s: ConvolutionShape, _ pass: Convolution.Pass) -> (t: Self, h: Self, w: Self) {
        let make = pass == .forward ? forward : backwardData
        return (
            make(s.kernel.t, s.stride.t, s.padding.t, s.input.t, s.output.t),
            make(s.kernel.h, s.stride.h, s.padding.h, s.input.h, s.output.h),
            make(s.kernel.w, s.stride.w, s.padding.w, s.input.w, s.output.w)
        )
    }

    /// What target coordinate `target` sees: its first tap's source coordinate, the taps that are inside, and the first
    /// tap's place in the packed weights.
    func reach(_ target: Int) -> (source: Int, taps: Range<Int>, place: Int) {
        let phase = phases[target % targetStride]
        let source = target / targetStride * sourceStride + phase.first
        return (source, phase.inside(source, of: length), phase.place)
    }
}

/// The geometry of a convolution written as "each target pixel gathers the source pixels under its taps": the output
/// from the input (forward), or the input's gradient from the output's (backward-data).
///
/// With a stride, backward-data falls apart into phases: target pixels that see the same taps.
struct GatherPlan: Sendable {
    /// The source pixel of target grid pixel (t, h, w) is `(t, h, w) * sourceStride + (t, h, w of the tap)`.
    struct Tap: Sendable {
        let t: Int
        let h: Int
        let w: Int
        /// Its place in the packed weights.
        let index: Int32
    }

    /// Target pixels `grid * targetStride + offset`.
    struct Phase: Sendable {
        let grid: Extent3
        let offset: Extent3
        let taps: [Tap]
        /// t, h, w and index of each of them, as the micro-kernel reads them.
        let tapNumbers: [Int]

        init(grid: Extent3, offset: Extent3, taps: [Tap]) {
            (self.grid, self.offset, self.taps) = (grid, offset, taps)
            tapNumbers = taps.flatMap { [$0.t, $0.h, $0.w, Int($0.index)] }
        }
    }

    let phases: [Phase]
    let sourceStride: Extent3
    let targetStride: Extent3
    let source: Extent3
    let target: Extent3
    /// Floats from one source pixel to the next.
    let sourcePitch: Int
    /// Floats that each tap contributes.
    let length: Int
    /// Where in the kernel, or in its rows, each tap of the packed weights comes from. Taps that only padding would see
    /// are left out: in a map of one frame, two thirds of a kernel.
    let places: [Int]
    /// Taps in the packed weights.
    var tapCount: Int { places.count }
    /// Columns of the product: the target's channels.
    let columns: Int
    /// Source rows are copied with this many zero pixels on either side; 0: the source is used where it is.
    let rowPadding: Int

    /// With so few input channels a whole row of the kernel is one tap: short sums would leave the tiles waiting.
    static func joinsRows(_ s: ConvolutionShape) -> Bool { s.C < 16 && s.kernel.w > 1 }

    /// Whether a tap `offset` before or behind the first place of any of `grid` places lies in 0..<length.
    private static func sees(_ offset: Int, grid: Int, stride: Int, length: Int) -> Bool {
        (0..<grid).contains { (0..<length).contains($0 * stride + offset) }
    }

    /// - Parameter keepsAll: also the taps that only padding would see.
    static func forward(_ s: ConvolutionShape, keepsAll: Bool = false) -> GatherPlan {
        let joined = joinsRows(s)
        let kernelWidth = joined ? 1 : s.kernel.w
        var taps: [Tap] = []
        var places: [Int] = []
        for t in 0..<s.kernel.t {
            for h in 0..<s.kernel.h {
                for w in 0..<kernelWidth {
                    let tap = Tap(
                        t: t - s.padding.t, h: h - s.padding.h, w: joined ? 0 : w - s.padding.w,
                        index: Int32(taps.count))
                    let seen =
                        sees(tap.t, grid: s.output.t, stride: s.stride.t, length: s.input.t)
                        && sees(tap.h, grid: s.output.h, stride: s.stride.h, length: s.input.h)
                        && (joined || sees(tap.w, grid: s.output.w, stride: s.stride.w, length: s.input.w))
                    guard seen || keepsAll else { continue }
                    taps.append(tap)
                    places.append((t * s.kernel.h + h) * kernelWidth + w)
                }
            }
        }
        return GatherPlan(
            phases: [Phase(grid: s.output, offset: Extent3(0, 0, 0), taps: taps)],
            sourceStride: s.stride, targetStride: Extent3(1, 1, 1),
            source: Extent3(s.input.t, s.input.h, s.input.w + (joined ? 2 * s.padding.w : 0)),
            target: s.output, sourcePitch: s.C, length: joined ? s.C * s.kernel.w : s.C,
            places: places, columns: s.K, rowPadding: joined ? s.padding.w : 0)
    }

    static func backwardData(_ s: ConvolutionShape) -> GatherPlan {
        /// The taps of one dimension that reach target phase `phase`, with the source offset of each.
        func reach(_ phase: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> [(tap: Int, offset: Int)] {
            (0..<kernel).filter { (phase + padding - $0) % stride == 0 }.map { ($0, (phase + padding - $0) / stride) }
        }
        var phases: [Phase] = []
        /// Kernel places that some target pixel sees, and each one's number in the packed weights.
        var places: [Int] = []
        var numbers: [Int: Int32] = [:]
        for t in 0..<min(s.stride.t, s.input.t) {
            for h in 0..<min(s.stride.h, s.input.h) {
                for w in 0..<min(s.stride.w, s.input.w) {
                    let grid = Extent3(
                        (s.input.t - t + s.stride.t - 1) / s.stride.t, (s.input.h - h + s.stride.h - 1) / s.stride.h,
                        (s.input.w - w + s.stride.w - 1) / s.stride.w)
                    var taps: [Tap] = []
                    for dt in reach(t, s.kernel.t, s.stride.t, s.padding.t)
                    where sees(dt.offset, grid: grid.t, stride: 1, length: s.output.t) {
                        for dh in reach(h, s.kernel.h, s.stride.h, s.padding.h)
                        where sees(dh.offset, grid: grid.h, stride: 1, length: s.output.h) {
                            for dw in reach(w, s.kernel.w, s.stride.w, s.padding.w)
                            where sees(dw.offset, grid: grid.w, stride: 1, length: s.output.w) {
                                let place = (dt.tap * s.kernel.h + dh.tap) * s.kernel.w + dw.tap
                                let number = numbers[place] ?? Int32(places.count)
                                if numbers.updateValue(number, forKey: place) == nil { places.append(place) }
                                taps.append(Tap(t: dt.offset, h: dh.offset, w: dw.offset, index: number))
                            }
                        }
                    }
                    phases.append(Phase(grid: grid, offset: Extent3(t, h, w), taps: taps))
                }
            }
        }
        return GatherPlan(
            phases: phases, sourceStride: Extent3(1, 1, 1), targetStride: s.stride, source: s.output,
            target: s.input, sourcePitch: s.K, length: s.K, places: places, columns: s.C, rowPadding: 0)
    }
}

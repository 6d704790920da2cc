/// How the planes of a clip's input lie, `[T][row][channel][phase][pixel]`: padded in space with zeros, and with a stride s
/// every s-th pixel of a row in a plane of its own, so that neighbours of the output see neighbours there.
struct PixelPlanes: Sendable {
    let shape: ConvolutionShape
    /// Vectors of a row of the output; the last may be filled up.
    let vectors: Int
    /// Floats of a plane, and of the planes of a row.
    private let pitch: Int
    let rowPitch: Int
    /// Rows of a frame.
    private let rows: Int
    /// Whose squares turn a row: a step of the stride has 8 values at most.
    private let squares: MicroKernelTable
    /// Where the pixels of each tap `[h][c][w]` of one frame begin, seen from where the first tap's do.
    let taps: [Int]

    init(_ shape: ConvolutionShape, _ instructionSet: InstructionSet) {
        self.shape = shape
        let lanes = MicroKernelTable.table(for: instructionSet).lanes
        squares = .table(for: min(instructionSet, .avx2))
        let (kernel, stride) = (shape.kernel, shape.stride)
        vectors = (shape.output.w + lanes - 1) / lanes
        let pitch = Carving.rounded(vectors * lanes + (kernel.w - 1) / stride.w)
        let rowPitch = shape.C * stride.w * pitch
        self.pitch = pitch
        self.rowPitch = rowPitch
        rows = (shape.output.h - 1) * stride.h + kernel.h
        taps = (0..<kernel.h).flatMap { h in
            (0..<shape.C).flatMap { c in
                (0..<kernel.w).map { w in h * rowPitch + (c * stride.w + w % stride.w) * pitch + w / stride.w }
            }
        }
    }

    private var framePitch: Int { rows * rowPitch }
    /// Floats of one clip.
    var count: Int { shape.input.t * framePitch }

    /// Taps in time that look at a frame of the input from frame `t` of the output.
    func frames(_ t: Int) -> Range<Int> {
        let first = t * shape.stride.t - shape.padding.t
        return min(max(-first, 0), shape.kernel.t)..<max(min(shape.input.t - first, shape.kernel.t), 0)
    }

    /// Where the first tap's pixels begin for row `h` of frame `t` of the output, at tap `dt` in time.
    func place(t: Int, dt: Int, h: Int) -> Int {
        (t * shape.stride.t - shape.padding.t + dt) * framePitch + h * shape.stride.h * rowPitch
    }

    /// Rows that a task copies.
    private static let rowsTogether = 16

    /// Each thread's memory: pixels to turn, where they go, and where what is no pixel of theirs goes.
    struct Workspace: ThreadMemory {
        let from: UnsafeMutablePointer<UnsafePointer<Float>>
        let to: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
        let nowhere: UnsafeMutablePointer<Float>

        init(_ planes: PixelPlanes, _ carving: inout Carving) {
            from = carving.take(planes.squares.lanes)
            to = carving.take(planes.squares.lanes)
            nowhere = carving.take(planes.pitch)
        }
    }

    /// Floats that copying takes besides the planes.
    func scratchCount(threads: Int) -> Int { threads * Workspace.floats(self) }

    /// Writes the planes of one clip; all frames of some rows before those of the next, as they are read.
    func copy(
        _ x: UnsafePointer<Float>, to planes: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        _ pool: ThreadPool
    ) {
        let bands = (rows + Self.rowsTogether - 1) / Self.rowsTogether
        Workspace.run(self, shape.input.t * bands, in: scratch, pool) { task, space in
            let (t, first) = (task % shape.input.t, task / shape.input.t * Self.rowsTogether)
            for row in first..<min(first + Self.rowsTogether, rows) {
                let to = planes + t * framePitch + row * rowPitch
                let h = row - shape.padding.h
                guard h >= 0, h < shape.input.h else {
                    to.update(repeating: 0, count: rowPitch)
                    continue
                }
                copyRow(x + (t * shape.input.h + h) * shape.input.w * shape.C, to, space)
            }
        }
    }

    /// Copies a row: pixels that one step of the stride passes over are turned together, as many steps at a time as a square
    /// has rows, then what is left.
    private func copyRow(_ x: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ space: Workspace) {
        let (C, W, stride, padding) = (shape.C, shape.input.w, shape.stride.w, shape.padding.w)
        let (together, side) = (C * stride, squares.lanes)
        // The last square must not read beyond the row.
        let steps = min(max((W * C - side) / together + 1, 0), pitch - (stride - 1 + padding) / stride)
        let turned = together <= side && steps > 0 ? steps / side * side : 0
        for value in 0..<(turned > 0 ? side : 0) {
            let column = value / C + padding
            space.from[value] = x + value * together
            space.to[value] =
                value < together
                ? to + (value % C * stride + column % stride) * pitch + column / stride : space.nowhere
        }
        for step in Swift.stride(from: 0, to: turned, by: side) {
            squares.transposeSquare(space.from, step * together, space.to, step)
        }
        for phase in 0..<stride {
            // The pixels of the plane that are no padding, and the first one's place in the row.
            let first = min((max(padding - phase, 0) + stride - 1) / stride, pitch)
            let column = first * stride + phase - padding
            let pixels = min(max((W - column + stride - 1) / stride, 0), pitch - first)
            let left = min(turned, pixels)
            for c in 0..<C {
                let plane = to + (c * stride + phase) * pitch
                plane.update(repeating: 0, count: first)
                var from = x + (column + left * stride) * C + c
                for pixel in first + left..<first + pixels {
                    plane[pixel] = from[0]
                    from += stride * C
                }
                (plane + first + pixels).update(repeating: 0, count: pitch - first - pixels)
            }
        }
    }
}

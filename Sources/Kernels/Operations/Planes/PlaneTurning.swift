/// Turns pixels of K channels each into a plane for each channel, and back, a square of vectors at a time.
///
/// Squares of AVX2 serve where they leave no channel over and AVX-512's would; what is left over goes value by value, for
/// what stands behind a pixel's channels is not to be read or written.
struct PlaneTurning: Sendable {
    private let K: Int
    private let kernels: MicroKernelTable
    /// Channels and pixels of a square.
    private var side: Int { kernels.lanes }
    /// Channels in whole squares.
    private var turned: Int { K / side * side }

    init(K: Int, _ instructionSet: InstructionSet) {
        self.K = K
        let avx2 = MicroKernelTable.table(for: .avx2)
        let own = MicroKernelTable.table(for: instructionSet)
        kernels = instructionSet >= .avx512 && K % own.lanes >= avx2.lanes ? avx2 : own
    }

    /// Rows to turn, and where they go.
    struct Workspace {
        let from: UnsafeMutablePointer<UnsafePointer<Float>>
        let to: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

        init(_ turning: PlaneTurning, _ carving: inout Carving) {
            from = carving.take(turning.side)
            to = carving.take(turning.side)
        }
    }

    /// Writes planes, `pitch` floats from one to the next, as pixels of K channels.
    func put(
        _ planes: UnsafePointer<Float>, pitch: Int, pixels: Int, to y: UnsafeMutablePointer<Float>, _ space: Workspace
    ) {
        let whole = pixels / side * side
        for i in 0..<side { space.to[i] = y + i * K }
        for k in stride(from: 0, to: turned, by: side) {
            for i in 0..<side { space.from[i] = planes + (k + i) * pitch }
            for pixel in stride(from: 0, to: whole, by: side) {
                kernels.transposeSquare(space.from, pixel, space.to, pixel * K + k)
            }
        }
        for pixel in 0..<pixels {
            for k in (pixel < whole ? turned : 0)..<K { y[pixel * K + k] = planes[k * pitch + pixel] }
        }
    }

    /// Writes pixels of K channels as planes, to where `channels` says for each.
    func take(
        _ y: UnsafePointer<Float>, pixels: Int, to channels: UnsafePointer<UnsafeMutablePointer<Float>>,
        _ space: Workspace
    ) {
        let whole = pixels / side * side
        for i in 0..<side { space.from[i] = y + i * K }
        for k in stride(from: 0, to: turned, by: side) {
            for pixel in stride(from: 0, to: whole, by: side) {
                kernels.transposeSquare(space.from, pixel * K + k, channels + k, pixel)
            }
        }
        for k in 0..<K {
            for pixel in (k < turned ? whole : 0)..<pixels { channels[k][pixel] = y[pixel * K + k] }
        }
    }
}

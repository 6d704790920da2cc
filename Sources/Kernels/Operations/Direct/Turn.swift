/// Turns columns of rows that lie apart into rows, a square of vectors at a time, through temporary memory that stays in
/// the first cache.
struct Turn {
    let kernels: MicroKernelTable

    /// Value i of row j, of `count` values from `source(j)` on, goes to `target(i)[j]`, where that is; rows from `valid`
    /// on are zeros. `rows` is a multiple of the lanes.
    func run(
        rows: Int, valid: Int, count: Int, source: (Int) -> UnsafePointer<Float>,
        target: (Int) -> UnsafeMutablePointer<Float>?
    ) {
        let lanes = kernels.lanes
        let pitch = Carving.odd(count)
        withUnsafeTemporaryAllocation(byteCount: 4 * (rows * pitch + max(pitch, rows)), alignment: 64) { memory in
            let stage = memory.baseAddress!.assumingMemoryBound(to: Float.self)
            let nowhere = stage + rows * pitch
            for row in 0..<rows {
                if row < valid {
                    (stage + row * pitch).update(from: source(row), count: count)
                } else {
                    (stage + row * pitch).update(repeating: 0, count: pitch)
                }
            }
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: lanes) { from in
                withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Float>.self, capacity: lanes) { to in
                    for first in stride(from: 0, to: count, by: lanes) {
                        for i in 0..<lanes { to[i] = first + i < count ? target(first + i) ?? nowhere : nowhere }
                        for row in stride(from: 0, to: rows, by: lanes) {
                            for j in 0..<lanes { from[j] = UnsafePointer(stage + (row + j) * pitch) }
                            kernels.transposeSquare(from.baseAddress!, first, to.baseAddress!, row)
                        }
                    }
                }
            }
        }
    }
}

extension MicroKernelTable {
    /// Turns rows where they lie: value k of row i goes to place `offset + i` of `to[k]`, a square of vectors at a time; rows
    /// behind the last whole square go value by value.
    /// - Parameters:
    ///   - count: of the rows.
    ///   - columns: values of a row, whole vectors; those from `valid` on are read, and must have somewhere to go.
    func turn(
        _ from: Rows, count: Int, columns: Int, valid: Int, to: UnsafePointer<UnsafeMutablePointer<Float>>,
        _ offset: Int
    ) {
        let turned = count / lanes * lanes
        for column in stride(from: 0, to: columns, by: lanes) {
            for row in stride(from: 0, to: turned, by: lanes) {
                transposeSquare(from + row, column, to + column, offset + row)
            }
        }
        for row in turned..<count {
            for k in 0..<valid { to[k][offset + row] = from[row][k] }
        }
    }
}

/// Turns columns of rows that lie apart into rows, a square of vectors at a time, through temporary memory that stays in
/// the first cache. For packing, which may allocate; where rows lie, squares would read behind the last weights.
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

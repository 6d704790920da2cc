/// Points each row of a tile at the source pixel that each tap shows it, or at `zeros` where that lies in the padding.
/// Taps that no row sees are left out; returns how many remain.
/// - Parameters:
///   - taps: t, h, w and the place in the packed weights of each tap, `tapCount` times.
///   - rows: four vectors of `matrixRows()` numbers: the source coordinates t, h and w where a tap at (0, 0, 0) looks, and
///     that pixel's number. Coordinates may lie outside; what else belongs to such a row is not looked at then.
///   - T, H, W, pitch: the source's extents, and the floats from one pixel to the next.
///   - pointers: `matrixRows()` for each remaining tap. Like both of the following it has room for all taps: those that
///     are left out are written first.
///   - numbers: which of the taps each remaining one is.
///   - indices: its place in the packed weights.
public func gatherPointers(
    taps: UnsafePointer<Int>, tapCount: Int, rows: UnsafePointer<Int>, T: Int, H: Int, W: Int, pitch: Int,
    source: UnsafePointer<Float>, zeros: UnsafePointer<Float>, pointers: UnsafeMutablePointer<UnsafePointer<Float>>,
    numbers: UnsafeMutablePointer<Int32>, indices: UnsafeMutablePointer<Int32>
) -> Int {
    let (t, h, w) = (rows.vector(0), rows.vector(tileRows), rows.vector(2 * tileRows))
    let bytes = MemoryLayout<Float>.stride &* pitch
    let first = rows.vector(3 * tileRows) &* bytes &+ Int(bitPattern: source)
    let nowhere = RowNumbers(repeating: Int(bitPattern: zeros))
    let (endT, endH, endW) = (RowNumbers(repeating: T), RowNumbers(repeating: H), RowNumbers(repeating: W))
    let none = RowNumbers(repeating: -1)
    var (tap, used) = (taps, 0)
    for number in 0..<tapCount {
        let (at, ah, aw) = (t &+ tap[0], h &+ tap[1], w &+ tap[2])
        let inside = (at .> none) .& (ah .> none) .& (aw .> none) .& (at .< endT) .& (ah .< endH) .& (aw .< endW)
        let shift = ((tap[0] &* H &+ tap[1]) &* W &+ tap[2]) &* bytes
        let chosen = nowhere.replacing(with: first &+ shift, where: inside)
        UnsafeMutableRawPointer(pointers + used &* tileRows).storeBytes(of: chosen, as: RowNumbers.self)
        numbers[used] = Int32(truncatingIfNeeded: number)
        indices[used] = Int32(truncatingIfNeeded: tap[3])
        // The next tap overwrites one that no row sees. Asked of all rows one by one only where the ends do not tell.
        let ends = chosen[0] != nowhere[0] || chosen[tileRows - 1] != nowhere[0]
        if ends || chosen != nowhere { used &+= 1 }
        tap += 4
    }
    return used
}

extension UnsafePointer<Int> {
    @inline(__always)
    fileprivate func vector(_ offset: Int) -> RowNumbers {
        UnsafeRawPointer(self + offset).loadUnaligned(as: RowNumbers.self)
    }
}

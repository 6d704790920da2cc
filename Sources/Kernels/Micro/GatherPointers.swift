/// Points each row of a tile at the source pixel that each tap shows it, or at `zeros` where that lies in the padding.
/// Taps that no row sees are left out; returns how many remain.
/// - Parameters:
///   - taps: t, h, w and the place in the packed weights of each tap, `tapCount` times.
///   - rows: four vectors of `matrixRows()` numbers: the source coordinates t, h and w where a tap at (0, 0, 0) looks, and
///     that pixel's number. Coordinates may lie outside; their pixel is not looked at then.
///   - T, H, W, pitch: the source's extents, and the floats from one pixel to the next.
///   - pointers: `matrixRows()` for each remaining tap. `places` and `indices`: the number of each in `taps`, and its place
///     in the packed weights.
public func gatherPointers(
    taps: UnsafePointer<Int>, tapCount: Int, rows: UnsafePointer<Int>, T: Int, H: Int, W: Int, pitch: Int,
    source: UnsafePointer<Float>, zeros: UnsafePointer<Float>, pointers: UnsafeMutablePointer<UnsafePointer<Float>>,
    places: UnsafeMutablePointer<Int32>, indices: UnsafeMutablePointer<Int32>
) -> Int {
    let (t, h, w) = (rows.places(0), rows.places(tileRows), rows.places(2 * tileRows))
    let bytes = MemoryLayout<Float>.stride &* pitch
    let first = rows.places(3 * tileRows) &* bytes &+ Int(bitPattern: source)
    let nowhere = Places(repeating: Int(bitPattern: zeros))
    let (endT, endH, endW) = (Places(repeating: T), Places(repeating: H), Places(repeating: W))
    let none = Places(repeating: -1)
    var (tap, used) = (taps, 0)
    for place in 0..<tapCount {
        let (at, ah, aw) = (t &+ tap[0], h &+ tap[1], w &+ tap[2])
        let inside = (at .> none) .& (ah .> none) .& (aw .> none) .& (at .< endT) .& (ah .< endH) .& (aw .< endW)
        let shift = ((tap[0] &* H &+ tap[1]) &* W &+ tap[2]) &* bytes
        let chosen = nowhere.replacing(with: first &+ shift, where: inside)
        UnsafeMutableRawPointer(pointers + used &* tileRows).storeBytes(of: chosen, as: Places.self)
        places[used] = Int32(truncatingIfNeeded: place)
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
    fileprivate func places(_ offset: Int) -> Places { UnsafeRawPointer(self + offset).loadUnaligned(as: Places.self) }
}

/// How a decoded frame must be turned to be seen upright: one of the eight symmetries of a rectangle.
///
/// The pixel seen at (x, y) is the decoded one at (y, x) if `transposed`, else at (x, y), counted from the right where
/// `mirroredX` and from below where `mirroredY` (of the decoded picture).
package struct Orientation: Equatable, Sendable {
    package var transposed = false
    package var mirroredX = false
    package var mirroredY = false

    package static let upright = Orientation()

    package init(transposed: Bool = false, mirroredX: Bool = false, mirroredY: Bool = false) {
        self.transposed = transposed
        self.mirroredX = mirroredX
        self.mirroredY = mirroredY
    }

    /// From a display matrix (`libavutil/display.h`): seen = (a·x + c·y, b·x + d·y) of the decoded, in 16.16 fixed
    /// point. Angles that are no multiple of 90° count as the nearest.
    package init(displayMatrix m: [Int32]) {
        let (a, b, c, d) = (Int64(m[0]), Int64(m[1]), Int64(m[3]), Int64(m[4]))
        if abs(a) + abs(d) >= abs(b) + abs(c) {
            self.init(mirroredX: a < 0, mirroredY: d < 0)
        } else {
            // seen x comes from decoded y with the sign of c, seen y from decoded x with the sign of b.
            self.init(transposed: true, mirroredX: b < 0, mirroredY: c < 0)
        }
    }
}

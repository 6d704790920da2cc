/// Transforms weights, `count` values side by side (a multiple of `vectorLanes()`): 9 taps in rows of 3 to 36 points
/// (`space`), or 3 taps to 6. `tapPitch` and `pointPitch` are floats from one to the next; a negative `tapPitch` turns
/// the kernel round, as backward-data wants it.
public func winogradWeights(
    space: Bool, count: Int, taps: UnsafePointer<Float>, tapPitch: Int, points: UnsafeMutablePointer<Float>,
    pointPitch: Int, work: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i < count {
        let (g, u) = (taps + i, points + i)
        if space {
            for column in 0..<3 {
                let v = pointsOfTaps(
                    (
                        g.vector(column * tapPitch), g.vector((3 + column) * tapPitch),
                        g.vector((6 + column) * tapPitch)
                    ))
                work.set(column * lanes, v.0)
                work.set((3 + column) * lanes, v.1)
                work.set((6 + column) * lanes, v.2)
                work.set((9 + column) * lanes, v.3)
                work.set((12 + column) * lanes, v.4)
                work.set((15 + column) * lanes, v.5)
            }
            for row in 0..<6 {
                let line = UnsafePointer(work) + row * 3 * lanes
                set(u, row * 6 * pointPitch, pointPitch, (line.vector(), line.vector(lanes), line.vector(2 * lanes)))
            }
        } else {
            set(u, 0, pointPitch, (g.vector(), g.vector(tapPitch), g.vector(2 * tapPitch)))
        }
        i += lanes
    }
}

@inline(__always)
private func set(_ u: UnsafeMutablePointer<Float>, _ at: Int, _ pitch: Int, _ g: Three) {
    let v = pointsOfTaps(g)
    u.set(at, v.0)
    u.set(at + pitch, v.1)
    u.set(at + 2 * pitch, v.2)
    u.set(at + 3 * pitch, v.3)
    u.set(at + 4 * pitch, v.4)
    u.set(at + 5 * pitch, v.5)
}

/// The way back, for the gradient: 36 points to 9 taps (`space`), or 6 to 3. `work` holds 18 vectors.
public func winogradWeightGradient(
    space: Bool, count: Int, points: UnsafePointer<Float>, pointPitch: Int, taps: UnsafeMutablePointer<Float>,
    tapPitch: Int, work: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i < count {
        let (u, g) = (points + i, taps + i)
        if space {
            for column in 0..<6 {
                let v = tapsOfPoints(points6(u, column * pointPitch, 6 * pointPitch))
                work.set(column * lanes, v.0)
                work.set((6 + column) * lanes, v.1)
                work.set((12 + column) * lanes, v.2)
            }
            for row in 0..<3 {
                let v = tapsOfPoints(points6(UnsafePointer(work), row * 6 * lanes, lanes))
                g.set(3 * row * tapPitch, v.0)
                g.set((3 * row + 1) * tapPitch, v.1)
                g.set((3 * row + 2) * tapPitch, v.2)
            }
        } else {
            let v = tapsOfPoints(points6(u, 0, pointPitch))
            g.set(0, v.0)
            g.set(tapPitch, v.1)
            g.set(2 * tapPitch, v.2)
        }
        i += lanes
    }
}

@inline(__always)
private func points6(_ p: UnsafePointer<Float>, _ at: Int, _ pitch: Int) -> Six {
    (
        p.vector(at), p.vector(at + pitch), p.vector(at + 2 * pitch), p.vector(at + 3 * pitch),
        p.vector(at + 4 * pitch), p.vector(at + 5 * pitch)
    )
}

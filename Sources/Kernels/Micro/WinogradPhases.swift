internal import CIntrinsics

// Winograd's convolution of kernels of three taps at a stride of two, with a padding of one. What it reads falls into two
// phases, pixels in odd places and in even ones: the odd ones meet the first and the last tap, the even ones the middle
// tap. So along one dimension a tile is F(4, 2) over the one, four outputs from five inputs with five multiplications,
// and a product with one tap over the other, which takes four of the same five points. In space that makes four phases,
// whose products are summed between the transforms: 25, 20, 20 and 16 multiplications, 81 in place of 144.
//
// The points are ±a, ±b and infinity, a = 1/2 and b = 5/4; a single tap has nothing at infinity. A patch is 5 x 5 inputs,
// of which a phase of a single tap needs four rows or columns, a tile 4 x 4 outputs, and there are 25 points, those at
// infinity last.

private let a: Float = 0.5
private let b: Float = 1.25

private typealias Five = (Lanes, Lanes, Lanes, Lanes, Lanes)

/// Bᵀ d: five inputs to five points. Those that are not at infinity do not look at the last input.
@inline(__always)
private func pointsOfInput(_ d: Five) -> Five {
    let (evenA, oddA) = (times(-b * b, d.0, plus: d.2), times(-b * b, d.1, plus: d.3))
    let (evenB, oddB) = (times(-a * a, d.0, plus: d.2), times(-a * a, d.1, plus: d.3))
    return (
        times(a, evenA, plus: oddA), times(-a, evenA, plus: oddA), times(b, evenB, plus: oddB),
        times(-b, evenB, plus: oddB), times(a * a * b * b, d.0, plus: times(-(a * a + b * b), d.2, plus: d.4))
    )
}

/// Aᵀ m: five points to four outputs.
@inline(__always)
private func outputsOfPoints(_ m: Five) -> Four {
    let (sumA, differenceA) = (m.0 + m.1, m.0 - m.1)
    let (sumB, differenceB) = (m.2 + m.3, m.2 - m.3)
    return (
        sumA + sumB, times(b, differenceB, plus: Lanes(repeating: a) * differenceA),
        times(b * b, sumB, plus: Lanes(repeating: a * a) * sumA),
        times(b * b * b, differenceB, plus: times(a * a * a, differenceA, plus: m.4))
    )
}

private let atA: Float = 1 / (2 * a * (a * a - b * b))
private let atB: Float = 1 / (2 * b * (b * b - a * a))

/// G g: two taps to five points.
@inline(__always)
private func pointsOfTaps(_ first: Lanes, _ last: Lanes) -> Five {
    let (scaleA, scaleB) = (Lanes(repeating: atA), Lanes(repeating: atB))
    return (
        times(a, last, plus: first) * scaleA, times(a, last, plus: -first) * scaleA,
        times(b, last, plus: first) * scaleB, times(b, last, plus: -first) * scaleB, last
    )
}

/// G g of a single tap: there is nothing at infinity.
@inline(__always)
private func pointsOfTap(_ g: Lanes) -> Four {
    (g * Lanes(repeating: atA), g * Lanes(repeating: -atA), g * Lanes(repeating: atB), g * Lanes(repeating: -atB))
}

// MARK: - Tiles

/// Transforms the inputs of one tile and phase: 25 pixels in rows of 5. As `winogradInput`; the first point of a row of
/// points is `5 * pitch` floats from that of the row before.
/// - Parameters:
///   - rows, columns: 5, or 4 where the phase meets a single tap: then the last pixels, and the points at infinity, are left
///     alone.
public func winogradPhaseInput(
    rows: Int, columns: Int, pixels: UnsafePointer<UnsafePointer<Float>>,
    ahead: UnsafePointer<UnsafePointer<Float>>, channels: Int, factor: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, to: UnsafeMutablePointer<Float>, pitch: Int
) {
    let vectors = (channels + lanes - 1) / lanes
    for v in 0..<vectors {
        let at = start(v, channels)
        for row in 0..<rows {
            for column in 0..<columns { zoetrope_prefetch(ahead[5 * row + column] + at) }
        }
        if let factor, let offset {
            let (f, o) = (factor.vector(at), offset.vector(at))
            switch (rows, columns) {
            case (5, 5): inputInPhase(5, 5, pixels, at, true, f, o, to + at, pitch)
            case (5, _): inputInPhase(5, 4, pixels, at, true, f, o, to + at, pitch)
            case (_, 5): inputInPhase(4, 5, pixels, at, true, f, o, to + at, pitch)
            default: inputInPhase(4, 4, pixels, at, true, f, o, to + at, pitch)
            }
        } else {
            let zero = Lanes(repeating: 0)
            switch (rows, columns) {
            case (5, 5): inputInPhase(5, 5, pixels, at, false, zero, zero, to + at, pitch)
            case (5, _): inputInPhase(5, 4, pixels, at, false, zero, zero, to + at, pitch)
            case (_, 5): inputInPhase(4, 5, pixels, at, false, zero, zero, to + at, pitch)
            default: inputInPhase(4, 4, pixels, at, false, zero, zero, to + at, pitch)
            }
        }
    }
}

@inline(__always)
private func inputInPhase(
    _ rows: Int, _ columns: Int, _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ normalises: Bool, _ f: Lanes,
    _ o: Lanes, _ to: UnsafeMutablePointer<Float>, _ pitch: Int
) {
    let zero = Lanes(repeating: 0)
    let c0 = inputColumn(rows, p, at, normalises, f, o)
    let c1 = inputColumn(rows, p + 1, at, normalises, f, o)
    let c2 = inputColumn(rows, p + 2, at, normalises, f, o)
    let c3 = inputColumn(rows, p + 3, at, normalises, f, o)
    let c4 = columns > 4 ? inputColumn(rows, p + 4, at, normalises, f, o) : (zero, zero, zero, zero, zero)
    set(columns, to, 0, pitch, pointsOfInput((c0.0, c1.0, c2.0, c3.0, c4.0)))
    set(columns, to, 5 * pitch, pitch, pointsOfInput((c0.1, c1.1, c2.1, c3.1, c4.1)))
    set(columns, to, 10 * pitch, pitch, pointsOfInput((c0.2, c1.2, c2.2, c3.2, c4.2)))
    set(columns, to, 15 * pitch, pitch, pointsOfInput((c0.3, c1.3, c2.3, c3.3, c4.3)))
    if rows > 4 { set(columns, to, 20 * pitch, pitch, pointsOfInput((c0.4, c1.4, c2.4, c3.4, c4.4))) }
}

@inline(__always)
private func inputColumn(
    _ rows: Int, _ p: UnsafePointer<UnsafePointer<Float>>, _ at: Int, _ normalises: Bool, _ f: Lanes, _ o: Lanes
) -> Five {
    let d = (
        read(p[0], at, normalises, f, o), read(p[5], at, normalises, f, o), read(p[10], at, normalises, f, o),
        read(p[15], at, normalises, f, o)
    )
    let last = rows > 4 ? read(p[20], at, normalises, f, o) : Lanes(repeating: 0)
    return pointsOfInput((d.0, d.1, d.2, d.3, last))
}

@inline(__always)
private func set(_ columns: Int, _ p: UnsafeMutablePointer<Float>, _ at: Int, _ pitch: Int, _ v: Five) {
    p.set(at, v.0)
    p.set(at + pitch, v.1)
    p.set(at + 2 * pitch, v.2)
    p.set(at + 3 * pitch, v.3)
    if columns > 4 { p.set(at + 4 * pitch, v.4) }
}

/// Transforms the 25 points of one tile to 16 pixels in rows of 4, as `winogradOutput`. `work`: 28 vectors.
public func winogradPhaseOutput(
    from: UnsafePointer<Float>, pitch: Int, channels: Int, pixels: UnsafePointer<UnsafeMutablePointer<Float>>, at: Int,
    accumulate: Bool, work: UnsafeMutablePointer<Float>
) {
    var channel = 0
    while channel < channels {
        let y = work + 24 * lanes
        for column in 0..<5 {
            let four = outputsOfPoints(five(from, channel + column * pitch, 5 * pitch))
            work.set(column * lanes, four.0)
            work.set((5 + column) * lanes, four.1)
            work.set((10 + column) * lanes, four.2)
            work.set((15 + column) * lanes, four.3)
        }
        for row in 0..<4 {
            let four = outputsOfPoints(five(UnsafePointer(work), row * 5 * lanes, lanes))
            put(four, pixels + 4 * row, at + channel, channels - channel, accumulate, y)
        }
        channel += lanes
    }
}

@inline(__always)
private func five(_ p: UnsafePointer<Float>, _ at: Int, _ pitch: Int) -> Five {
    (
        p.vector(at), p.vector(at + pitch), p.vector(at + 2 * pitch), p.vector(at + 3 * pitch),
        p.vector(at + 4 * pitch)
    )
}

// MARK: - Weights

/// Transforms weights as `winogradWeights`, 9 taps in rows of 3 to the points of four phases, `phasePitch` floats from one
/// to the next: those that meet two taps down the columns and one along the rows, two and two, one and two, one and one.
/// Points at infinity of single taps are left alone. `work` holds 27 vectors.
public func winogradPhaseWeights(
    count: Int, taps: UnsafePointer<Float>, tapPitch: Int, points: UnsafeMutablePointer<Float>, pointPitch: Int,
    phasePitch: Int, work: UnsafeMutablePointer<Float>
) {
    var i = 0
    while i < count {
        let (g, u, down) = (taps + i, points + i, UnsafePointer(work))
        for column in 0..<3 {
            let v = pointsOfTaps(g.vector(column * tapPitch), g.vector((6 + column) * tapPitch))
            let w = pointsOfTap(g.vector((3 + column) * tapPitch))
            work.set(column * lanes, v.0)
            work.set((3 + column) * lanes, v.1)
            work.set((6 + column) * lanes, v.2)
            work.set((9 + column) * lanes, v.3)
            work.set((12 + column) * lanes, v.4)
            work.set((15 + column) * lanes, w.0)
            work.set((18 + column) * lanes, w.1)
            work.set((21 + column) * lanes, w.2)
            work.set((24 + column) * lanes, w.3)
        }
        for row in 0..<5 {
            let (line, at) = (down + row * 3 * lanes, row * 5 * pointPitch)
            setTap(u, at, pointPitch, line.vector(lanes))
            setTaps(u, at + phasePitch, pointPitch, line.vector(), line.vector(2 * lanes))
        }
        for row in 0..<4 {
            let (line, at) = (down + (15 + row * 3) * lanes, row * 5 * pointPitch)
            setTaps(u, at + 2 * phasePitch, pointPitch, line.vector(), line.vector(2 * lanes))
            setTap(u, at + 3 * phasePitch, pointPitch, line.vector(lanes))
        }
        i += lanes
    }
}

@inline(__always)
private func setTaps(_ u: UnsafeMutablePointer<Float>, _ at: Int, _ pitch: Int, _ first: Lanes, _ last: Lanes) {
    set(5, u, at, pitch, pointsOfTaps(first, last))
}

@inline(__always)
private func setTap(_ u: UnsafeMutablePointer<Float>, _ at: Int, _ pitch: Int, _ g: Lanes) {
    let v = pointsOfTap(g)
    set(4, u, at, pitch, (v.0, v.1, v.2, v.3, v.3))
}

// Winograd's minimal filtering F(4, 3) in one dimension: four outputs of a three-tap filter from six inputs with six
// multiplications (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016), at the points
// 0, ±a, ±b and infinity. a = 5/8 and b = 3/2 halve the error of the usual 1 and 2, and their squares are exact in f32;
// docs/numerics.md has the comparison.
//
// With the matrices B (6x6), G (6x3) and A (6x4): y = Aᵀ((G g) * (Bᵀ x)). The gradients take the transposes:
// dg = Gᵀ((Bᵀ x) * (A dy)).

private let a: Float = 0.625
private let b: Float = 1.5

/// Six vectors: a column or a row of a patch.
typealias Six = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)
typealias Four = (Lanes, Lanes, Lanes, Lanes)
typealias Three = (Lanes, Lanes, Lanes)

@inline(__always)
func times(_ factor: Float, _ x: Lanes, plus y: Lanes) -> Lanes {
    multiplyAdd(Lanes(repeating: factor), x, y)
}

/// Two of the six points. They come in pairs that share what they compute: 0 and infinity, ±a, ±b.
typealias PointPair = (Lanes, Lanes)

/// Bᵀ x: six inputs to six points.
@inline(__always)
func pointsOfInput(_ x: Six) -> Six {
    let (ends, atA, atB) = (pointsOfInput(x, pair: 0), pointsOfInput(x, pair: 1), pointsOfInput(x, pair: 2))
    return (ends.0, atA.0, atA.1, atB.0, atB.1, ends.1)
}

/// Of Bᵀ x the points 0 and 5 (`pair` 0), 1 and 2, or 3 and 4. The last two pairs do not read the inputs 0 and 5.
@inline(__always)
func pointsOfInput(_ x: Six, pair: Int) -> PointPair {
    guard pair > 0 else {
        let (product, sum) = (a * a * b * b, -(a * a + b * b))
        return (
            times(product, x.0, plus: times(sum, x.2, plus: x.4)),
            times(product, x.1, plus: times(sum, x.3, plus: x.5))
        )
    }
    let (point, other) = pair == 1 ? (a, b) : (b, a)
    let (even, odd) = (times(-other * other, x.2, plus: x.4), times(-other * other, x.1, plus: x.3))
    return (times(point, odd, plus: even), times(-point, odd, plus: even))
}

/// Aᵀ m: six points to four outputs.
@inline(__always)
func outputsOfPoints(_ m: Six) -> Four {
    let (sumA, differenceA) = (m.1 + m.2, m.1 - m.2)
    let (sumB, differenceB) = (m.3 + m.4, m.3 - m.4)
    return (
        m.0 + sumA + sumB,
        times(b, differenceB, plus: Lanes(repeating: a) * differenceA),
        times(b * b, sumB, plus: Lanes(repeating: a * a) * sumA),
        times(b * b * b, differenceB, plus: times(a * a * a, differenceA, plus: m.5))
    )
}

/// A y: the gradients of four outputs to six points.
@inline(__always)
func pointsOfGradient(_ y: Four) -> Six {
    let (ends, atA, atB) = (
        pointsOfGradient(y, pair: 0), pointsOfGradient(y, pair: 1), pointsOfGradient(y, pair: 2)
    )
    return (ends.0, atA.0, atA.1, atB.0, atB.1, ends.1)
}

/// Of A y two points, as `pointsOfInput`.
@inline(__always)
func pointsOfGradient(_ y: Four, pair: Int) -> PointPair {
    guard pair > 0 else { return (y.0, y.3) }
    let point = pair == 1 ? a : b
    let (even, odd) = (times(point * point, y.2, plus: y.0), times(point * point, y.3, plus: y.1))
    return (times(point, odd, plus: even), times(-point, odd, plus: even))
}

private let atZero: Float = 1 / (a * a * b * b)
private let atA: Float = 1 / (2 * a * a * (a * a - b * b))
private let atB: Float = 1 / (2 * b * b * (b * b - a * a))

/// G g: three taps to six points.
@inline(__always)
func pointsOfTaps(_ g: Three) -> Six {
    let (evenA, oddA) = (times(a * a, g.2, plus: g.0), Lanes(repeating: a) * g.1)
    let (evenB, oddB) = (times(b * b, g.2, plus: g.0), Lanes(repeating: b) * g.1)
    let (scaleA, scaleB) = (Lanes(repeating: atA), Lanes(repeating: atB))
    return (
        g.0 * Lanes(repeating: atZero), (evenA + oddA) * scaleA, (evenA - oddA) * scaleA, (evenB + oddB) * scaleB,
        (evenB - oddB) * scaleB, g.2
    )
}

/// Gᵀ u: six points to the gradients of three taps.
@inline(__always)
func tapsOfPoints(_ u: Six) -> Three {
    let (scaleA, scaleB) = (Lanes(repeating: atA), Lanes(repeating: atB))
    let (sumA, differenceA) = ((u.1 + u.2) * scaleA, (u.1 - u.2) * scaleA)
    let (sumB, differenceB) = ((u.3 + u.4) * scaleB, (u.3 - u.4) * scaleB)
    return (
        times(atZero, u.0, plus: sumA + sumB),
        times(b, differenceB, plus: Lanes(repeating: a) * differenceA),
        times(b * b, sumB, plus: times(a * a, sumA, plus: u.5))
    )
}

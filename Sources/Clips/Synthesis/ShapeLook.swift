import Randomness

/// Outline, pattern and colours of a shape, in its own coordinates u and v from -1 to 1.
struct ShapeLook {
    private enum Outline: Int, CaseIterable { case disc, square, triangle, cross }
    private enum Pattern: Int, CaseIterable { case halves, stripes, checks, ring, wedge }

    private let outline: Outline
    private let pattern: Pattern
    private let light: SIMD3<Float>
    private let dark: SIMD3<Float>

    init(_ draws: Draws, at i: Int) {
        outline = Outline(rawValue: draws.integer(i, below: Outline.allCases.count)) ?? .disc
        pattern = Pattern(rawValue: draws.integer(i + 1, below: Pattern.allCases.count)) ?? .halves
        light = SIMD3(170 + 85 * draws.uniform(i + 2), 170 + 85 * draws.uniform(i + 3), 170 + 85 * draws.uniform(i + 4))
        dark = SIMD3(60 * draws.uniform(i + 5), 60 * draws.uniform(i + 6), 60 * draws.uniform(i + 7))
    }

    /// The colour at (u, v), 0 to 255 a channel; `nil` outside.
    @inline(__always)
    func color(_ u: Float, _ v: Float) -> SIMD3<Float>? {
        let inside: Bool
        switch outline {
        case .disc: inside = u * u + v * v < 1
        case .square: inside = abs(u) < 0.85 && abs(v) < 0.85
        case .triangle: inside = v < 0.7 && v > 1.8 * abs(u) - 0.95
        case .cross: inside = (abs(u) < 0.4 && abs(v) < 0.95) || (abs(v) < 0.4 && abs(u) < 0.95)
        }
        guard inside else { return nil }
        let isLight: Bool
        switch pattern {
        case .halves: isLight = u > 0
        case .stripes: isLight = (u > -0.5 && u < 0) || u > 0.5
        case .checks: isLight = (u > 0) != (v > 0)
        case .ring: isLight = u * u + v * v > 0.3 || u > 0.2
        case .wedge: isLight = u > abs(v) || u < -0.6
        }
        return isLight ? light : dark
    }
}

/// A texture that stands still: blurred patches of colour with fine grain, of less contrast than the shapes.
struct Background {
    private static let cells = 5
    private let patches: [SIMD3<Float>]
    private let grain: [Float]

    init(_ draws: Draws, at i: Int) {
        let tone = 80 + 60 * draws.uniform(i)
        patches = (0..<Self.cells * Self.cells).map { cell in
            let k = i + 4 + 4 * cell
            return SIMD3(
                tone + 50 * (draws.uniform(k) - 0.5), tone + 50 * (draws.uniform(k + 1) - 0.5),
                tone + 50 * (draws.uniform(k + 2) - 0.5))
        }
        let first = i + 4 + 4 * Self.cells * Self.cells
        grain = (0..<1024).map { 24 * (draws.uniform(first + $0) - 0.5) }
    }

    /// The colour of pixel (x, y) of a picture of `size` × `size`.
    func color(_ x: Int, _ y: Int, size: Int) -> SIMD3<Float> {
        let cell = Float(Self.cells)
        let (u, v) = ((Float(x) + 0.5) / Float(size) * cell, (Float(y) + 0.5) / Float(size) * cell)
        let (column, row) = (min(Self.cells - 1, Int(u)), min(Self.cells - 1, Int(v)))
        let (a, b) = (u - Float(column), v - Float(row))
        let (right, below) = ((column + 1) % Self.cells, (row + 1) % Self.cells)
        func patch(_ column: Int, _ row: Int) -> SIMD3<Float> { patches[row * Self.cells + column] }
        let upper = patch(column, row) * (1 - a) + patch(right, row) * a
        let lower = patch(column, below) * (1 - a) + patch(right, below) * a
        // Grains are two pixels wide, in a pattern of 32 by 32 grains.
        let grain = grain[(y / 2 % 32) * 32 + x / 2 % 32]
        return upper * (1 - b) + lower * b + SIMD3(repeating: grain)
    }
}

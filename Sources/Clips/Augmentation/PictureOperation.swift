/// An operation of RandAugment on a square picture of RGB bytes, after those of the same names in Pillow's `ImageOps` and
/// `ImageEnhance`.
package enum PictureOperation: Equatable {
    package enum Quality: Equatable { case colour, contrast, brightness, sharpness }

    /// Each channel's values from its darkest to its brightest become 0 to 255.
    case stretchContrast
    /// Each channel's histogram becomes flat.
    case equalize
    case invert
    /// Counterclockwise about the middle.
    case rotate(turns: Double)
    /// Keeps the highest bits, 0 to 8.
    case posterize(bits: Int)
    /// Values from the threshold on are inverted; or values below it get so much added, to 255 at most.
    case solarize(from: Int, adding: Int?)
    /// Away from grey, the mean, black or the blurred picture by this factor.
    case enhance(Quality, Double)
    /// Pixels move by this times their distance from the first column or row.
    case shear(x: Double, y: Double)
    /// In sides of the picture.
    case translate(x: Double, y: Double)

    /// What comes in from outside: the mean colour of PySlowFast, 0.45.
    private static let outside: Float = 115

    package func apply(to picture: inout [UInt8], side: Int) {
        switch self {
        case .stretchContrast: Self.map(&picture, Self.stretch)
        case .equalize: Self.map(&picture, Self.flat)
        case .invert: Self.map(&picture) { _ in (0..<256).map { 255 - $0 } }
        case .posterize(let bits):
            let mask = bits >= 8 ? 255 : 255 & ~((1 << (8 - bits)) - 1)
            Self.map(&picture) { _ in (0..<256).map { $0 & mask } }
        case .solarize(let threshold, let added):
            Self.map(&picture) { _ in
                (0..<256).map { value in
                    if let added { return value < threshold ? min(255, value + added) : value }
                    return value < threshold ? value : 255 - value
                }
            }
        case .enhance(let quality, let factor): Self.enhance(&picture, side, quality, Float(factor))
        case .rotate(let turns):
            let (cosine, sine) = Elementary.rotation(turns: turns)
            let middle = Double(side) / 2
            Self.move(&picture, side) { x, y in
                let (dx, dy) = (x - middle, y - middle)
                return (cosine * dx - sine * dy + middle, sine * dx + cosine * dy + middle)
            }
        case .shear(let a, let b): Self.move(&picture, side) { x, y in (x + a * y, y + b * x) }
        case .translate(let a, let b):
            Self.move(&picture, side) { x, y in (x + a * Double(side), y + b * Double(side)) }
        }
    }

    /// Replaces each channel's values by a table made of its histogram.
    private static func map(_ picture: inout [UInt8], _ table: ([Int]) -> [Int]) {
        for c in 0..<3 {
            var histogram = [Int](repeating: 0, count: 256)
            for i in stride(from: c, to: picture.count, by: 3) { histogram[Int(picture[i])] += 1 }
            let values = table(histogram).map { UInt8(clamping: $0) }
            for i in stride(from: c, to: picture.count, by: 3) { picture[i] = values[Int(picture[i])] }
        }
    }

    private static func stretch(_ histogram: [Int]) -> [Int] {
        guard let low = histogram.firstIndex(where: { $0 > 0 }), let high = histogram.lastIndex(where: { $0 > 0 }),
            low < high
        else { return Array(0..<256) }
        let scale = 255 / Double(high - low)
        return (0..<256).map { Int(min(255, max(0, Double($0) * scale - Double(low) * scale))) }
    }

    private static func flat(_ histogram: [Int]) -> [Int] {
        let used = histogram.filter { $0 > 0 }
        let step = (used.reduce(0, +) - (used.last ?? 0)) / 255
        guard used.count > 1, step > 0 else { return Array(0..<256) }
        var sum = step / 2
        return histogram.map { count in
            defer { sum += count }
            return sum / step
        }
    }

    private static func enhance(_ picture: inout [UInt8], _ side: Int, _ quality: Quality, _ factor: Float) {
        let pixels = side * side
        func grey(_ i: Int) -> Int {
            // BT.601 in integers, rounded.
            (Int(picture[3 * i]) * 19595 + Int(picture[3 * i + 1]) * 38470 + Int(picture[3 * i + 2]) * 7471 + 0x8000)
                >> 16
        }
        let source: (Int) -> Float
        switch quality {
        case .colour:
            let greys = (0..<pixels).map { Float(grey($0)) }
            source = { greys[$0 / 3] }
        case .contrast:
            let sum = (0..<pixels).reduce(0) { $0 + grey($1) }
            let mean = Float((2 * sum + pixels) / (2 * pixels))
            source = { _ in mean }
        case .brightness: source = { _ in 0 }
        case .sharpness:
            let smooth = smoothed(picture, side)
            source = { Float(smooth[$0]) }
        }
        let other = (0..<picture.count).map(source)
        for i in picture.indices {
            let value = other[i] + factor * (Float(picture[i]) - other[i])
            picture[i] = UInt8(min(255, max(0, value)))
        }
    }

    /// A mean over 3 × 3 pixels, the middle one five times; the border as it is.
    private static func smoothed(_ picture: [UInt8], _ side: Int) -> [UInt8] {
        var out = picture
        for y in 1..<max(1, side - 1) {
            for x in 1..<max(1, side - 1) {
                for c in 0..<3 {
                    var sum = 4 * Int(picture[3 * (y * side + x) + c])
                    for dy in -1...1 {
                        for dx in -1...1 { sum += Int(picture[3 * ((y + dy) * side + x + dx) + c]) }
                    }
                    out[3 * (y * side + x) + c] = UInt8((2 * sum + 13) / 26)
                }
            }
        }
        return out
    }

    /// Takes each pixel from where `source` says, in pixels' edges, between the four around it.
    private static func move(
        _ picture: inout [UInt8], _ side: Int, _ source: (_ x: Double, _ y: Double) -> (Double, Double)
    ) {
        let old = picture
        func value(_ x: Int, _ y: Int, _ c: Int) -> Float {
            x >= 0 && x < side && y >= 0 && y < side ? Float(old[3 * (y * side + x) + c]) : outside
        }
        for y in 0..<side {
            for x in 0..<side {
                var (u, v) = source(Double(x) + 0.5, Double(y) + 0.5)
                (u, v) = (u - 0.5, v - 0.5)
                let (left, top) = (Int(u.rounded(.down)), Int(v.rounded(.down)))
                let (a, b) = (Float(u - Double(left)), Float(v - Double(top)))
                for c in 0..<3 {
                    let upper = value(left, top, c) * (1 - a) + value(left + 1, top, c) * a
                    let lower = value(left, top + 1, c) * (1 - a) + value(left + 1, top + 1, c) * a
                    picture[3 * (y * side + x) + c] = UInt8(min(255, upper * (1 - b) + lower * b + 0.5))
                }
            }
        }
    }
}

/// One decoded and scaled frame, upright, 8 bits each of R, G and B.
///
/// It lends the scaler's memory: valid only until the closure that received it returns.
public struct RGBFrame {
    /// In pixels, as seen.
    public let width: Int
    public let height: Int
    private let base: UnsafePointer<UInt8>
    /// Bytes from a pixel to the one right of it and to the one below it, as seen; negative where mirrored.
    private let stepX: Int
    private let stepY: Int

    init(pixels: UnsafePointer<UInt8>, width: Int, height: Int, rowBytes: Int, orientation: Orientation) {
        // width and height are those of the decoded picture here.
        let alongX = orientation.mirroredX ? -3 : 3
        let alongY = orientation.mirroredY ? -rowBytes : rowBytes
        base =
            pixels + (orientation.mirroredX ? 3 * (width - 1) : 0)
            + (orientation.mirroredY ? rowBytes * (height - 1) : 0)
        (stepX, stepY) = orientation.transposed ? (alongY, alongX) : (alongX, alongY)
        (self.width, self.height) = orientation.transposed ? (height, width) : (width, height)
    }

    /// The R, G and B of the pixel at column `x` and row `y`.
    public subscript(x: Int, y: Int) -> SIMD3<UInt8> {
        precondition(x >= 0 && x < width && y >= 0 && y < height, "pixel (\(x), \(y)) of \(width)x\(height)")
        let p = base + (y * stepY + x * stepX)
        return SIMD3(p[0], p[1], p[2])
    }

    /// Writes the window of `columns` × `rows` as `scale[c] * value + offset[c]` into `out` (rows, columns, RGB; f32).
    /// - Parameter mirrored: right becomes left.
    public func normalize(
        columns: Range<Int>, rows: Range<Int>, mirrored: Bool, scale: SIMD3<Float>, offset: SIMD3<Float>,
        into out: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(
            columns.lowerBound >= 0 && columns.upperBound <= width && rows.lowerBound >= 0 && rows.upperBound <= height,
            "window \(columns) x \(rows) of \(width)x\(height)")
        precondition(out.count >= 3 * columns.count * rows.count, "\(out.count) floats for the window")
        guard var target = out.baseAddress else { return }
        let step = mirrored ? -stepX : stepX
        let first = mirrored ? columns.upperBound - 1 : columns.lowerBound
        for y in rows {
            var source = base + (y * stepY + first * stepX)
            for _ in 0..<columns.count {
                // Multiplication and addition apart: a fused one would round differently on other processors.
                target[0] = Float(source[0]) * scale[0] + offset[0]
                target[1] = Float(source[1]) * scale[1] + offset[1]
                target[2] = Float(source[2]) * scale[2] + offset[2]
                source += step
                target += 3
            }
        }
    }

    /// Writes rows of RGB bytes without gaps, as seen: 3 · width · height.
    func copy(to out: UnsafeMutablePointer<UInt8>) {
        var target = out
        for y in 0..<height {
            var source = base + y * stepY
            if stepX == 3 {
                target.update(from: source, count: 3 * width)
                target += 3 * width
                continue
            }
            for _ in 0..<width {
                target[0] = source[0]
                target[1] = source[1]
                target[2] = source[2]
                source += stepX
                target += 3
            }
        }
    }

    /// Rows of RGB bytes without gaps, as seen.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 3 * width * height) { out, count in
            if let first = out.baseAddress { copy(to: first) }
            count = 3 * width * height
        }
    }
}

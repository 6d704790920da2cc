import Video

/// A frame to draw on: rows of RGB bytes from the top, without gaps.
struct Picture {
    let width: Int
    let height: Int
    private(set) var bytes: [UInt8]

    /// The upper left part of a frame, which must be as large at least.
    init(_ frame: RGBFrame, width: Int, height: Int) {
        precondition(width <= frame.width && height <= frame.height, "\(width)x\(height) of a smaller frame")
        self.width = width
        self.height = height
        let all = frame.bytes
        guard width < frame.width else {
            bytes = Array(all[..<(3 * width * height)])
            return
        }
        bytes = []
        bytes.reserveCapacity(3 * width * height)
        for y in 0..<height { bytes += all[3 * y * frame.width..<3 * (y * frame.width + width)] }
    }

    subscript(x: Int, y: Int) -> SIMD3<UInt8> {
        get {
            let place = 3 * (y * width + x)
            return SIMD3(bytes[place], bytes[place + 1], bytes[place + 2])
        }
        set {
            let place = 3 * (y * width + x)
            (bytes[place], bytes[place + 1], bytes[place + 2]) = (newValue.x, newValue.y, newValue.z)
        }
    }

    /// Makes a part of the frame darker: each value a quarter of what it was.
    mutating func darken(columns: Range<Int>, rows: Range<Int>) {
        for y in rows.clamped(to: 0..<height) {
            for x in columns.clamped(to: 0..<width) { self[x, y] = self[x, y] &>> 2 }
        }
    }

    mutating func fill(columns: Range<Int>, rows: Range<Int>, _ colour: SIMD3<UInt8>) {
        for y in rows.clamped(to: 0..<height) {
            for x in columns.clamped(to: 0..<width) { self[x, y] = colour }
        }
    }

    /// Writes a line of text with its upper left corner at (`x`, `y`); what does not fit into the frame is left out.
    /// - Parameter scale: pixels for each point of a letter.
    mutating func write(_ text: String, x: Int, y: Int, scale: Int, _ colour: SIMD3<UInt8>) {
        for (number, letter) in text.uppercased().enumerated() {
            let left = x + number * (Letters.width + 1) * scale
            guard left < width else { return }
            for (row, points) in Letters.rows(letter).enumerated() {
                for column in 0..<Letters.width where points >> (Letters.width - 1 - column) & 1 == 1 {
                    fill(
                        columns: left + column * scale..<left + (column + 1) * scale,
                        rows: y + row * scale..<y + (row + 1) * scale, colour)
                }
            }
        }
    }
}

/// Pictures that follow each other, without an end: GIF89a.
///
/// All share one palette, 8 reds, 8 greens and 4 blues, with an ordered dither (Bayer, 4 × 4): good enough to see what a
/// network sees, and the same bytes for the same pictures.
public struct AnimatedGIF {
    public let width: Int
    public let height: Int
    public private(set) var bytes: [UInt8]

    /// - Parameters: `width`, `height`: 1...65535.
    public init(width: Int, height: Int) {
        precondition((1...65535).contains(width) && (1...65535).contains(height), "\(width)x\(height)")
        self.width = width
        self.height = height
        bytes = Array("GIF89a".utf8) + Self.word(width) + Self.word(height)
        // A palette of 256 for all pictures.
        bytes += [0xF7, 0, 0]
        for index in 0..<256 {
            bytes += [
                UInt8((index >> 5) * 255 / 7), UInt8((index >> 2 & 7) * 255 / 7), UInt8((index & 3) * 255 / 3),
            ]
        }
        // Begin anew for ever.
        bytes += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
    }

    /// - Parameters:
    ///   - rgb: `height` rows of `width` pixels from the top, three bytes each.
    ///   - hundredths: How long it stays, in hundredths of a second.
    public mutating func add(rgb: [UInt8], hundredths: Int) {
        precondition(rgb.count == 3 * width * height, "\(rgb.count) bytes for \(width)x\(height)")
        bytes += [0x21, 0xF9, 4, 0] + Self.word(min(65535, max(0, hundredths))) + [0, 0]
        bytes += [0x2C, 0, 0, 0, 0] + Self.word(width) + Self.word(height) + [0]
        var data = CodeStream()
        for y in 0..<height {
            for x in 0..<width {
                let place = 3 * (y * width + x)
                let threshold = Self.bayer[y & 3][x & 3]
                let red = Self.level(rgb[place], 7, threshold)
                let green = Self.level(rgb[place + 1], 7, threshold)
                let blue = Self.level(rgb[place + 2], 3, threshold)
                data.take(UInt8(red << 5 | green << 2 | blue))
            }
        }
        bytes.append(8)
        bytes += data.finished()
    }

    /// The whole file.
    public func finished() -> [UInt8] { bytes + [0x3B] }

    private static let bayer = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]

    private static func level(_ value: UInt8, _ most: Int, _ threshold: Int) -> Int {
        min(most, (Int(value) * most * 16 + (2 * threshold + 1) * 255 / 2) / (255 * 16))
    }

    private static func word(_ value: Int) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
}

/// GIF's LZW of bytes: codes of 9 to 12 bits, packed from the lowest bit on, in blocks of at most 255 bytes.
private struct CodeStream {
    private static let clear = 256
    private static let end = 257

    private var known: [Int: Int] = [:]
    private var next = CodeStream.end + 1
    private var size = 9
    private var current: Int?
    private var bits = 0
    private var bitCount = 0
    private var out: [UInt8] = []

    init() { put(Self.clear) }

    mutating func take(_ byte: UInt8) {
        guard let prefix = current else {
            current = Int(byte)
            return
        }
        let key = prefix << 8 | Int(byte)
        if let code = known[key] {
            current = code
            return
        }
        put(prefix)
        current = Int(byte)
        guard next < 4096 else {
            put(Self.clear)
            known.removeAll(keepingCapacity: true)
            next = Self.end + 1
            size = 9
            return
        }
        known[key] = next
        // The reader is one entry behind: it needs the longer codes one later.
        if next == 1 << size, size < 12 { size += 1 }
        next += 1
    }

    private mutating func put(_ code: Int) {
        bits |= code << bitCount
        bitCount += size
        while bitCount >= 8 {
            out.append(UInt8(bits & 255))
            bits >>= 8
            bitCount -= 8
        }
    }

    mutating func finished() -> [UInt8] {
        if let current { put(current) }
        put(Self.end)
        if bitCount > 0 { out.append(UInt8(bits & 255)) }
        var blocks: [UInt8] = []
        for start in stride(from: 0, to: out.count, by: 255) {
            let block = out[start..<min(start + 255, out.count)]
            blocks.append(UInt8(block.count))
            blocks += block
        }
        return blocks + [0]
    }
}

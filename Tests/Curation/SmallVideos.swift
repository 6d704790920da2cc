import Randomness
import Video

/// A video made here: noise with a bright square that walks, so that no two frames are alike.
func smallVideo(
    frames: Int = 20, width: Int = 48, height: Int = 32, seed: UInt64 = 1, framesPerSecond: Int = 25
) throws -> [UInt8] {
    let encoder = try VideoEncoder(width: width, height: height, framesPerSecond: framesPerSecond, keyInterval: 8)
    let draws = Draws(seed: seed, place: 0, purpose: .synthesis)
    var picture = [UInt8](repeating: 0, count: 3 * width * height)
    for t in 0..<frames {
        for i in picture.indices { picture[i] = UInt8(40 + draws.integer(i, below: 60)) }
        for y in 0..<8 {
            for x in 0..<8 { picture[3 * (y * width + (x + 3 * t) % width)] = 220 }
        }
        try picture.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
    }
    return try encoder.finish()
}

/// Where a box of an MP4 stands: its kind begins 4 bytes behind its beginning.
func box(_ kind: String, of bytes: [UInt8]) -> Range<Int>? {
    var at = 0
    while at + 8 <= bytes.count {
        let size = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
        guard size >= 8, at + size <= bytes.count else { return nil }
        if bytes[at + 4..<at + 8].elementsEqual(kind.utf8) { return at..<at + size }
        at += size
    }
    return nil
}

/// The same video with its index before its frames, as files for streaming have it: a cut then leaves the index whole.
func indexFirst(_ bytes: [UInt8]) -> [UInt8]? {
    guard let index = box("moov", of: bytes), let frames = box("mdat", of: bytes), frames.upperBound <= index.lowerBound
    else { return nil }
    var moved = Array(bytes[index])
    // Offsets of chunks (`stco`, 32 bits each) grow by what now stands before them.
    guard let table = (0..<moved.count - 4).first(where: { moved[$0..<$0 + 4].elementsEqual("stco".utf8) }) else {
        return nil
    }
    func word(_ at: Int) -> Int { moved[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    for i in 0..<word(table + 8) {
        let offset = word(table + 12 + 4 * i) + index.count
        for k in 0..<4 { moved[table + 12 + 4 * i + k] = UInt8(truncatingIfNeeded: offset >> (24 - 8 * k)) }
    }
    return Array(bytes[..<frames.lowerBound]) + moved + Array(bytes[frames])
}

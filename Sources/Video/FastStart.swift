/// Puts the index of an MP4 file before its frames (what `movflags=faststart` does, which needs a file that can be opened
/// again), so that a reader of its beginning knows where everything is.
///
/// Source: ISO/IEC 14496-12. The muxer's own files only: `ftyp`, then `mdat`, then `moov`, below 4 GiB.
///
/// - Returns: `nil` for anything else.
func withIndexFirst(_ file: [UInt8]) -> [UInt8]? {
    guard let boxes = MP4Box.list(in: file, 0..<file.count), let moov = boxes.last, moov.type == "moov",
        let first = boxes.first, first.type == "ftyp", file.count < 1 << 32
    else { return nil }
    var index = Array(file[moov.range])
    guard shiftOffsets(in: &index, 0..<index.count, by: moov.range.count) else { return nil }
    return file[first.range] + index + file[first.range.upperBound..<moov.range.lowerBound]
}

/// Raises the places of chunks in all tracks.
private func shiftOffsets(in bytes: inout [UInt8], _ range: Range<Int>, by distance: Int) -> Bool {
    guard let boxes = MP4Box.list(in: bytes, range) else { return false }
    for box in boxes {
        switch box.type {
        case "moov", "trak", "mdia", "minf", "stbl":
            guard shiftOffsets(in: &bytes, box.content, by: distance) else { return false }
        case "stco":
            let start = box.content.lowerBound
            guard box.content.count >= 8 else { return false }
            let count = MP4Box.number(bytes, start + 4)
            guard box.content.count == 8 + 4 * count else { return false }
            for place in stride(from: start + 8, to: box.content.upperBound, by: 4) {
                let offset = MP4Box.number(bytes, place) + distance
                guard offset < 1 << 32 else { return false }
                for i in 0..<4 { bytes[place + i] = UInt8(truncatingIfNeeded: offset >> (24 - 8 * i)) }
            }
        case "co64": return false
        default: break
        }
    }
    return true
}

/// A box of an MP4 file: four bytes of size, four letters, content.
struct MP4Box {
    let type: String
    let range: Range<Int>
    var content: Range<Int> { range.lowerBound + 8..<range.upperBound }

    /// - Returns: `nil` when they do not fill the range, or have sizes of 64 bits.
    static func list(in bytes: [UInt8], _ range: Range<Int>) -> [MP4Box]? {
        var boxes: [MP4Box] = []
        var position = range.lowerBound
        while position < range.upperBound {
            guard range.upperBound - position >= 8 else { return nil }
            let size = number(bytes, position)
            guard size >= 8, size <= range.upperBound - position else { return nil }
            let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
            boxes.append(MP4Box(type: type, range: position..<position + size))
            position += size
        }
        return boxes
    }

    /// Four bytes, most significant first.
    static func number(_ bytes: [UInt8], _ place: Int) -> Int {
        bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}

/// How many bytes at the beginning of an H.264 access unit (Annex B) are supplemental information: x264 writes its version
/// and settings there, which would make equal pictures different files.
func leadingSupplementalBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var position = 0
    while let (start, type) = nalUnit(bytes, position), start == position, type == 6 {
        var next = start + 4
        while next < bytes.count, nalUnit(bytes, next)?.start != next { next += 1 }
        // What ends with it has no picture, and is not ours to cut.
        guard next < bytes.count else { return 0 }
        position = next
    }
    return position
}

/// The unit whose start code (three or four bytes) is at `place`.
private func nalUnit(_ bytes: UnsafeBufferPointer<UInt8>, _ place: Int) -> (start: Int, type: UInt8)? {
    for zeros in [3, 2] where place + zeros + 1 < bytes.count {
        if bytes[place..<place + zeros].allSatisfy({ $0 == 0 }), bytes[place + zeros] == 1 {
            return (place, bytes[place + zeros + 1] & 0x1F)
        }
    }
    return nil
}

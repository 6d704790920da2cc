import Reporting
import Testing

@Suite struct AnimatedGIFTests {
    /// A reader of GIF's LZW, written from the format and not from the writer.
    private func decoded(_ gif: [UInt8], frame wanted: Int) throws -> [UInt8] {
        // Header, palette, loop.
        var place = 13 + 768 + 19
        var number = 0
        while true {
            try #require(Array(gif[place..<place + 2]) == [0x21, 0xF9])
            place += 8
            try #require(gif[place] == 0x2C)
            place += 10
            try #require(gif[place] == 8)
            place += 1
            var data: [UInt8] = []
            while gif[place] > 0 {
                data += gif[place + 1...place + Int(gif[place])]
                place += Int(gif[place]) + 1
            }
            place += 1
            if number == wanted { return try unpacked(data) }
            number += 1
        }
    }

    private func unpacked(_ data: [UInt8]) throws -> [UInt8] {
        var (table, size, bit): ([[UInt8]], Int, Int) = ([], 9, 0)
        var (before, out): ([UInt8]?, [UInt8]) = (nil, [])
        while true {
            var code = 0
            for i in 0..<size { code |= Int(data[(bit + i) / 8] >> UInt8((bit + i) % 8) & 1) << i }
            bit += size
            if code == 256 {
                table = (0..<256).map { [UInt8($0)] } + [[], []]
                (size, before) = (9, nil)
                continue
            }
            if code == 257 { return out }
            let entry: [UInt8]
            if code < table.count {
                entry = table[code]
            } else {
                let last = try #require(before)
                entry = last + [last[0]]
            }
            out += entry
            if let before, table.count < 4096 { table.append(before + [entry[0]]) }
            if table.count == 1 << size, size < 12 { size += 1 }
            before = entry
        }
    }

    /// From one colour to noise that fills the table several times.
    @Test(arguments: [0, 1, 7, 255]) func everyPixelComesBack(noise: Int) throws {
        let (width, height) = (173, 131)
        var word: UInt64 = 88_172_645_463_325_252
        var pictures: [[UInt8]] = []
        var gif = AnimatedGIF(width: width, height: height)
        for _ in 0..<2 {
            let rgb = (0..<3 * width * height).map { _ in
                word ^= word << 13
                word ^= word >> 7
                word ^= word << 17
                return UInt8(noise == 0 ? 0 : Int(word >> 40) % (noise + 1))
            }
            pictures.append(rgb)
            gif.add(rgb: rgb, hundredths: 10)
        }
        let file = gif.finished()
        #expect(file.last == 0x3B && file.starts(with: Array("GIF89a".utf8)))
        for (number, picture) in pictures.enumerated() {
            let pixels = try decoded(file, frame: number)
            try #require(pixels.count == width * height)
            for i in pixels.indices {
                let index = Int(pixels[i])
                let colour = [(index >> 5) * 255 / 7, (index >> 2 & 7) * 255 / 7, (index & 3) * 255 / 3]
                // The dither takes the level below or above: never further than one step of the palette.
                for (c, step) in [37, 37, 85].enumerated() {
                    #expect(abs(colour[c] - Int(picture[3 * i + c])) <= step, "picture \(number), pixel \(i)")
                }
            }
        }
    }
}

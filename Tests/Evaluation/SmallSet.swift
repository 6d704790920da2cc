import Clips
import Faults
import Randomness
import Storage
import TestSupport
import Video

/// A packed set of noise whose brightness tells the label, one video for each entry of `frames`; an entry of 0 is a file
/// whose pictures were lost.
func withSmallSet<T>(frames: [Int], width: Int = 48, height: Int = 32, _ body: (PackedSet) throws -> T) throws -> T {
    try withTemporaryFolder { folder in
        var list = ""
        for (number, count) in frames.enumerated() {
            let encoder = try VideoEncoder(width: width, height: height, framesPerSecond: 25, keyInterval: 8)
            let draws = Draws(seed: UInt64(number), place: 0, purpose: .synthesis)
            for t in 0..<(count == 0 ? 24 : count) {
                let picture = (0..<3 * width * height).map { i in
                    UInt8((number % 2 == 0 ? 40 : 160) + draws.integer(i + 97 * t, below: 60))
                }
                try picture.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
            }
            var bytes = try encoder.finish()
            if count == 0 {
                // The index stays whole: the file opens, and its pictures are not pictures.
                let name = Array("mdat".utf8)
                guard let box = bytes.indices.dropLast(4).first(where: { Array(bytes[$0..<$0 + 4]) == name }) else {
                    throw Fault(.internal, "v\(number).mp4", "has no pictures")
                }
                let size = bytes[box - 4..<box].reduce(0) { $0 << 8 | Int($1) }
                for i in box + 4 + size / 3..<box - 4 + size { bytes[i] = 0xFF }
            }
            try writeWhole(bytes, to: "\(folder)/v\(number).mp4")
            list += "v\(number).mp4 \(number % 2)\n"
        }
        try writeWhole(list, to: folder + "/list.txt")
        var options = PackOptions()
        options.decodes = false
        _ = try pack(
            try ClipList(path: folder + "/list.txt"), split: "test", into: folder + "/set", options: options)
        return try body(try PackedSet(directory: folder + "/set", split: "test"))
    }
}

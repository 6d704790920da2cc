import Faults
import Randomness
import Storage
import TestSupport
import Testing
import Video

/// A video made here: `frames` pictures of a bright square that walks over noise, so that no two are alike.
func makeVideo(frames: Int, width: Int = 48, height: Int = 32, seed: UInt64 = 1, keyInterval: Int = 8) throws -> [UInt8]
{
    let encoder = try VideoEncoder(width: width, height: height, framesPerSecond: 25, keyInterval: keyInterval)
    let draws = Draws(seed: seed, place: 0, purpose: .synthesis)
    var picture = [UInt8](repeating: 0, count: 3 * width * height)
    for t in 0..<frames {
        for i in picture.indices { picture[i] = UInt8(40 + t + draws.integer(i, below: 60)) }
        for y in 8..<20 {
            for x in 0..<12 {
                for c in 0..<3 { picture[3 * (y * width + (x + 2 * t) % width) + c] = UInt8(120 + 50 * c) }
            }
        }
        try picture.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
    }
    return try encoder.finish()
}

/// The digests of all frames, decoded from the beginning in one go.
func sequentialDigests(_ bytes: [UInt8], width: Int, height: Int, access: FrameAccess? = nil) throws -> [Digest] {
    try bytes.withUnsafeBytes { raw in
        let video = try VideoReader(raw, name: "video", access: access)
        var digests: [Digest] = []
        try video.decode(Array(0..<video.frameCount), width: width, height: height) { number, frame in
            #expect(number == digests.count)
            digests.append(Digest(of: frame.bytes))
        }
        return digests
    }
}

@Suite struct VideoTests {
    @Test func theSameFramesGiveTheSameBytes() throws {
        #expect(try makeVideo(frames: 20) == makeVideo(frames: 20))
        #expect(try makeVideo(frames: 20) != makeVideo(frames: 20, seed: 2))
    }

    @Test func whatWasEncodedComesBack() throws {
        let bytes = try makeVideo(frames: 5)
        try bytes.withUnsafeBytes { raw in
            let video = try VideoReader(raw, name: "video")
            #expect(video.width == 48 && video.height == 32)
            #expect(video.codec == "h264")
            #expect(video.frameRate == 25)
            #expect(video.access == .indexed)
            #expect(video.frameCount == 5)
            try video.decode([0, 4], width: 48, height: 32) { number, frame in
                // The middle of the square, chroma-subsampled and quantized: within a few levels.
                let pixel = frame[6 + 2 * number, 14]
                for c in 0..<3 { #expect(abs(Int(pixel[c]) - (120 + 50 * c)) < 12, "frame \(number): \(pixel)") }
            }
        }
    }

    /// Frame i by number is frame i of a decoder that counts from the beginning and knows no timestamps.
    @Test func everySubsetIsExact() throws {
        let bytes = try makeVideo(frames: 60)
        try expectExactSubsets(bytes, "made here", count: 60)
    }

    @Test(
        .enabled(if: RealClips.present, RealClips.missing),
        arguments: [
            ("arm_wrestling.mp4", 280), ("flipping_pancake.mkv", 310), ("rotated_90.mov", 3), ("unordered_pts.mov", 4),
        ])
    func everySubsetOfRealClipsIsExact(name: String, count: Int) throws {
        try expectExactSubsets(try RealClips.bytes(name), name, count: count)
    }

    private func expectExactSubsets(_ bytes: [UInt8], _ name: String, count: Int) throws {
        let truth = try sequentialDigests(bytes, width: 40, height: 30, access: .sequential(count: count))
        #expect(truth.count == count)
        // unordered_pts.mov shows one picture four times; the others would show a wrong frame.
        if count > 4 { #expect(Set(truth).count > count / 2, "\(name)") }
        try bytes.withUnsafeBytes { raw in
            let video = try VideoReader(raw, name: name)
            #expect(video.frameCount == count)
            #expect(video.access == .indexed)
            for trial in 0..<40 {
                let draws = Draws(seed: 11, place: UInt64(trial), purpose: .startFrame)
                let rate = 1 + draws.integer(0, below: 9)
                let start = draws.integer(1, below: count)
                let frames = (0..<16).map { start + $0 * rate }.filter { $0 < count }
                var seen: [Int] = []
                try video.decode(frames, width: 40, height: 30) { number, frame in
                    seen.append(number)
                    #expect(Digest(of: frame.bytes) == truth[number], "\(name): frame \(number), trial \(trial)")
                }
                #expect(seen.sorted() == frames)
            }
        }
    }

    @Test(.enabled(if: RealClips.present, RealClips.missing)) func rotationIsHonoured() throws {
        let bytes = try RealClips.bytes("rotated_90.mov")
        try bytes.withUnsafeBytes { raw in
            let video = try VideoReader(raw, name: "rotated_90.mov")
            #expect(video.width == 320 && video.height == 568)
        }
    }

    @Test func timesThatAreFurtherApartThanWholeNumbersReach() {
        let times = VideoReader.seconds(of: [-(1 << 62), 0, 1 << 62, .max], after: -(1 << 62), tick: 0.5)
        #expect(times == [0, 0x1p61, 0x1p62, 0x1.8p62])
    }

    /// Display matrices as FFmpeg writes them: a turn by 90 degrees clockwise has b = 1 and c = -1, and so on.
    @Test(arguments: [
        ([1, 0, 0, 1], Orientation()), ([-1, 0, 0, -1], Orientation(mirroredX: true, mirroredY: true)),
        ([0, 1, -1, 0], Orientation(transposed: true, mirroredY: true)),
        ([0, -1, 1, 0], Orientation(transposed: true, mirroredX: true)), ([-1, 0, 0, 1], Orientation(mirroredX: true)),
    ])
    func displayMatrices(abcd: [Int32], orientation: Orientation) {
        let m = abcd.map { $0 * 65536 }
        #expect(Orientation(displayMatrix: [m[0], m[1], 0, m[2], m[3], 0, 0, 0, 1 << 30]) == orientation)
        #expect(Orientation(displayMatrix: [Int32.min, .max, 0, .min, .min, 0, 0, 0, 0]).transposed == false)
    }
}

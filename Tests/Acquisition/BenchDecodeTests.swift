import Foundation
import Storage
import TestSupport
import Testing
import Video

/// What `bench decode` takes from a peer: one that says it is fast and shows other pictures is compared with nothing.
@Suite struct BenchDecodeTests {
    private static let (frames, rate, width, height) = (4, 2, 32, 24)

    /// A video that is just long enough for a clip, so that every clip begins with its first frame, and the pixels of four
    /// such clips.
    private func video(_ path: String) throws -> [UInt8] {
        let encoder = try VideoEncoder(width: 64, height: 48, framesPerSecond: 25)
        let count = (Self.frames - 1) * Self.rate + 1
        for n in 0..<count {
            let pixels = (0..<3 * 64 * 48).map { UInt8(40 + ($0 / 3 + 5 * n) % 150) }
            try pixels.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        let bytes = try encoder.finish()
        try writeWhole(bytes, to: path)
        var clip: [UInt8] = []
        try bytes.withUnsafeBytes { bytes in
            let reader = try VideoReader(bytes, name: path)
            try #require(reader.frameCount == count)
            try reader.decode(
                (0..<Self.frames).map { $0 * Self.rate }, width: Self.width, height: Self.height
            ) { clip += $1.bytes }
        }
        return clip + clip + clip + clip
    }

    /// - Parameters:
    ///   - pixels: what the peer shows.
    ///   - says: its last line.
    private func bench(_ folder: String, pixels: [UInt8], says: String, code: Int = 0) throws -> Command.Ended {
        let peer = """
            #!/bin/sh
            to=$(sed -n 's/.*"pixels":"\\([^"]*\\)".*/\\1/p' "$2" | tr -d '\\\\')
            [ -z "$to" ] || cp "$0.pixels" "$to"
            echo warming up
            echo '\(says)'
            exit \(code)

            """
        try writeWhole(peer, to: folder + "/peer")
        try writeWhole(pixels, to: folder + "/peer.pixels")
        return try Command.run(
            [
                "bench", "decode", "a.mp4", "--frames", "\(Self.frames)", "--rate", "\(Self.rate)", "--width",
                "\(Self.width)", "--height", "\(Self.height)", "--clips", "5", "--pairs", "2", "--peer",
                "sh \(folder)/peer", "--json",
            ], in: folder)
    }

    private let answer = #"{"clips_per_s": 0.5}"#

    @Test func samePicturesAreCompared() throws {
        try withTemporaryFolder { folder in
            let pixels = try video(folder + "/a.mp4")
            // As another scaler rounds.
            let ended = try bench(folder, pixels: pixels.map { $0 + 1 }, says: answer)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.json["pixel_difference"] as? Double == 1, "\(ended.output)")
            #expect(ended.json["peer_clips_per_s"] as? Double == 0.5)
            #expect((ended.json["ratio"] as? Double ?? 0) > 0)
        }
    }

    @Test func otherPicturesAreNot() throws {
        try withTemporaryFolder { folder in
            let pixels = try video(folder + "/a.mp4")
            let frame = 3 * Self.width * Self.height
            for (shown, said) in [
                (pixels.map { $0 + 2 }, "differ from ours by 2.00 of 255 on average"),
                // Each frame the next one.
                (Array(pixels.dropFirst(frame) + pixels.prefix(frame)), "differ from ours by "),
                (Array(pixels.dropLast(frame)), "bytes of pixels for the \(pixels.count) of ours"),
            ] {
                let ended = try bench(folder, pixels: shown, says: answer)
                #expect(ended.code == 65 && ended.errors.contains(said), "\(ended.errors)")
                #expect(!ended.output.contains("ratio") && !ended.output.contains("pair"), "\(ended.output)")
            }
        }
    }

    @Test func whatIsNoAnswerIsNamed() throws {
        try withTemporaryFolder { folder in
            let pixels = try video(folder + "/a.mp4")
            let silent = try bench(folder, pixels: pixels, says: "that was quick")
            #expect(silent.code == 65, "\(silent.errors)")
            #expect(silent.errors.contains("no JSON with clips_per_s: 'that was quick'"), "\(silent.errors)")
            let ended = try bench(folder, pixels: pixels, says: answer, code: 3)
            #expect(ended.code == 65 && ended.errors.contains("ended with exit code 3"), "\(ended.errors)")
        }
    }
}

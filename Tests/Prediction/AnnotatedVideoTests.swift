import Prediction
import Testing
import Video

@Suite struct AnnotatedVideoTests {
    /// What the captions do not cover stays as it was.
    @Test func captionsAreDrawnAndTheVideoKeepsItsLength() throws {
        let encoder = try VideoEncoder(width: 64, height: 48, framesPerSecond: 25, quantizer: 4)
        for t in 0..<20 {
            let frame = (0..<3 * 64 * 48).map { UInt8(truncatingIfNeeded: $0 / 3 % 64 * 2 + 5 * t) }
            try frame.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
        let video = try encoder.finish()
        let made = try video.withUnsafeBytes { raw in
            try AnnotatedVideo.make(raw, name: "stripes") { frame in [.init(text: "A \(frame)", score: 0.5)] }
        }
        let (before, after) = (
            try video.withUnsafeBytes { try VideoReader($0, name: "before") },
            try made.withUnsafeBytes { try VideoReader($0, name: "after") }
        )
        #expect(after.frameCount == 20 && after.width == 64 && after.height == 48)
        var (old, new): ([UInt8], [UInt8]) = ([], [])
        try before.decode([7], width: 64, height: 48) { _, frame in old = frame.bytes }
        try after.decode([7], width: 64, height: 48) { _, frame in new = frame.bytes }
        func mean(_ bytes: [UInt8], _ rows: Range<Int>) -> Double {
            let part = bytes[(3 * 64 * rows.lowerBound)..<(3 * 64 * rows.upperBound)]
            return part.reduce(0) { $0 + Double($1) } / Double(part.count)
        }
        // Encoded twice: a few values of 255. The panel is a quarter as bright, but for its letters and bar.
        #expect(abs(mean(old, 32..<48) - mean(new, 32..<48)) < 4)
        #expect(mean(new, 0..<4) < mean(old, 0..<4) / 2)
    }
}

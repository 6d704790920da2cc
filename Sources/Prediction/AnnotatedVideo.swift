import Faults
import Video

/// A video with what was predicted written on its frames.
public enum AnnotatedVideo {
    /// A line of the caption.
    public struct Line: Sendable, Equatable {
        public var text: String
        /// The length of its bar, 0 to 1.
        public var score: Double

        public init(text: String, score: Double) {
            self.text = text
            self.score = score
        }
    }

    /// Decodes a video and encodes it again with `lines` on each frame: H.264 in MP4, without sound, at its own size cut
    /// to even numbers and at its own rate rounded to whole frames a second (25 where the file tells none).
    ///
    /// - Parameters:
    ///   - bytes: the video file.
    ///   - lines: the caption of a source frame, best first.
    /// - Returns: the bytes of the MP4 file.
    /// - Throws: a data `Fault` for what does not decode or is smaller than 32 pixels.
    public static func make(
        _ bytes: UnsafeRawBufferPointer, name: String, lines: (_ frame: Int) -> [Line]
    ) throws -> [UInt8] {
        let video = try VideoReader(bytes, name: name)
        let (width, height) = (video.width & ~1, video.height & ~1)
        guard min(width, height) >= 32 else {
            throw Fault(.data, name, "frames of \(video.width)x\(video.height) are too small to write on")
        }
        let rate = video.frameRate > 0 ? max(1, min(240, Int(video.frameRate.rounded()))) : 25
        let encoder = try VideoEncoder(width: width, height: height, framesPerSecond: rate, keyInterval: 4 * rate)
        let shown = repetitions(frames: video.frameCount, times: video.frameTimes, rate: rate)
        let wanted = shown.indices.filter { shown[$0] > 0 }
        // Fourteen lines of letters to a frame, and letters no smaller than their points.
        let scale = max(1, height / (14 * (Letters.height + 2)))
        try video.decode(wanted, width: video.width, height: video.height) { frame, decoded in
            var picture = Picture(decoded, width: width, height: height)
            write(lines(frame), on: &picture, scale: scale)
            for _ in 0..<shown[frame] {
                try picture.bytes.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
            }
        }
        return try encoder.finish()
    }

    /// How often each source frame is shown at a constant rate, so that the video keeps its length.
    static func repetitions(frames: Int, times: [Double]?, rate: Int) -> [Int] {
        guard let times, times.count == frames, let last = times.last, last > 0, frames > 1 else {
            return [Int](repeating: 1, count: frames)
        }
        // The last frame lasts as long as those before it on average.
        let end = last + last / Double(frames - 1)
        // A file may claim any time.
        func tick(_ time: Double) -> Int { Int(min((time * Double(rate)).rounded(), 0x1p62)) }
        return (0..<frames).map { i in
            // A file may claim that a frame lasts for hours.
            min(10 * rate, max(0, tick(i + 1 < frames ? times[i + 1] : end) - tick(times[i])))
        }
    }

    private static func write(_ lines: [Line], on picture: inout Picture, scale: Int) {
        let step = (Letters.height + 3) * scale
        let panel = lines.count * step + 3 * scale
        picture.darken(columns: 0..<picture.width, rows: 0..<panel)
        for (number, line) in lines.enumerated() {
            let y = 3 * scale + number * step
            let length = Int((max(0, min(1, line.score)) * Double(picture.width - 6 * scale)).rounded())
            let bar: SIMD3<UInt8> = number == 0 ? SIMD3(40, 110, 60) : SIMD3(50, 70, 100)
            picture.fill(
                columns: 3 * scale..<3 * scale + length, rows: y - scale..<y + (Letters.height + 1) * scale, bar)
            picture.write(
                line.text, x: 4 * scale, y: y, scale: scale, number == 0 ? SIMD3(repeating: 255) : SIMD3(repeating: 210)
            )
        }
    }
}

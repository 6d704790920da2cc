import Faults
import Storage
import Video

/// What was written of a clip.
public struct TrimmedVideo: Sendable, Equatable {
    public var frames: Int
    public var width: Int
    public var height: Int
}

/// Cuts a clip out of a video and writes it in a profile: upright, without sound, the same bytes on every machine.
///
/// - Parameters:
///   - start: seconds from where on; `seconds` `nil` for all that follows.
/// - Throws: a data `Fault` for a video that cannot be read, or ends before half of the clip.
public func trimVideo(
    _ source: String, to target: String, start: Double, seconds: Double?, profile: TrimProfile
) throws -> TrimmedVideo {
    let bytes = try readWhole(source, limit: 4 << 30)
    let reader = try bytes.withUnsafeBytes { bytes throws(Fault) in try VideoReader(bytes, name: source) }
    guard let times = reader.frameTimes else {
        throw Fault(.data, source, "tells neither by timestamps nor by a rate when its frames are shown")
    }
    let chosen = profile.frames(times: times, start: start, seconds: seconds)
    let wanted = Int(((seconds ?? 0) * Double(profile.framesPerSecond)).rounded())
    guard !chosen.isEmpty, 2 * chosen.count >= wanted else {
        throw Fault(
            .data, source, "ends at \((times.last ?? 0).rounded()) s, before half of the clip from \(start) s on")
    }
    let (width, height) = profile.size(width: reader.width, height: reader.height)
    let encoder = try VideoEncoder(
        width: width, height: height, framesPerSecond: profile.framesPerSecond, quantizer: profile.quantizer,
        keyInterval: profile.keyInterval, skippable: profile.skippable, isAnonymous: true)
    var counts: [Int: Int] = [:]
    for frame in chosen { counts[frame, default: 0] += 1 }
    try reader.decode(counts.keys.sorted(), width: width, height: height) { number, frame in
        let pixels = frame.bytes
        for _ in 0..<(counts[number] ?? 0) {
            try pixels.withUnsafeBufferPointer { try encoder.append(rgb: $0) }
        }
    }
    try writeWhole(try encoder.finish(), to: target)
    return TrimmedVideo(frames: chosen.count, width: width, height: height)
}
